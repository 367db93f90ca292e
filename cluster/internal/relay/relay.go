// Package relay accepts connections, and joins two byte streams.
package relay

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// halfOpenPatience is how long a direction may be silent once the other has ended.
var halfOpenPatience = time.Minute

// Buffers, and not the splice of io.Copy: that holds two pipes, four descriptors, for
// each connection, and the kernel makes pipes tiny for a user who has many of them.
var buffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// Relay copies both ways until both directions have ended, then closes both.
// The end of one direction is passed on alone where the stream can do that, so
// that a client which half-closes still gets its answer. A direction that is
// silent for long after that has ended, too: whoever should end it may be gone.
func Relay(a, b io.ReadWriteCloser) {
	var halfOpen atomic.Bool
	var both sync.WaitGroup
	pump := func(dst, src io.ReadWriteCloser) {
		defer both.Done()
		copyUntilEnd(dst, src, &halfOpen)
		halfOpen.Store(true)
		limitSilence(dst) // which the other direction reads from
		if h, ok := dst.(interface{ CloseWrite() error }); ok {
			h.CloseWrite()
		} else {
			dst.Close()
		}
	}
	both.Add(2)
	go pump(a, b)
	go pump(b, a)
	both.Wait()
	a.Close()
	b.Close()
}

func copyUntilEnd(dst io.Writer, src io.Reader, halfOpen *atomic.Bool) {
	buffer := buffers.Get().(*[16 << 10]byte)
	defer buffers.Put(buffer)
	for {
		n, err := src.Read(buffer[:])
		if _, failed := dst.Write(buffer[:n]); errors.Join(err, failed) != nil {
			return
		}
		if halfOpen.Load() {
			limitSilence(src)
		}
	}
}

func limitSilence(stream any) {
	if s, ok := stream.(interface{ SetReadDeadline(time.Time) error }); ok {
		s.SetReadDeadline(time.Now().Add(halfOpenPatience))
	}
}
