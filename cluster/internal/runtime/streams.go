package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
	"k8s.io/client-go/tools/remotecommand"
	utilexec "k8s.io/utils/exec"

	"bandit-operator.dev/cluster/internal/relay"
)

// streams answers kubectl exec and kubectl port-forward.
type streams struct{ *Runtime }

func (s streams) Exec(ctx context.Context, id string, argv []string, in io.Reader, out, errw io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize) error {
	c, err := s.find(id)
	if err != nil {
		return err
	}
	if tty {
		err = s.execTTY(ctx, c, argv, in, out, resize)
	} else {
		err = s.run(ctx, c, argv, func(cmd *exec.Cmd) error { return connect(cmd, in, out, errw) })
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &utilexec.CodeExitError{Err: err, Code: exit.ExitCode()}
	}
	return err
}

// connect gives a command those streams that the caller has.
func connect(cmd *exec.Cmd, in io.Reader, out, errw io.Writer) error {
	// A nil io.WriteCloser in an io.Writer is nil still: both are interfaces.
	cmd.Stdout, cmd.Stderr = out, errw
	if in == nil {
		return nil
	}
	// Not cmd.Stdin: then Wait would wait for the user to close it.
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	go func() {
		io.Copy(pipe, in)
		pipe.Close()
	}()
	return nil
}

func (s streams) execTTY(ctx context.Context, c *container, argv []string, in io.Reader, out io.Writer, resize <-chan remotecommand.TerminalSize) error {
	master, slave, err := openTerminal()
	if err != nil {
		return err
	}
	defer master.Close()
	go func() {
		for size := range resize {
			unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: size.Height, Col: size.Width})
		}
	}()
	if in != nil {
		go io.Copy(master, in)
	}
	copied := make(chan struct{})
	go func() { io.Copy(out, master); close(copied) }()
	err = s.run(ctx, c, argv, func(cmd *exec.Cmd) error {
		cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
		cmd.SysProcAttr.Setctty = true
		return nil
	})
	slave.Close() // the last one: now the copy ends
	<-copied
	return err
}

func openTerminal() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	var n int
	if err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err == nil {
		n, err = unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		master.Close()
		return nil, nil, err
	}
	return master, slave, nil
}

func (s streams) Attach(context.Context, string, io.Reader, io.WriteCloser, io.WriteCloser, bool, <-chan remotecommand.TerminalSize) error {
	return errors.New("attach is not supported")
}

// PortForward joins a stream to a port of the Pod's own loopback interface.
func (s streams) PortForward(_ context.Context, sandboxID string, port int32, client io.ReadWriteCloser) error {
	s.mu.Lock()
	pod := s.sandboxes[sandboxID]
	s.mu.Unlock()
	if pod == nil {
		return errors.New("no such sandbox")
	}
	var server net.Conn
	err := onOwnThread(func() (err error) {
		if pod.network != nil {
			if err := unix.Setns(int(pod.network.NS), unix.CLONE_NEWNET); err != nil {
				return err
			}
		}
		server, err = dialLoopback(int(port))
		return err
	})
	if err != nil {
		return err
	}
	relay.Relay(client, server)
	return nil
}

// dialLoopback connects on the calling thread; net.Dial may use another one.
func dialLoopback(port int) (net.Conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "port-forward")
	defer f.Close()
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, err
	}
	return net.FileConn(f)
}
