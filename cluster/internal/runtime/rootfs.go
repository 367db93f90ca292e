package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A container's root is the host's tree seen through bind mounts. Where a
// mount target does not exist, its closest existing directory is covered by a
// tmpfs with the same entries, in which the target can be made. The host's files
// are read-only there; what a tmpfs adds is private to the container.
type rootfs struct {
	root    string          // the new root
	covered map[string]bool // host directories already covered
	volumes map[string]bool // paths on which something was mounted
}

// newRootfs must run on a thread with a mount namespace of its own.
func newRootfs(root string) (*rootfs, error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("private mounts: %w", err)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	r := &rootfs{root: root, covered: map[string]bool{}, volumes: map[string]bool{}}
	return r, r.cover("/")
}

// cover puts a tmpfs with the same entries over dir. The entries are bound from
// what the new root showed there before, so that earlier mounts stay visible.
func (r *rootfs) cover(dir string) error {
	target := filepath.Join(r.root, dir)
	from := dir
	if dir != "/" {
		fd, err := unix.Open(target, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		from = fmt.Sprintf("/proc/self/fd/%d", fd)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", target, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("tmpfs on %s: %w", target, err)
	}
	r.covered[dir] = true
	for _, e := range entries {
		old, to := filepath.Join(from, e.Name()), filepath.Join(target, e.Name())
		if e.Type()&os.ModeSymlink != 0 {
			if link, err := os.Readlink(old); err == nil {
				os.Symlink(link, to)
			}
			continue
		}
		if bindTo(old, to, e.IsDir()) != nil {
			os.Remove(to) // unreadable or already gone: leave it out
			continue
		}
		if name := e.Name(); dir != "/" && !strings.HasPrefix(dir, "/dev") || dir == "/" && name != "dev" && name != "proc" && name != "sys" {
			if err := setReadOnly(to); err != nil && dir == "/" {
				return fmt.Errorf("read-only %s: %w", name, err)
			}
		}
	}
	return nil
}

func bindTo(from, to string, isDir bool) error {
	if isDir {
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
	} else if _, err := os.Lstat(to); err != nil {
		f, err := os.OpenFile(to, os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		f.Close()
	}
	return unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, "")
}

// resolve follows the host's symbolic links in path as far as it exists.
func resolve(path string) string {
	path = filepath.Clean("/" + path)
	for tries := 0; tries < 40; tries++ {
		rest := ""
		dir := path
		for {
			if fi, err := os.Lstat(dir); err == nil {
				if fi.Mode()&os.ModeSymlink != 0 {
					link, err := os.Readlink(dir)
					if err != nil {
						return path
					}
					if !filepath.IsAbs(link) {
						link = filepath.Join(filepath.Dir(dir), link)
					}
					path = filepath.Join(link, rest)
					break // start again with the new path
				}
				if real, err := filepath.EvalSymlinks(dir); err == nil {
					return filepath.Join(real, rest)
				}
				return path
			}
			rest = filepath.Join(filepath.Base(dir), rest)
			dir = filepath.Dir(dir)
		}
	}
	return path
}

// mount binds host onto path, making path if need be.
func (r *rootfs) mount(host, path string, readOnly bool) error {
	fi, err := os.Stat(host)
	if err != nil {
		return err
	}
	path = resolve(path)
	target := filepath.Join(r.root, path)
	if _, err := os.Lstat(target); err != nil {
		parent := filepath.Dir(path)
		for {
			if _, err := os.Lstat(filepath.Join(r.root, parent)); err == nil {
				break
			}
			parent = filepath.Dir(parent)
		}
		if !r.writable(parent) {
			if err := r.cover(parent); err != nil {
				return err
			}
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
	}
	if err := bindTo(host, target, fi.IsDir()); err != nil {
		return fmt.Errorf("bind %s on %s: %w", host, path, err)
	}
	r.volumes[path] = true
	if readOnly {
		if err := setReadOnly(target); err != nil {
			return fmt.Errorf("read-only %s: %w", path, err)
		}
	}
	return nil
}

func setReadOnly(target string) error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	return unix.MountSetattr(-1, target, unix.AT_RECURSIVE, &attr)
}

// hide covers a directory of the host with nothing.
func (r *rootfs) hide(dir string) error {
	target := filepath.Join(r.root, resolve(dir))
	if _, err := os.Stat(target); err != nil {
		return nil
	}
	return unix.Mount("tmpfs", target, "tmpfs", 0, "mode=0755")
}

// writable tells whether dir lies in a tmpfs of ours, not in a host directory.
func (r *rootfs) writable(dir string) bool {
	if r.covered[dir] {
		return true
	}
	for d := dir; d != "/"; d = filepath.Dir(d) {
		if r.volumes[d] {
			return true
		}
		if r.covered[filepath.Dir(d)] {
			// d is an entry of a covered directory: ours only if the host lacks it.
			_, err := os.Lstat(d)
			return err != nil
		}
	}
	return false
}

// lookup finds a program the way a shell inside the container would.
func (r *rootfs) lookup(name, path, workdir string) (string, error) {
	try := func(p string) bool {
		fi, err := os.Stat(filepath.Join(r.root, resolve(p)))
		return err == nil && !fi.IsDir() && fi.Mode()&0o111 != 0
	}
	if strings.Contains(name, "/") {
		p := name
		if !filepath.IsAbs(p) {
			p = filepath.Join(workdir, p)
		}
		if try(p) {
			return p, nil
		}
		return "", fmt.Errorf("%s: no such program", name)
	}
	for _, d := range filepath.SplitList(path) {
		if p := filepath.Join(d, name); filepath.IsAbs(p) && try(p) {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s: not found in PATH", name)
}
