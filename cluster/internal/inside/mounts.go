package inside

import (
	"fmt"
	"log"
	"os"

	"golang.org/x/sys/unix"

	"bandit-operator.dev/cluster/internal/layout"
)

// setupMounts makes the mount namespace private and gives it what the parts
// expect: /proc of this PID namespace, and writable /run and /var/log (the
// kubelet insists on /var/log/containers). dir appears at layout.InsideDir.
func setupMounts(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		log.Print("proc: ", err, " (going on with the machine's)")
	}
	// Opened before the tmpfs below can hide it.
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	defer unix.Close(fd)
	for _, d := range []string{"/run", "/var/log"} {
		if err := unix.Mount("tmpfs", d, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
			return fmt.Errorf("tmpfs on %s: %w", d, err)
		}
	}
	if err := os.Mkdir(layout.InsideDir, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", fd), layout.InsideDir, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("bind %s on %s: %w", dir, layout.InsideDir, err)
	}
	return nil
}
