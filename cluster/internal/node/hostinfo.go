package node

import (
	"context"
	"os"
	"runtime"
	"strings"
	"time"

	cadvisorv1 "github.com/google/cadvisor/info/v1"
	cadvisorv2 "github.com/google/cadvisor/info/v2"
	"golang.org/x/sys/unix"
	"k8s.io/kubernetes/pkg/kubelet/cadvisor"
	cadvisortest "k8s.io/kubernetes/pkg/kubelet/cadvisor/testing"

	processes "bandit-operator.dev/cluster/internal/runtime"
)

// hostInfo answers the few questions the kubelet asks of cAdvisor.
type hostInfo struct {
	cadvisortest.Fake
	root string
}

var _ cadvisor.Interface = &hostInfo{}

func (h *hostInfo) MachineInfo() (*cadvisorv1.MachineInfo, error) {
	var si unix.Sysinfo_t
	if err := unix.Sysinfo(&si); err != nil {
		return nil, err
	}
	return &cadvisorv1.MachineInfo{
		NumCores:       runtime.NumCPU(),
		MemoryCapacity: si.Totalram * uint64(si.Unit),
		MachineID:      "process", SystemUUID: "process", BootID: bootID(),
		Timestamp: time.Now(),
	}, nil
}

func bootID() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
}

func (h *hostInfo) VersionInfo() (*cadvisorv1.VersionInfo, error) {
	var u unix.Utsname
	unix.Uname(&u)
	return &cadvisorv1.VersionInfo{KernelVersion: unix.ByteSliceToString(u.Release[:]), ContainerOsVersion: "processes of the host"}, nil
}

func (h *hostInfo) fs() (cadvisorv2.FsInfo, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(h.root, &st); err != nil {
		return cadvisorv2.FsInfo{}, err
	}
	bs := uint64(st.Bsize)
	inodes, free := st.Files, st.Ffree
	return cadvisorv2.FsInfo{
		Timestamp: time.Now(), Device: "host", Mountpoint: h.root,
		Capacity: st.Blocks * bs, Available: st.Bavail * bs, Usage: (st.Blocks - st.Bfree) * bs,
		Inodes: &inodes, InodesFree: &free,
	}, nil
}

func (h *hostInfo) ImagesFsInfo(context.Context) (cadvisorv2.FsInfo, error)    { return h.fs() }
func (h *hostInfo) ContainerFsInfo(context.Context) (cadvisorv2.FsInfo, error) { return h.fs() }
func (h *hostInfo) RootFsInfo() (cadvisorv2.FsInfo, error)                     { return h.fs() }
func (h *hostInfo) GetDirFsInfo(string) (cadvisorv2.FsInfo, error)             { return h.fs() }

// ContainerInfoV2 gives the node, which is all processes of the cluster.
func (h *hostInfo) ContainerInfoV2(name string, _ cadvisorv2.RequestOptions) (map[string]cadvisorv2.ContainerInfo, error) {
	now, cpu, memory := time.Now(), &cadvisorv1.CpuStats{}, &cadvisorv1.MemoryStats{}
	cpu.Usage.Total, memory.WorkingSet = processes.Total()
	return map[string]cadvisorv2.ContainerInfo{name: {
		Spec:  cadvisorv2.ContainerSpec{CreationTime: now, HasCpu: true, HasMemory: true},
		Stats: []*cadvisorv2.ContainerStats{{Timestamp: now, Cpu: cpu, Memory: memory}},
	}}, nil
}
