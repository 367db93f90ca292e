// Package launch starts a cluster from outside: it takes the state folder,
// makes the sockets and namespaces, waits, and installs the add-ons. It needs no
// privilege. Everything inside dies with the process that called Up.
package launch

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	goruntime "runtime"
	"syscall"

	"bandit-operator.dev/cluster/internal/inside"
	"bandit-operator.dev/cluster/internal/pki"
	"bandit-operator.dev/cluster/internal/progress"
	"bandit-operator.dev/cluster/internal/state"
)

// Options are what a user can choose.
type Options struct {
	Dir        state.Dir
	Tools      string   // folder that cluster/build.py made
	Images     string   // JSON file of image names; need not exist yet
	API        string   // address outside; empty: a free port
	Gateway    string   // the same
	Prometheus string   // the same
	Publish    []string // further ADDRESS=TARGET
	Relay      bool     // do without kube-proxy
	WhilePID   int      // end with this process; 0: with nobody
}

// Up runs a cluster until it ends or this process gets SIGINT or SIGTERM.
// ready is called once, when all add-ons serve.
func Up(o *Options, steps *progress.Steps, ready func(state.Endpoints)) error {
	orphaned, err := endOf(o.WhilePID)
	if err != nil {
		return err
	}
	lock, err := o.Dir.Lock()
	if err != nil {
		return err
	}
	previous, _ := o.Dir.Endpoints() // none the first time
	published, err := listen(o, previous)
	if err != nil {
		return err
	}
	if err := o.Dir.Begin(); err != nil {
		return err
	}
	if err := pki.Ensure(o.Dir.PKI()); err != nil {
		return err
	}
	if err := pki.WriteKubeconfig(o.Dir.PKI(), "admin", published.endpoints.API, o.Dir.Kubeconfig()); err != nil {
		return err
	}
	steps.Begin("etcd and the API server")
	process, err := startInside(o, lock, published)
	if err != nil {
		return err
	}
	return supervise(o, process, orphaned, steps, published.endpoints, ready)
}

// supervise waits for what comes first: the end of the cluster, a signal, or the
// end of the process that the cluster is for.
func supervise(o *Options, process *exec.Cmd, orphaned <-chan struct{}, steps *progress.Steps, endpoints state.Endpoints, ready func(state.Endpoints)) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	prepared := make(chan error, 1)
	go func() { prepared <- prepare(o, steps, endpoints) }()
	for {
		select {
		case err := <-prepared:
			if err != nil {
				process.Process.Kill()
				<-ended
				return errors.Join(reason(o.Dir), err)
			}
			ready(endpoints)
		case <-signals:
			process.Process.Kill() // the kernel ends every process of the namespace
			<-ended
			return nil
		case <-orphaned:
			process.Process.Kill()
			<-ended
			return nil
		case err := <-ended:
			if why := reason(o.Dir); why != nil {
				return why
			}
			return fmt.Errorf("the cluster ended: %w; see %s", err, o.Dir.Log("inside"))
		}
	}
}

func reason(dir state.Dir) error {
	if why := dir.Ended(); why != "" {
		return errors.New(why)
	}
	return nil
}

// startInside starts process 1 in namespaces of its own. It inherits the lock
// and the listening sockets.
func startInside(o *Options, lock *os.File, published *published) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	spec, err := json.Marshal(inside.Spec{Dir: o.Dir, Tools: o.Tools, Images: o.Images, Relay: o.Relay, Targets: published.targets})
	if err != nil {
		return nil, err
	}
	output, err := os.Create(o.Dir.Log("inside"))
	if err != nil {
		return nil, err
	}
	defer output.Close()
	defer published.close()
	goruntime.LockOSThread() // the child dies with this thread (Pdeathsig), so it must be the one that stays
	for _, withUsers := range []bool{true, false} {
		process := exec.Command(self, "inside", string(spec))
		process.Stdout, process.Stderr = output, output
		process.ExtraFiles = append([]*os.File{lock}, published.sockets...)
		process.Env = append(os.Environ(), "PATH="+filepath.Join(o.Tools, "bin")+":"+os.Getenv("PATH"))
		process.SysProcAttr = namespaces(withUsers)
		if err = process.Start(); err == nil {
			return process, nil
		}
		if os.Geteuid() != 0 { // root can do without a user namespace
			break
		}
	}
	return nil, inside.ExplainForbidden(err)
}

func namespaces(withUsers bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Pdeathsig:  syscall.SIGKILL,
		Setsid:     true,
	}
	if withUsers {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}
