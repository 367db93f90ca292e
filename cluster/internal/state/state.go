// Package state is the folder in which one cluster keeps everything it writes.
//
//	kubeconfig      administrator's access from outside
//	endpoints.json  addresses outside, there while the cluster is ready
//	audit.log       one JSON line per API request
//	parts/NAME.log  output of each part
//	images.json     names of images, unless --images names another file
//	pki/ etcd/ kubelet/ ...   not for users
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Endpoints are URLs on 127.0.0.1 at which the cluster is reached from outside.
type Endpoints struct {
	API        string `json:"api"`
	Gateway    string `json:"gateway"`
	Prometheus string `json:"prometheus"`
}

// Dir is the absolute path of a state folder.
type Dir string

// Resolve makes the path of a state folder absolute.
func Resolve(dir string) (Dir, error) {
	abs, err := filepath.Abs(dir)
	return Dir(abs), err
}

func (d Dir) path(name string) string { return filepath.Join(string(d), name) }

func (d Dir) PKI() string        { return d.path("pki") }
func (d Dir) Kubeconfig() string { return d.path("kubeconfig") }
func (d Dir) Parts() string      { return d.path("parts") }
func (d Dir) Images() string     { return d.path("images.json") }
func (d Dir) Log(part string) string {
	return filepath.Join(d.Parts(), part+".log")
}

// KubectlCache is where kubectl keeps what the API server offers. In its usual place
// below the home folder it would serve the next cluster on the same port as well.
func (d Dir) KubectlCache() string { return d.path("kubectl-cache") }

// ForwardSocket is the name of the socket at which a running cluster takes further ones.
const ForwardSocket = "forward.sock"

// ErrUp says that a running cluster holds the folder.
var ErrUp = errors.New("already up")

// Lock takes the folder for one cluster. Whoever has the file open holds it, so
// it is free again as soon as the processes are gone, however they ended.
func (d Dir) Lock() (*os.File, error) {
	if err := os.MkdirAll(d.Parts(), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(d.path("lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	err = unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, wholeFile())
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EAGAIN) {
		return nil, ErrUp
	}
	return nil, fmt.Errorf("lock %s: %w", d.path("lock"), err)
}

// wholeFile is a lock that belongs to an open file, not to a process: process 1
// inside inherits it.
func wholeFile() *unix.Flock_t { return &unix.Flock_t{Type: unix.F_WRLCK} }

// Up tells whether a cluster holds the folder.
func (d Dir) Up() bool {
	f, err := os.Open(d.path("lock"))
	if err != nil {
		return false
	}
	defer f.Close()
	lock := wholeFile()
	err = unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, lock) // asks only, so that it is in nobody's way
	return err == nil && lock.Type != unix.F_UNLCK
}

// Begin forgets how an earlier run was reached and how it ended.
func (d Dir) Begin() error {
	for _, name := range []string{"endpoints.json", "ended"} {
		if err := os.Remove(d.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return os.WriteFile(d.path("pid"), fmt.Appendln(nil, os.Getpid()), 0o644)
}

// PID is the process to signal; it means something only while the cluster is up.
func (d Dir) PID() (int, error) {
	b, err := os.ReadFile(d.path("pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}

// Ended is why the cluster ended by itself; empty when it did not.
func (d Dir) Ended() string {
	b, _ := os.ReadFile(d.path("ended"))
	return string(b)
}

// SetEnded keeps the reason for which the cluster ends.
func (d Dir) SetEnded(reason string) error {
	return os.WriteFile(d.path("ended"), []byte(reason), 0o644)
}

// Endpoints are those of the cluster that is ready, or was when last it ran.
func (d Dir) Endpoints() (e Endpoints, err error) {
	b, err := os.ReadFile(d.path("endpoints.json"))
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(b, &e)
}

// WriteEndpoints says that the cluster is ready, and where.
func (d Dir) WriteEndpoints(e Endpoints) error {
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	temporary := d.path("endpoints.json.new")
	if err := os.WriteFile(temporary, append(b, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, d.path("endpoints.json"))
}

// marker is in every state folder, and in no other.
const marker = "pki/ca.crt"

// Delete removes the folder of a cluster that is down.
func (d Dir) Delete() error {
	if d.Up() {
		return ErrUp
	}
	if _, err := os.Stat(string(d)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if _, err := os.Stat(d.path(marker)); err != nil {
		return fmt.Errorf("%s is not deleted: it does not look like a cluster's state folder (no %s)", d, marker)
	}
	return os.RemoveAll(string(d))
}
