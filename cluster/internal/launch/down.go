package launch

import (
	"fmt"
	"syscall"
	"time"

	"bandit-operator.dev/cluster/internal/state"
)

// Down ends the cluster in dir, and tells whether there was one.
func Down(dir state.Dir) (bool, error) {
	if !dir.Up() {
		return false, nil
	}
	pid, err := dir.PID()
	if err != nil {
		return true, err
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := syscall.Kill(pid, signal); err != nil && err != syscall.ESRCH {
			return true, fmt.Errorf("signal process %d: %w", pid, err)
		}
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if !dir.Up() {
				return true, nil
			}
		}
	}
	return true, fmt.Errorf("process %d is still there; %s is held", pid, dir)
}
