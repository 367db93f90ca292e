package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"bandit-operator.dev/cluster/internal/launch"
)

func downCommand() *cobra.Command {
	var remove bool
	c := &cobra.Command{
		Use:   "down",
		Short: "End a cluster",
		Long: `down ends a cluster and all its processes. Its state folder stays, so that up
continues where it was, unless --delete is given. No cluster there is no error.`,
		Args: cobra.NoArgs,
	}
	dir := dirFlag(c)
	c.Flags().BoolVar(&remove, "delete", false, "delete the state folder as well")
	c.RunE = func(*cobra.Command, []string) error {
		d, err := dir()
		if err != nil {
			return err
		}
		ended, err := launch.Down(d)
		if err != nil {
			return err
		}
		if ended {
			fmt.Println("ended the cluster in", d)
		} else {
			fmt.Println("no cluster was up in", d)
		}
		if remove {
			return d.Delete()
		}
		return nil
	}
	return c
}
