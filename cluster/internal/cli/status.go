package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"bandit-operator.dev/cluster/internal/launch"
	"bandit-operator.dev/cluster/internal/state"
)

// report is the output of status --json.
type report struct {
	Dir       state.Dir       `json:"dir"`
	Ready     bool            `json:"ready"`
	PID       int             `json:"pid"`
	Endpoints state.Endpoints `json:"endpoints"`
	Parts     []launch.Part   `json:"parts"`
}

func statusCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Tell whether a cluster is up, where, and what its parts use",
		Long: `status exits with 0 when the cluster is ready, else with 1 and the reason, also that
for which the last one ended by itself. Memory is the proportional set size: all
parts are one program, whose pages they share.`,
		Args: cobra.NoArgs,
	}
	dir := dirFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "for programs")
	c.RunE = func(*cobra.Command, []string) error {
		d, err := runningDir(dir)
		if err != nil {
			return err
		}
		r, err := look(d)
		if err != nil {
			return err
		}
		if asJSON {
			encoder := json.NewEncoder(os.Stdout)
			encoder.SetIndent("", "  ")
			return encoder.Encode(r)
		}
		if !r.Ready {
			return fmt.Errorf("the cluster in %s is starting (process %d)", d, r.PID)
		}
		fmt.Print(summary(d, r.Endpoints), "\n")
		return printParts(r.Parts)
	}
	return c
}

func look(d state.Dir) (*report, error) {
	pid, err := d.PID()
	if err != nil {
		return nil, err
	}
	r := &report{Dir: d, PID: pid, Parts: launch.Parts(pid)}
	if r.Endpoints, err = d.Endpoints(); err == nil {
		r.Ready = true
	}
	return r, nil
}

func printParts(parts []launch.Part) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "part\tprocess\tmemory MB\t")
	for _, p := range parts {
		fmt.Fprintf(w, "%s\t%d\t%.0f\t\n", p.Name, p.PID, float64(p.MemoryBytes)/1e6)
	}
	return w.Flush()
}
