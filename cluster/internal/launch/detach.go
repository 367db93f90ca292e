package launch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
)

// parentVariable tells a detached `up` on which descriptor its parent listens.
const parentVariable = "CLUSTER_UP_PARENT_FD"

// Detach runs this same command again in a session of its own, without
// --detach, and returns when that says it is ready. Until then both share the
// terminal, so progress and errors are seen.
func Detach(o *Options) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, upArguments(o)...)
	cmd.Dir = "/" // keeps no folder busy; all paths below are absolute
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{writer}
	cmd.Env = append(os.Environ(), parentVariable+"=3")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	writer.Close()
	forwardInterrupts(cmd.Process)
	word, err := io.ReadAll(reader)
	if err != nil {
		return err
	}
	if string(word) == readyWord {
		return cmd.Process.Release()
	}
	cmd.Wait()
	return errors.New("the cluster did not start")
}

func upArguments(o *Options) []string {
	args := []string{"up", "--dir", string(o.Dir), "--tools", o.Tools, "--images", o.Images}
	for _, flag := range []struct{ name, value string }{{"api", o.API}, {"gateway", o.Gateway}, {"prometheus", o.Prometheus}} {
		if flag.value != "" {
			args = append(args, "--"+flag.name, flag.value)
		}
	}
	for _, p := range o.Publish {
		args = append(args, "--publish", p)
	}
	if o.WhilePID != 0 {
		args = append(args, "--while-pid", strconv.Itoa(o.WhilePID))
	}
	if o.Relay {
		args = append(args, "--relay")
	}
	return args
}

const readyWord = "ready"

// ParentProcess is the `up --detach` that waits for this process.
type ParentProcess struct{ pipe *os.File }

// Parent is nil when this `up` was started by a user.
func Parent() *ParentProcess {
	if os.Getenv(parentVariable) == "" {
		return nil
	}
	os.Unsetenv(parentVariable)
	syscall.CloseOnExec(3)
	return &ParentProcess{os.NewFile(3, "parent")}
}

// Leave lets the parent return, and gives back its terminal.
func (p *ParentProcess) Leave() {
	if null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0); err == nil {
		for fd := range 3 {
			syscall.Dup3(int(null.Fd()), fd, 0)
		}
		null.Close()
	}
	fmt.Fprint(p.pipe, readyWord)
	p.pipe.Close()
}

// forwardInterrupts ends the child, which Ctrl-C does not reach in its session.
func forwardInterrupts(child *os.Process) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		for range signals {
			child.Signal(syscall.SIGTERM)
		}
	}()
}
