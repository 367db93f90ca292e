package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// rootfs is a container's root: the machine's tree, or an image's, seen through bind mounts.
// Where a mount target does not exist, its closest existing directory is covered
// by a tmpfs with the same entries, in which the target can be made. The tree's
// files are read-only there; what a tmpfs adds is private to the container.
type rootfs struct {
	root    string          // the new root
	tree    string          // the tree that it shows: "/", or the folder of an image
	covered map[string]bool // directories of the tree that are covered already
	volumes map[string]bool // paths on which something was mounted
}

// newRootfs must run on a thread with a mount namespace of its own.
func newRootfs(root, tree string) (*rootfs, error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("private mounts: %w", err)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	r := &rootfs{root: root, tree: tree, covered: map[string]bool{}, volumes: map[string]bool{}}
	if err := r.cover("/"); err != nil {
		return nil, err
	}
	for _, dir := range ofTheKernel {
		if err := bindTo(dir, filepath.Join(root, dir), true); err != nil {
			return nil, fmt.Errorf("bind %s: %w", dir, err)
		}
	}
	return r, nil
}

// ofTheKernel are the directories that are the machine's in every root, as they are.
var ofTheKernel = []string{"/dev", "/proc", "/sys"}

// cover puts a tmpfs with the same entries over dir. The entries are bound from
// what the new root showed there before, so that earlier mounts stay visible.
func (r *rootfs) cover(dir string) error {
	target := filepath.Join(r.root, dir)
	from := r.tree
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
		if dir == "/" && slices.Contains(ofTheKernel, dir+e.Name()) {
			continue
		}
		if err := r.bindEntry(from, dir, e); err != nil {
			return err
		}
	}
	return nil
}

// bindEntry shows one entry of the directory `from` in the tmpfs over dir. One that
// cannot be bound, as it is unreadable or gone meanwhile, is left out.
func (r *rootfs) bindEntry(from, dir string, e os.DirEntry) error {
	old, shown := filepath.Join(from, e.Name()), filepath.Join(dir, e.Name())
	target := filepath.Join(r.root, shown)
	if e.Type()&os.ModeSymlink != 0 {
		if link, err := os.Readlink(old); err == nil {
			os.Symlink(link, target)
		}
		return nil
	}
	if bindTo(old, target, e.IsDir()) != nil {
		os.Remove(target)
		return nil
	}
	// Below the top a bind keeps what its source is: read-only, or a volume's own.
	if dir != "/" {
		return nil
	}
	if err := setReadOnly(target); err != nil {
		return fmt.Errorf("read-only %s: %w", shown, err)
	}
	return nil
}

// bindTo makes the mount point if there is none.
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

// seal makes read-only what cover has put there. Nothing can be mounted at a new place afterwards.
func (r *rootfs) seal() error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	for dir := range r.covered {
		if err := unix.MountSetattr(-1, filepath.Join(r.root, dir), 0, &attr); err != nil {
			return fmt.Errorf("read-only %s: %w", dir, err)
		}
	}
	return nil
}

// mount binds a path of the machine onto one of the container, which is made if
// need be.
func (r *rootfs) mount(host, path string, readOnly bool) error {
	fi, err := os.Stat(host)
	if err != nil {
		return err
	}
	path = resolve(r.root, path)
	target := filepath.Join(r.root, path)
	if err := r.makeParent(path); err != nil {
		return err
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

// makeParent sees to it that a mount point can be made at path.
func (r *rootfs) makeParent(path string) error {
	target := filepath.Join(r.root, path)
	if _, err := os.Lstat(target); err == nil {
		return nil
	}
	existing := filepath.Dir(path)
	for {
		if _, err := os.Lstat(filepath.Join(r.root, existing)); err == nil {
			break
		}
		existing = filepath.Dir(existing)
	}
	if !r.writable(existing) {
		if err := r.cover(existing); err != nil {
			return err
		}
	}
	return os.MkdirAll(filepath.Dir(target), 0o755)
}

// setReadOnly takes all mounts below target along. Remounting one by one would
// fail: flags such as nosuid are locked in a user namespace.
func setReadOnly(target string) error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	return unix.MountSetattr(-1, target, unix.AT_RECURSIVE, &attr)
}

// hide covers a directory of the machine with an empty one.
func (r *rootfs) hide(dir string) error {
	target := filepath.Join(r.root, resolve(r.root, dir))
	if _, err := os.Stat(target); err != nil {
		return nil
	}
	return unix.Mount("tmpfs", target, "tmpfs", 0, "mode=0755")
}

// writable tells whether dir lies in a tmpfs of ours, not in a directory of the tree.
func (r *rootfs) writable(dir string) bool {
	if r.covered[dir] {
		return true
	}
	for d := dir; d != "/"; d = filepath.Dir(d) {
		if r.volumes[d] {
			return true
		}
		if r.covered[filepath.Dir(d)] {
			// d is an entry of a covered directory: ours only if the tree lacks it.
			_, err := os.Lstat(filepath.Join(r.tree, d))
			return err != nil
		}
	}
	return false
}
