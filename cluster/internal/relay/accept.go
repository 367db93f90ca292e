package relay

import (
	"errors"
	"log"
	"net"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const firstPause, longestPause = 5 * time.Millisecond, time.Second

// spared are descriptors that no relayed connection takes.
const spared = 1024

// passing are the errors after which a listener is as good as before.
var passing = []error{
	syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EPROTO, syscall.EINTR,
}

// Accept hands each connection to serve, in a goroutine of its own, and returns why
// no more can come. A want of descriptors or memory is waited out: it passes when
// other connections end. Beyond what one listener may have at once, connections
// wait in the kernel's queue.
func Accept(listener net.Listener, serve func(net.Conn)) error {
	places := make(chan struct{}, mostConnections())
	pause := firstPause
	for {
		places <- struct{}{}
		conn, err := listener.Accept()
		if err == nil {
			pause = firstPause
			go func() {
				defer func() { <-places }()
				serve(conn)
			}()
			continue
		}
		<-places
		if !slices.ContainsFunc(passing, func(one error) bool { return errors.Is(err, one) }) {
			return err
		}
		if pause == firstPause {
			log.Print(listener.Addr(), " waits: ", err)
		}
		time.Sleep(pause)
		pause = min(2*pause, longestPause)
	}
}

// mostConnections leaves a listener half of the descriptors, two for each
// connection, so that one that is flooded does not take the others'. Go's runtime
// has raised the limit to the highest that the user may have.
func mostConnections() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 2*spared {
		return spared / 4
	}
	return int(min(limit.Cur, 1<<20)-spared) / 4
}
