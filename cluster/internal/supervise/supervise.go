// Package supervise starts the parts of the cluster, reaps every orphan (as
// process 1 of a PID namespace must) and tells when a part ends.
package supervise

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"bandit-operator.dev/cluster/internal/state"
)

// lastLines is how much of a dead part's log is shown.
const lastLines = 8

// Supervisor must be made once, by process 1.
type Supervisor struct {
	dir    state.Dir
	shown  state.Dir // the same folder as the user knows it
	failed chan error

	mu      sync.Mutex
	waiting map[int]chan syscall.WaitStatus
}

// New starts to reap. Logs go to dir; messages name them below shown.
func New(dir, shown state.Dir) *Supervisor {
	s := &Supervisor{dir: dir, shown: shown, failed: make(chan error, 16), waiting: map[int]chan syscall.WaitStatus{}}
	go s.reap()
	return s
}

// Failed gives an error for each part that ends: none of them should.
func (s *Supervisor) Failed() <-chan error { return s.failed }

func (s *Supervisor) reap() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGCHLD)
	tick := time.NewTicker(time.Second) // signals of one kind are merged, so one may be missed
	for {
		select {
		case <-signals:
		case <-tick.C:
		}
		for s.reapOne() {
		}
	}
}

func (s *Supervisor) reapOne() bool {
	var status syscall.WaitStatus
	s.mu.Lock()
	pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
	ended := s.waiting[pid]
	delete(s.waiting, pid)
	s.mu.Unlock()
	if pid <= 0 || err != nil {
		return false
	}
	if ended != nil {
		ended <- status
	}
	return true
}

// Start runs one part: this binary with the part's name as first argument.
// os.StartProcess, not exec.Cmd: the reaper above collects the exit status.
func (s *Supervisor) Start(name string, args ...string) error {
	out, err := os.OpenFile(s.dir.Log(name), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	process, err := os.StartProcess(self, append([]string{self, name}, args...),
		&os.ProcAttr{Env: withoutProxies(os.Environ()), Dir: "/", Files: []*os.File{nil, out, out}})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	ended := make(chan syscall.WaitStatus, 1)
	s.waiting[process.Pid] = ended
	go func() { s.failed <- s.explain(name, <-ended) }()
	return nil
}

func (s *Supervisor) explain(name string, status syscall.WaitStatus) error {
	how := fmt.Sprintf("exit code %d", status.ExitStatus())
	if status.Signaled() {
		how = "signal: " + status.Signal().String()
	}
	return fmt.Errorf("%s ended (%s). The last lines of %s:\n%s", name, how, s.shown.Log(name), state.Tail(s.dir.Log(name), lastLines))
}

// withoutProxies drops HTTP_PROXY and its kin: the addresses inside are not
// reachable through a proxy of the machine.
func withoutProxies(env []string) (kept []string) {
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasSuffix(strings.ToLower(name), "_proxy") {
			kept = append(kept, kv)
		}
	}
	return kept
}
