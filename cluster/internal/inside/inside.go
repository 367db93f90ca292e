// Package inside is process 1 of the cluster's namespaces: it sets up mounts
// and network, accepts for the outside, and starts the parts.
package inside

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log"
	"os"
	"syscall"

	"bandit-operator.dev/cluster/internal/layout"
	"bandit-operator.dev/cluster/internal/state"
	"bandit-operator.dev/cluster/internal/supervise"
)

// Spec is what process 1 is told, as JSON in its first argument.
type Spec struct {
	Dir     state.Dir // the state folder as the user knows it
	Tools   string    // folder with the programs that are not in this binary
	Images  string    // JSON file of image names
	Relay   bool      // do without kube-proxy
	Targets []string  // where the listening socket 4+i leads to (3 is the lock)
}

// firstListener is the descriptor after standard streams and the lock.
const firstListener = 4

// Main runs until a part ends, and then ends everything: the kernel kills every
// process of a PID namespace whose process 1 is gone.
func Main() {
	log.SetFlags(log.Ltime | log.Lmicroseconds)
	var spec Spec
	if len(os.Args) != 2 || json.Unmarshal([]byte(os.Args[1]), &spec) != nil {
		log.Fatal("inside: not for users; see `cluster up --help`")
	}
	dir := state.Dir(layout.InsideDir)
	err := run(&spec, dir)
	log.Print(err)
	dir.SetEnded(err.Error())
	os.Exit(1)
}

func run(spec *Spec, dir state.Dir) error {
	syscall.CloseOnExec(firstListener - 1) // held, but not by the parts
	err := setupMounts(string(spec.Dir))
	if err == nil {
		err = setupNetwork()
	}
	if errors.Is(err, fs.ErrPermission) { // AppArmor lets us make a user namespace, and takes its rights
		return ExplainForbidden(err)
	}
	if err != nil {
		return err
	}
	unreachable := make(chan error, 1)
	for i, target := range spec.Targets {
		fd := firstListener + i
		syscall.CloseOnExec(fd)
		go func() { unreachable <- forward(os.NewFile(uintptr(fd), "listener"), target) }()
	}
	go func() { unreachable <- serveForwards(in(state.ForwardSocket), unreachable) }()
	supervisor := supervise.New(dir, spec.Dir)
	if err := startParts(supervisor, spec); err != nil {
		return err
	}
	select { // a cluster that cannot be reached is no better than one that lacks a part
	case err := <-unreachable:
		return err
	case err := <-supervisor.Failed():
		return err
	}
}
