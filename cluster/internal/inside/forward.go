package inside

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"bandit-operator.dev/cluster/internal/relay"
)

// forward accepts on a socket made outside and connects inside: a listening
// socket belongs to the network namespace it was made in, whoever uses it. It
// returns why it ended, which it should not.
func forward(socket *os.File, target string) error {
	listener, err := net.FileListener(socket)
	socket.Close()
	if err == nil {
		err = relay.Accept(listener, func(client net.Conn) {
			server, err := net.DialTimeout("tcp", target, 5*time.Second)
			if err != nil {
				client.(*net.TCPConn).SetLinger(0) // refused, not served and ended
				client.Close()
				return
			}
			relay.Relay(client.(*net.TCPConn), server.(*net.TCPConn))
		})
	}
	return fmt.Errorf("the published port of %s ended: %w", target, err)
}

// serveForwards takes further listening sockets from outside over a Unix
// socket: the message is the target, its ancillary data the listening socket.
func serveForwards(path string, failed chan<- error) error {
	os.Remove(path) // of an earlier run
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return err
	}
	os.Chmod(path, 0o600)
	return relay.Accept(listener, func(conn net.Conn) {
		takeForward(conn.(*net.UnixConn), failed)
		conn.Close()
	})
}

func takeForward(conn *net.UnixConn, failed chan<- error) {
	target, ancillary := make([]byte, 256), make([]byte, 64)
	n, m, _, _, err := conn.ReadMsgUnix(target, ancillary)
	if err != nil {
		return
	}
	messages, err := unix.ParseSocketControlMessage(ancillary[:m])
	if err != nil || len(messages) != 1 {
		return
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return
	}
	syscall.CloseOnExec(fds[0])
	go func() { failed <- forward(os.NewFile(uintptr(fds[0]), "listener"), string(target[:n])) }()
	conn.Write([]byte("ok"))
}
