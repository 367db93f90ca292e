package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"

	"bandit-operator.dev/cluster/internal/state"
)

// kubectlCommand is only there for the help text: Kubectl runs before cobra
// sees the arguments.
func kubectlCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "kubectl [--dir DIR] ARGUMENTS…",
		Short: "The real kubectl, connected to the cluster",
		Long: `kubectl is the ordinary one. It uses --kubeconfig or KUBECONFIG where given, else
the cluster in DIR (default ` + defaultDir + `).`,
		DisableFlagParsing: true,
		Run:                func(*cobra.Command, []string) {},
	}
}

// Kubectl is the real kubectl; os.Args starts with its name.
func Kubectl() {
	dir, rest := defaultDir, os.Args[1:]
	explicit := true
	switch {
	case len(rest) > 1 && rest[0] == "--dir":
		dir, rest = rest[1], rest[2:]
	case len(rest) > 0 && strings.HasPrefix(rest[0], "--dir="):
		dir, rest = strings.TrimPrefix(rest[0], "--dir="), rest[1:]
	default:
		explicit = false
	}
	d, err := state.Resolve(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
	if explicit || os.Getenv("KUBECONFIG") == "" {
		os.Setenv("KUBECONFIG", d.Kubeconfig())
		os.Setenv("KUBECACHEDIR", d.KubectlCache())
	}
	os.Args = append([]string{"kubectl"}, rest...)
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
