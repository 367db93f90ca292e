// Package relay joins two byte streams.
package relay

import "io"

// Relay copies both ways until both directions have ended, then closes both.
// The end of one direction is passed on alone where the stream can do that, so
// that a client which half-closes still gets its answer.
func Relay(a, b io.ReadWriteCloser) {
	done := make(chan struct{}, 2)
	copyTo := func(dst io.ReadWriteCloser, src io.Reader) {
		io.Copy(dst, src)
		if h, ok := dst.(interface{ CloseWrite() error }); ok {
			h.CloseWrite()
		} else {
			dst.Close()
		}
		done <- struct{}{}
	}
	go copyTo(a, b)
	go copyTo(b, a)
	<-done
	<-done
	a.Close()
	b.Close()
}
