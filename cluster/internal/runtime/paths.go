package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// resolve follows symbolic links in path as a process does whose root is the given
// folder. What does not exist is kept as it is.
func resolve(root, path string) string {
	resolved, rest := "/", strings.Split(path, "/")
	for links := 0; len(rest) > 0; {
		next := filepath.Join(resolved, rest[0]) // never above "/", whatever ".." there are
		rest = rest[1:]
		link, err := os.Readlink(filepath.Join(root, next))
		if err != nil || links == maxLinks {
			resolved = next
			continue
		}
		links++
		if filepath.IsAbs(link) {
			resolved = "/"
		}
		rest = append(strings.Split(link, "/"), rest...)
	}
	return resolved
}

// maxLinks is the kernel's own limit.
const maxLinks = 40

// lookup finds a program the way a shell inside the container would.
func (r *rootfs) lookup(name, path, workdir string) (string, error) {
	try := func(p string) bool {
		fi, err := os.Stat(filepath.Join(r.root, resolve(r.root, p)))
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
