package relay

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

func pair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	one, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	other, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { one.Close(); other.Close() })
	return one.(*net.TCPConn), other.(*net.TCPConn)
}

func relayed(t *testing.T) (client, server *net.TCPConn, ended chan struct{}) {
	t.Helper()
	client, a := pair(t)
	server, b := pair(t)
	ended = make(chan struct{})
	go func() { Relay(a, b); close(ended) }()
	return client, server, ended
}

func TestClientThatHalfClosesStillGetsItsAnswer(t *testing.T) {
	client, server, ended := relayed(t)
	io.WriteString(client, "question")
	client.CloseWrite()
	if b, err := io.ReadAll(server); string(b) != "question" || err != nil {
		t.Fatalf("the server got %q, %v", b, err)
	}
	io.WriteString(server, "answer")
	server.Close()
	if b, err := io.ReadAll(client); string(b) != "answer" || err != nil {
		t.Fatalf("the client got %q, %v", b, err)
	}
	<-ended
}

func TestHalfOpenConnectionThatIsSilentIsClosedAndOneThatSpeaksIsNot(t *testing.T) {
	patience := halfOpenPatience
	halfOpenPatience = 200 * time.Millisecond
	defer func() { halfOpenPatience = patience }()
	client, server, ended := relayed(t)
	server.CloseWrite() // and the client keeps its end for ever
	for range 8 {
		time.Sleep(halfOpenPatience / 4)
		if _, err := io.WriteString(client, "."); err != nil {
			t.Fatal("closed while it spoke: ", err)
		}
	}
	<-ended
	if _, err := io.ReadAll(client); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
}

// echo serves a listener until the test ends, and gives its address.
func echo(t *testing.T, listener net.Listener) string {
	t.Helper()
	ended := make(chan error, 1)
	go func() {
		ended <- Accept(listener, func(c net.Conn) {
			defer c.Close()
			io.Copy(c, c)
		})
	}()
	t.Cleanup(func() {
		listener.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept ended by %v", err)
		}
	})
	return listener.Addr().String()
}

func answers(address string) error {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, "?"); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, make([]byte, 1))
	return err
}

func TestListenerOutlivesAWantOfDescriptors(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := net.Dial("tcp", listener.Addr().String()) // the kernel answers, nobody accepts yet
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	giveBack := starve(t)
	refused := make(chan error, 1)
	address := echo(t, &watched{listener, refused})
	if err := <-refused; !errors.Is(err, syscall.EMFILE) {
		t.Fatal("it was to fail for want of descriptors, not by: ", err)
	}
	giveBack()
	io.WriteString(waiting, "?")
	if _, err := io.ReadFull(waiting, make([]byte, 1)); err != nil {
		t.Fatal("the connection that waited: ", err)
	}
	if err := answers(address); err != nil {
		t.Fatal("a new connection: ", err)
	}
}

// watched tells the first error of a listener.
type watched struct {
	net.Listener
	first chan error
}

func (w *watched) Accept() (net.Conn, error) {
	conn, err := w.Listener.Accept()
	if err != nil {
		select {
		case w.first <- err:
		default:
		}
	}
	return conn, err
}

// starve takes all descriptors and gives them back when it is told to.
func starve(t *testing.T) (giveBack func()) {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 64, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	var taken []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		taken = append(taken, f)
	}
	return func() {
		for _, f := range taken {
			f.Close()
		}
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before)
	}
}

// flaky fails in some ways before it accepts.
type flaky struct {
	net.Listener
	errors []error
}

func (f *flaky) Accept() (net.Conn, error) {
	if len(f.errors) > 0 {
		err := f.errors[0]
		f.errors = f.errors[1:]
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", err)}
	}
	return f.Listener.Accept()
}

func TestErrorsThatPassDoNotEndAListener(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := echo(t, &flaky{listener, []error{syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED, syscall.ENOBUFS}})
	if err := answers(address); err != nil {
		t.Fatal(err)
	}
}

func TestErrorThatStaysEndsAListenerAndIsReturned(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := Accept(&flaky{listener, []error{syscall.EINVAL}}, nil); !errors.Is(err, syscall.EINVAL) {
		t.Fatal(err)
	}
}
