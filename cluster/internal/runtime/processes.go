package runtime

import (
	"fmt"
	"os"
	"strconv"
)

// processesIn gives the processes of a mount namespace, which are those of one
// container: also the ones that left its process group.
func processesIn(mounts string) (pids []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", pid)); err == nil && ns == mounts {
			pids = append(pids, pid)
		}
	}
	return pids
}
