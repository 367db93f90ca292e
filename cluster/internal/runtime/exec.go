package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// run executes a command with a container's namespaces, root and environment.
// prepare sets its streams before it starts.
func (r *Runtime) run(ctx context.Context, c *container, argv []string, prepare func(*exec.Cmd) error) error {
	r.mu.Lock()
	running := c.state == cri.ContainerState_CONTAINER_RUNNING
	r.mu.Unlock()
	if !running {
		return errors.New("container is not running")
	}
	var cmd *exec.Cmd
	err := onOwnThread(func() (err error) {
		if cmd, err = enter(ctx, c, argv); err != nil {
			return err
		}
		if err := prepare(cmd); err != nil {
			return err
		}
		return cmd.Start()
	})
	if err != nil {
		return err
	}
	return cmd.Wait()
}

// enter moves the calling thread into the container's namespaces.
func enter(ctx context.Context, c *container, argv []string) (*exec.Cmd, error) {
	if err := unix.Unshare(unix.CLONE_FS); err != nil { // a shared root forbids to change mount namespace
		return nil, err
	}
	kinds := []struct {
		name string
		flag int
		fd   int
	}{{"net", unix.CLONE_NEWNET, 0}, {"uts", unix.CLONE_NEWUTS, 0}, {"ipc", unix.CLONE_NEWIPC, 0}, {"mnt", unix.CLONE_NEWNS, 0}}
	for i := range kinds { // all opened first: the paths mean something else once inside
		fd, err := unix.Open(fmt.Sprintf("/proc/%d/ns/%s", c.pid, kinds[i].name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		defer unix.Close(fd)
		kinds[i].fd = fd
	}
	for _, k := range kinds {
		if err := unix.Setns(k.fd, k.flag); err != nil {
			return nil, fmt.Errorf("enter the %s namespace: %w", k.name, err)
		}
	}
	search := os.Getenv("PATH")
	for _, kv := range c.env {
		if path, ok := strings.CutPrefix(kv, "PATH="); ok {
			search = path
		}
	}
	program, err := (&rootfs{root: c.root}).lookup(argv[0], search, c.workdir)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Args, cmd.Env, cmd.Dir = argv, c.env, c.workdir
	cmd.Err = nil // whether the program exists outside does not matter
	cmd.SysProcAttr = c.attributes()
	cmd.WaitDelay = 2 * time.Second
	return cmd, nil
}

// ExecSync runs a command to its end: exec probes and hooks.
func (r *Runtime) ExecSync(ctx context.Context, req *cri.ExecSyncRequest) (*cri.ExecSyncResponse, error) {
	c, err := r.find(req.ContainerId)
	if err != nil {
		return nil, err
	}
	if req.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(req.Timeout)*time.Second)
		defer cancel()
	}
	var stdout, stderr bytes.Buffer
	err = r.run(ctx, c, req.Cmd, func(cmd *exec.Cmd) error {
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		return nil
	})
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, status.Error(codes.DeadlineExceeded, "command timed out")
	case errors.As(err, &exit):
		return &cri.ExecSyncResponse{Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), ExitCode: int32(exit.ExitCode())}, nil
	case err != nil:
		return nil, status.Error(codes.Unknown, err.Error())
	}
	return &cri.ExecSyncResponse{Stdout: stdout.Bytes(), Stderr: stderr.Bytes()}, nil
}

// Exec and PortForward give the URL of the streaming server (streams.go).
func (r *Runtime) Exec(_ context.Context, req *cri.ExecRequest) (*cri.ExecResponse, error) {
	return r.stream.GetExec(req)
}

func (r *Runtime) PortForward(_ context.Context, req *cri.PortForwardRequest) (*cri.PortForwardResponse, error) {
	return r.stream.GetPortForward(req)
}
