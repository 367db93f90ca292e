// Package cli is what users type: one file per verb.
package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"bandit-operator.dev/cluster/internal/state"
)

// defaultDir is where the cluster of a work tree lives.
const defaultDir = "build/cluster"

// Main runs the verb in os.Args.
func Main() {
	root := &cobra.Command{
		Use:   "cluster",
		Short: "A Kubernetes cluster in one process tree, without Docker or root",
		Long: `cluster runs a small Kubernetes cluster on this machine: etcd, API server,
controller manager, scheduler, kubelet and kube-proxy are real, a Pod is a network
namespace, a container is a local process, and an image is a name in a JSON file.
Traefik (Gateway API) and Prometheus run in it. Everything dies with its first
process; nothing is reachable from other machines.

Start here:
  cluster up --detach                     start, wait until all serves, return
  cluster kubectl get pods -A             look around
  cluster status                          what runs, and where it is reached
  cluster down                            end it; its state stays for the next up`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.AddCommand(upCommand(), downCommand(), statusCommand(), logsCommand(), forwardCommand(), kubectlCommand())
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

// dirFlag adds --dir to a command and gives its absolute value when asked.
func dirFlag(c *cobra.Command) func() (state.Dir, error) {
	dir := c.Flags().String("dir", defaultDir, "folder with the state of the cluster")
	return func() (state.Dir, error) { return state.Resolve(*dir) }
}

// runningDir is dirFlag's value, or an error when no cluster is up there.
func runningDir(dir func() (state.Dir, error)) (state.Dir, error) {
	d, err := dir()
	if err == nil && !d.Up() {
		err = notUp(d)
	}
	return d, err
}

func notUp(d state.Dir) error {
	if why := d.Ended(); why != "" {
		return fmt.Errorf("no cluster is up in %s; the last one ended by itself: %s", d, why)
	}
	return fmt.Errorf("no cluster is up in %s; start one with: cluster up --detach --dir %s", d, d)
}
