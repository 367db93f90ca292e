package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	goruntime "runtime"
	"sort"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func (r *Runtime) StartContainer(_ context.Context, req *cri.StartContainerRequest) (*cri.StartContainerResponse, error) {
	c, err := r.find(req.ContainerId)
	if err != nil {
		return nil, err
	}
	if err := onOwnThread(func() error { return r.start(c) }); err != nil {
		return nil, status.Error(codes.Unknown, err.Error())
	}
	return &cri.StartContainerResponse{}, nil
}

// onOwnThread runs f on an operating system thread that may change its
// namespaces: it is never used again, because it ends with its goroutine. It is
// not the main thread, which package main keeps to itself.
func onOwnThread(f func() error) error {
	result := make(chan error)
	go func() {
		goruntime.LockOSThread()
		result <- f()
	}()
	return <-result
}

// start makes the container's namespaces and root on the calling thread, and
// starts the process from there. Doing so in a helper process instead would
// mean to execute this large binary once more for each container.
func (r *Runtime) start(c *container) error {
	image, err := r.Images.find(c.config.Image)
	if err != nil {
		return err
	}
	argv := image.argv(c.config.Command, c.config.Args)
	if len(argv) == 0 {
		return fmt.Errorf("no command: the container has none, and the images file does not list %q", c.config.GetImage().GetUserSpecifiedImage())
	}
	environment := c.environment(image)
	c.identity = c.identityIn(image)
	workdir := firstOf(c.config.WorkingDir, image.Workdir, "/")
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC); err != nil {
		return fmt.Errorf("namespaces: %w", err)
	}
	if name := c.sandbox.config.Hostname; name != "" {
		if err := unix.Sethostname([]byte(name)); err != nil {
			return fmt.Errorf("host name: %w", err)
		}
	}
	if n := c.sandbox.network; n != nil {
		if err := unix.Setns(int(n.NS), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("network namespace: %w", err)
		}
	}
	root, err := r.buildRoot(c, image)
	if err != nil {
		return err
	}
	path, err := root.lookup(argv[0], environment["PATH"], workdir)
	if err != nil {
		return err
	}
	mounts, err := os.Readlink("/proc/thread-self/ns/mnt")
	if err != nil {
		return err
	}
	// While it is open, no other namespace can get this one's number.
	namespace, err := os.Open("/proc/thread-self/ns/mnt")
	if err != nil {
		return err
	}
	output, err := newLog(c.logPath)
	if err != nil {
		namespace.Close()
		return err
	}
	stdout, stderr := output.stream("stdout"), output.stream("stderr")
	// No Pdeathsig: it would fire when this thread ends. The kubelet's own end
	// ends the cluster.
	cmd := &exec.Cmd{
		Path: path, Args: argv, Env: list(environment), Dir: workdir, Stdout: stdout, Stderr: stderr, WaitDelay: 2 * time.Second,
		SysProcAttr: c.attributes(),
	}
	if err := cmd.Start(); err != nil {
		namespace.Close()
		output.close()
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c.pid, c.started, c.state = cmd.Process.Pid, time.Now(), cri.ContainerState_CONTAINER_RUNNING
	c.mounts, c.env, c.workdir, c.log = mounts, cmd.Env, workdir, output
	go r.wait(c, cmd, namespace, stdout, stderr)
	return nil
}

// environment joins that of the image and that of the container.
func (c *container) environment(image Image) map[string]string {
	env := map[string]string{"PATH": os.Getenv("PATH"), "HOME": "/", "HOSTNAME": c.sandbox.config.Hostname}
	if image.Rootfs != "" { // what this machine's says means nothing there
		env["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	}
	for k, v := range image.Env {
		env[k] = v
	}
	for _, kv := range c.config.Envs {
		env[kv.Key] = kv.Value
	}
	return env
}

func list(env map[string]string) []string {
	out := make([]string, 0, len(env))
	for k, v := range env {
		out = append(out, k+"="+v)
	}
	sort.Strings(out)
	return out
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// identityIn gives the mapping of users that makes the process the image's user, or the one that
// the Pod names; none on the machine's files.
func (c *container) identityIn(image Image) []syscall.SysProcIDMap {
	if image.Rootfs == "" {
		return nil
	}
	user := int(image.User)
	if chosen := c.config.GetLinux().GetSecurityContext().GetRunAsUser(); chosen != nil {
		user = int(chosen.Value)
	}
	return []syscall.SysProcIDMap{{ContainerID: user, HostID: 0, Size: 1}}
}

// attributes are those of every process of a container. Whoever started the cluster has one user
// only, so another one is a name for it, in a user namespace of the process's own; the process
// loses all capabilities there unless it is that namespace's root.
func (c *container) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Chroot: c.root, Setsid: true}
	if c.identity != nil {
		attr.Cloneflags = syscall.CLONE_NEWUSER
		attr.UidMappings, attr.GidMappings = c.identity, c.identity
	}
	return attr
}

// buildRoot must run on the thread that is to start the container.
func (r *Runtime) buildRoot(c *container, image Image) (*rootfs, error) {
	root, err := newRootfs(c.root, firstOf(image.Rootfs, "/"))
	if err != nil {
		return nil, err
	}
	if image.Rootfs == "" {
		for _, d := range r.Hide {
			if err := root.hide(d); err != nil {
				return nil, err
			}
		}
		if err := root.cover("/tmp"); err != nil {
			return nil, err
		}
	}
	mounts := append([]*cri.Mount{}, c.config.Mounts...)
	if _, err := os.Stat(c.sandbox.resolvConf()); err == nil {
		mounts = append(mounts, &cri.Mount{HostPath: c.sandbox.resolvConf(), ContainerPath: "/etc/resolv.conf"})
	}
	// Outer paths first, or they would cover the inner ones.
	sort.SliceStable(mounts, func(i, j int) bool { return len(mounts[i].ContainerPath) < len(mounts[j].ContainerPath) })
	for _, m := range mounts {
		if err := root.mount(m.HostPath, m.ContainerPath, m.Readonly); err != nil {
			return nil, err
		}
	}
	if image.Rootfs != "" {
		return root, root.seal()
	}
	return root, nil
}

// wait collects the exit status, and then ends whatever the process left behind
// in its mount namespace, which is let go of only then.
func (r *Runtime) wait(c *container, cmd *exec.Cmd, namespace *os.File, outputs ...*stream) {
	err := cmd.Wait()
	for _, pid := range processes()[c.mounts] {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	namespace.Close()
	for _, o := range outputs {
		o.flush()
	}
	c.log.close()
	r.mu.Lock()
	c.finished, c.state, c.exit = time.Now(), cri.ContainerState_CONTAINER_EXITED, exitCode(cmd, err)
	r.mu.Unlock()
	close(c.done)
}

// exitCode is 128 plus the signal for a process that was killed, as in a shell.
func exitCode(cmd *exec.Cmd, err error) int32 {
	if cmd.ProcessState == nil {
		return 255 // err kept Wait from collecting it
	}
	if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		return 128 + int32(ws.Signal())
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 || err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return int32(code)
	}
	return 255
}

// stop sends SIGTERM, and SIGKILL to the process group after the grace period.
func (r *Runtime) stop(c *container, grace time.Duration) {
	r.mu.Lock()
	running, pid := c.state == cri.ContainerState_CONTAINER_RUNNING, c.pid
	r.mu.Unlock()
	if !running {
		return
	}
	if grace > 0 {
		syscall.Kill(pid, syscall.SIGTERM)
		select {
		case <-c.done:
			return
		case <-time.After(grace):
		}
	}
	syscall.Kill(-pid, syscall.SIGKILL)
	<-c.done
}
