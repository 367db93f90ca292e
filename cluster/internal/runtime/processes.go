package runtime

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// processes gives the identifiers of all processes by mount namespace. Those of
// one namespace are those of one container, also the ones that left its process
// group or its session.
func processes() map[string][]int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	found := map[string][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if mounts, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", pid)); err == nil {
			found[mounts] = append(found[mounts], pid)
		}
	}
	return found
}

// Total gives the CPU time in nanoseconds and the resident bytes of all processes.
func Total() (cpuNanoseconds, residentBytes uint64) {
	var all []int
	for _, pids := range processes() {
		all = append(all, pids...)
	}
	u := usageOf(all)
	return u.cpuNanoseconds, u.residentBytes
}

// usage is what processes have used since they started, and hold now.
type usage struct {
	cpuNanoseconds uint64
	residentBytes  uint64
}

const (
	// The kernel's USER_HZ is 100 on all its common architectures.
	nanosecondsPerTick = 1e9 / 100

	// Fields of /proc/PID/stat, see proc_pid_stat(5), counted from the one after
	// the command: user, system, and both of the children it has waited for.
	firstTimeField, lastTimeField = 14 - 3, 17 - 3
	residentField                 = 24 - 3
)

// usageOf adds up processes; one that is gone meanwhile counts nothing.
func usageOf(pids []int) (total usage) {
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // the command may have any character
		if len(fields) <= residentField {
			continue
		}
		for _, ticks := range fields[firstTimeField : lastTimeField+1] {
			n, _ := strconv.ParseUint(ticks, 10, 64)
			total.cpuNanoseconds += n * nanosecondsPerTick
		}
		pages, _ := strconv.ParseUint(fields[residentField], 10, 64)
		total.residentBytes += pages * uint64(os.Getpagesize())
	}
	return total
}
