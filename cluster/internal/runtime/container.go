package runtime

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// container is one container of a Pod, from creation to removal.
type container struct {
	id      string
	sandbox *sandbox
	config  *cri.ContainerConfig
	root    string // where its tree is put together; empty outside its mount namespace
	logPath string // empty: output is dropped
	created time.Time

	// Set when it starts.
	state    cri.ContainerState
	started  time.Time
	pid      int
	mounts   string // identifies its mount namespace, and so its processes
	env      []string
	workdir  string
	identity []syscall.SysProcIDMap // nil: that of the cluster
	log      *log

	// Set when it ends.
	finished time.Time
	exit     int32
	done     chan struct{}
}

func (r *Runtime) CreateContainer(_ context.Context, req *cri.CreateContainerRequest) (*cri.CreateContainerResponse, error) {
	c := &container{
		id: newID(), config: req.Config, created: time.Now(),
		state: cri.ContainerState_CONTAINER_CREATED, done: make(chan struct{}),
	}
	c.root = filepath.Join(r.Dir, "roots", c.id[:12])
	if req.Config.LogPath != "" {
		c.logPath = filepath.Join(req.SandboxConfig.GetLogDirectory(), req.Config.LogPath)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.sandbox = r.sandboxes[req.PodSandboxId]; c.sandbox == nil {
		return nil, status.Error(codes.NotFound, "no such sandbox")
	}
	r.containers[c.id] = c
	return &cri.CreateContainerResponse{ContainerId: c.id}, nil
}

// find gives a container, or the error the kubelet expects when there is none.
func (r *Runtime) find(id string) (*container, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.containers[id]; c != nil {
		return c, nil
	}
	return nil, status.Error(codes.NotFound, "no such container")
}

// StopContainer and RemoveContainer succeed on a container that is gone already.
func (r *Runtime) StopContainer(_ context.Context, req *cri.StopContainerRequest) (*cri.StopContainerResponse, error) {
	if c, err := r.find(req.ContainerId); err == nil {
		r.stop(c, time.Duration(req.Timeout)*time.Second)
	}
	return &cri.StopContainerResponse{}, nil
}

func (r *Runtime) RemoveContainer(_ context.Context, req *cri.RemoveContainerRequest) (*cri.RemoveContainerResponse, error) {
	if c, err := r.find(req.ContainerId); err == nil {
		r.remove(c)
	}
	return &cri.RemoveContainerResponse{}, nil
}

func (r *Runtime) remove(c *container) {
	r.stop(c, 0)
	os.Remove(c.root) // an empty directory: the mounts were in the container's namespace
	if c.logPath != "" {
		os.Remove(c.logPath)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.containers, c.id)
}

func (r *Runtime) ListContainers(_ context.Context, req *cri.ListContainersRequest) (*cri.ListContainersResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := &cri.ListContainersResponse{}
	f := req.GetFilter()
	for _, c := range r.containers {
		if f != nil && (f.Id != "" && f.Id != c.id || f.PodSandboxId != "" && f.PodSandboxId != c.sandbox.id ||
			f.State != nil && f.State.State != c.state || !matches(c.config.Labels, f.LabelSelector)) {
			continue
		}
		image := imageID(c.config.Image.GetImage())
		out.Containers = append(out.Containers, &cri.Container{
			Id: c.id, PodSandboxId: c.sandbox.id, Metadata: c.config.Metadata, Image: c.config.Image, ImageRef: image, ImageId: image,
			State: c.state, CreatedAt: c.created.UnixNano(), Labels: c.config.Labels, Annotations: c.config.Annotations,
		})
	}
	return out, nil
}

func (r *Runtime) ContainerStatus(_ context.Context, req *cri.ContainerStatusRequest) (*cri.ContainerStatusResponse, error) {
	c, err := r.find(req.ContainerId)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	image := imageID(c.config.Image.GetImage())
	s := &cri.ContainerStatus{
		Id: c.id, Metadata: c.config.Metadata, State: c.state, CreatedAt: c.created.UnixNano(),
		Image: c.config.Image, ImageRef: image, ImageId: image,
		Labels: c.config.Labels, Annotations: c.config.Annotations, Mounts: c.config.Mounts, LogPath: c.logPath,
	}
	if !c.started.IsZero() {
		s.StartedAt = c.started.UnixNano()
	}
	if !c.finished.IsZero() {
		s.FinishedAt, s.ExitCode, s.Reason = c.finished.UnixNano(), c.exit, "Completed"
		if c.exit != 0 {
			s.Reason = "Error"
		}
	}
	return &cri.ContainerStatusResponse{Status: s}, nil
}

func (r *Runtime) UpdateContainerResources(context.Context, *cri.UpdateContainerResourcesRequest) (*cri.UpdateContainerResourcesResponse, error) {
	return &cri.UpdateContainerResourcesResponse{}, nil
}

func (r *Runtime) ReopenContainerLog(_ context.Context, req *cri.ReopenContainerLogRequest) (*cri.ReopenContainerLogResponse, error) {
	c, err := r.find(req.ContainerId)
	if err != nil {
		return nil, err
	}
	if c.log == nil {
		return nil, status.Error(codes.FailedPrecondition, "container has not started")
	}
	return &cri.ReopenContainerLogResponse{}, c.log.reopen()
}
