package runtime

import (
	"context"
	"time"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Statistics come from /proc: CPU time in steps of 10 ms, and resident memory,
// which counts a page once for each process that shares it. The kubelet offers
// them as its summary API and as /metrics/resource.

func (r *Runtime) ListContainerStats(_ context.Context, req *cri.ListContainerStatsRequest) (*cri.ListContainerStatsResponse, error) {
	found := processes()
	r.mu.Lock()
	defer r.mu.Unlock()
	out := &cri.ListContainerStatsResponse{}
	f := req.GetFilter()
	for _, c := range r.containers {
		if c.state != cri.ContainerState_CONTAINER_RUNNING ||
			f != nil && (f.Id != "" && f.Id != c.id || f.PodSandboxId != "" && f.PodSandboxId != c.sandbox.id || !matches(c.config.Labels, f.LabelSelector)) {
			continue
		}
		out.Stats = append(out.Stats, c.stats(usageOf(found[c.mounts])))
	}
	return out, nil
}

func (r *Runtime) ContainerStats(_ context.Context, req *cri.ContainerStatsRequest) (*cri.ContainerStatsResponse, error) {
	c, err := r.find(req.ContainerId)
	if err != nil {
		return nil, err
	}
	return &cri.ContainerStatsResponse{Stats: c.stats(usageOf(processes()[c.mounts]))}, nil
}

func (c *container) stats(u usage) *cri.ContainerStats {
	now, memory := time.Now().UnixNano(), &cri.UInt64Value{Value: u.residentBytes}
	return &cri.ContainerStats{
		Attributes: &cri.ContainerAttributes{
			Id: c.id, Metadata: c.config.Metadata, Labels: c.config.Labels, Annotations: c.config.Annotations,
		},
		Cpu:    &cri.CpuUsage{Timestamp: now, UsageCoreNanoSeconds: &cri.UInt64Value{Value: u.cpuNanoseconds}},
		Memory: &cri.MemoryUsage{Timestamp: now, WorkingSetBytes: memory, UsageBytes: memory, RssBytes: memory},
	}
}
