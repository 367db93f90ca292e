// Package progress shows what a command that takes seconds is doing.
package progress

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/term"
)

// Steps prints one line per finished step, and on a terminal a running clock.
type Steps struct {
	out   *os.File
	start time.Time
	stop  chan struct{}
	ended chan struct{}
}

// New starts the clock.
func New(out *os.File) *Steps { return &Steps{out: out, start: time.Now()} }

// Begin names what is going on now; the step before is over.
func (s *Steps) Begin(what string) {
	s.End()
	s.stop, s.ended = make(chan struct{}), make(chan struct{})
	go s.show(what, s.stop, s.ended)
}

// End finishes the last step.
func (s *Steps) End() {
	if s.stop != nil {
		close(s.stop)
		<-s.ended
		s.stop = nil
	}
}

func (s *Steps) show(what string, stop, ended chan struct{}) {
	defer close(ended)
	var ticks <-chan time.Time
	if term.IsTerminal(int(s.out.Fd())) {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		ticks = ticker.C
	}
	for {
		select {
		case <-ticks:
			fmt.Fprintf(s.out, "\r%5.1f s  %s …", time.Since(s.start).Seconds(), what)
		case <-stop:
			if ticks != nil {
				fmt.Fprint(s.out, "\r\x1b[K")
			}
			fmt.Fprintf(s.out, "%5.1f s  %s\n", time.Since(s.start).Seconds(), what)
			return
		}
	}
}
