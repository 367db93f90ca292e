package launch

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// endOf gives a channel that is closed when a process ends, however it ends. It
// need not be a child: the kernel tells by a descriptor of the process, which
// never means another one that has the same id later. For 0 it is never closed.
func endOf(pid int) (<-chan struct{}, error) {
	if pid == 0 {
		return nil, nil
	}
	descriptor, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("--while-pid %d: %w; give the id of a process that runs", pid, err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer unix.Close(descriptor)
		watched := []unix.PollFd{{Fd: int32(descriptor), Events: unix.POLLIN}}
		for {
			if _, err := unix.Poll(watched, -1); !errors.Is(err, unix.EINTR) {
				return
			}
		}
	}()
	return over, nil
}
