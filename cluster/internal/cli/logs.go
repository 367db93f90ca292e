package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"bandit-operator.dev/cluster/internal/state"
)

func logsCommand() *cobra.Command {
	var lines int
	c := &cobra.Command{
		Use:   "logs PART|all",
		Short: "Show what a part of the cluster wrote",
		Long: `logs shows the output of one part of the last run, or the end of all of them. For
the output of Pods use: cluster kubectl logs.`,
		Example: `  cluster logs kubelet
  cluster logs all --lines 3`,
		Args: cobra.ExactArgs(1),
	}
	dir := dirFlag(c)
	c.Flags().IntVar(&lines, "lines", 20, "of each part, with `all`")
	c.RunE = func(_ *cobra.Command, args []string) error {
		d, err := dir()
		if err != nil {
			return err
		}
		names, err := partNames(d)
		if err != nil {
			return err
		}
		if args[0] != "all" {
			return printLog(d, args[0], names)
		}
		for _, name := range names {
			fmt.Printf("==> %s <==\n%s\n", name, state.Tail(d.Log(name), lines))
		}
		return nil
	}
	return c
}

func printLog(d state.Dir, name string, names []string) error {
	f, err := os.Open(d.Log(name))
	if err != nil {
		return fmt.Errorf("no log of %q in %s; there are: all %s", name, d, strings.Join(names, " "))
	}
	defer f.Close()
	_, err = io.Copy(os.Stdout, f)
	return err
}

// partNames are sorted.
func partNames(d state.Dir) ([]string, error) {
	files, err := filepath.Glob(d.Log("*"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no cluster was ever up in %s; --dir names another folder", d)
	}
	names := make([]string, 0, len(files))
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".log"))
	}
	return names, nil
}
