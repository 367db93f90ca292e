package launch

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// Part is one process of a running cluster, seen from outside.
type Part struct {
	Name        string `json:"name"`
	PID         int    `json:"pid"`
	MemoryBytes int    `json:"memoryBytes"` // proportional set size

	stopped bool // by a signal, as with Ctrl-Z
}

// Parts lists the parts of the cluster whose top process is pid, by name.
func Parts(pid int) []Part {
	var parts []Part
	for _, first := range children(pid) { // process 1 inside
		for _, child := range children(first) {
			argv, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child))
			words := strings.Split(string(argv), "\x00")
			// Orphans of containers are children of process 1 as well.
			if err == nil && len(words) > 1 && filepath.Base(words[0]) == "cluster" {
				parts = append(parts, Part{
					Name: words[1], PID: child, MemoryBytes: proportionalSetSize(child), stopped: stopped(child),
				})
			}
		}
	}
	sort.Slice(parts, func(i, j int) bool { return parts[i].Name < parts[j].Name })
	return parts
}

func children(pid int) (pids []int) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
	for _, task := range tasks {
		b, err := os.ReadFile(task)
		if err != nil {
			continue
		}
		for _, word := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(word); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

func stopped(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(b), ") ") // the state follows the name in brackets
	return strings.HasPrefix(after, "T")
}

func proportionalSetSize(pid int) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(b), "\n") {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "Pss:" {
			kilobytes, _ := strconv.Atoi(words[1])
			return kilobytes * 1024
		}
	}
	return 0
}
