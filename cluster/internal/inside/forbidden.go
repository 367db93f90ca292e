package inside

import (
	"fmt"
	"os"
	"strings"
)

// ExplainForbidden says what keeps a machine from making namespaces, or from
// using them once made, and how to change it.
func ExplainForbidden(err error) error {
	var hints []string
	for _, setting := range []struct{ file, forbids, cure string }{
		{"/proc/sys/user/max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=15000"},
		{"/proc/sys/kernel/unprivileged_userns_clone", "0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
	} {
		if b, readErr := os.ReadFile(setting.file); readErr == nil && strings.TrimSpace(string(b)) == setting.forbids {
			hints = append(hints, fmt.Sprintf("%s is %s: %s", setting.file, setting.forbids, setting.cure))
		}
	}
	if b, readErr := os.ReadFile("/proc/self/status"); readErr == nil && strings.Contains(string(b), "Seccomp:\t2") {
		hints = append(hints, "a seccomp filter is active, as in a container: start that container with --security-opt seccomp=unconfined")
	}
	if len(hints) == 0 {
		hints = append(hints, "no known setting forbids it; a security module may")
	}
	return fmt.Errorf(`this machine does not let you use namespaces: %w
The cluster needs user namespaces, or root. Do one of these:
  - %s
  - run the same command as root`, err, strings.Join(hints, "\n  - "))
}
