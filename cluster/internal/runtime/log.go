package runtime

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// log is a container's log file in the format that the kubelet reads:
// "TIME STREAM TAG TEXT", where the tag is F for a full line and P for a part.
type log struct {
	mu   sync.Mutex
	path string
	f    *os.File
}

func newLog(path string) (*log, error) {
	l := &log{path: path}
	return l, l.reopen()
}

func (l *log) reopen() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(l.path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	if l.f != nil {
		l.f.Close()
	}
	l.f = f
	return nil
}

func (l *log) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f != nil {
		l.f.Close()
		l.f = nil
	}
}

func (l *log) write(stream, tag string, line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return
	}
	fmt.Fprintf(l.f, "%s %s %s %s\n", time.Now().Format(time.RFC3339Nano), stream, tag, line)
}

// stream is an io.Writer that turns what a process writes into log lines.
type stream struct {
	log  *log
	name string
	mu   sync.Mutex
	part []byte
}

func (l *log) stream(name string) *stream { return &stream{log: l, name: name} }

// maxLine is how long a line without an end may grow in memory.
const maxLine = 16 << 10

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			break
		}
		s.log.write(s.name, "F", append(s.part, p[:i]...))
		s.part, p = nil, p[i+1:]
	}
	s.part = append(s.part, p...)
	for len(s.part) > maxLine {
		s.log.write(s.name, "P", s.part[:maxLine])
		s.part = append([]byte(nil), s.part[maxLine:]...)
	}
	return n, nil
}

func (s *stream) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.part) > 0 {
		s.log.write(s.name, "F", s.part)
		s.part = nil
	}
}
