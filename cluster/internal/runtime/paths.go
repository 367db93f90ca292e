package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// resolve follows symbolic links of the machine in path, as far as it exists. The
// container's links are the same ones.
func resolve(path string) string {
	path = filepath.Clean("/" + path)
	for range maxLinks {
		next, followed := followOne(path)
		if !followed {
			return next
		}
		path = next
	}
	return path
}

// maxLinks is the kernel's own limit.
const maxLinks = 40

// followOne replaces the last existing directory of path: by what it links to, if
// it is a link itself, else by its real name.
func followOne(path string) (string, bool) {
	existing, rest := path, ""
	info, err := os.Lstat(existing)
	for err != nil && existing != "/" {
		rest = filepath.Join(filepath.Base(existing), rest)
		existing = filepath.Dir(existing)
		info, err = os.Lstat(existing)
	}
	if err != nil {
		return path, false
	}
	if info.Mode()&os.ModeSymlink == 0 {
		if real, err := filepath.EvalSymlinks(existing); err == nil {
			return filepath.Join(real, rest), false
		}
		return path, false
	}
	link, err := os.Readlink(existing)
	if err != nil {
		return path, false
	}
	if !filepath.IsAbs(link) {
		link = filepath.Join(filepath.Dir(existing), link)
	}
	return filepath.Join(link, rest), true
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
