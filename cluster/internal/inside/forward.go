package inside

import (
	"log"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"bandit-operator.dev/cluster/internal/relay"
)

// forward accepts on a socket made outside and connects inside: a listening
// socket belongs to the network namespace it was made in, whoever uses it.
func forward(socket *os.File, target string) {
	listener, err := net.FileListener(socket)
	socket.Close()
	if err != nil {
		log.Print("forward to ", target, ": ", err)
		return
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			log.Print("forward to ", target, " ends: ", err)
			return
		}
		go func() {
			server, err := net.DialTimeout("tcp", target, 5*time.Second)
			if err != nil {
				client.Close()
				return
			}
			relay.Relay(client.(*net.TCPConn), server.(*net.TCPConn))
		}()
	}
}

// serveForwards takes further listening sockets from outside over a Unix
// socket: the message is the target, its ancillary data the listening socket.
func serveForwards(path string) {
	os.Remove(path) // of an earlier run
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		log.Print(err)
		return
	}
	os.Chmod(path, 0o600)
	for {
		conn, err := listener.AcceptUnix()
		if err != nil {
			log.Print("no more forwards: ", err)
			return
		}
		takeForward(conn)
		conn.Close()
	}
}

func takeForward(conn *net.UnixConn) {
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
	go forward(os.NewFile(uintptr(fds[0]), "listener"), string(target[:n]))
	conn.Write([]byte("ok"))
}
