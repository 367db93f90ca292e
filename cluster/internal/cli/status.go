package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
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
	Silent    []string        `json:"silent"` // what does not serve, and why
}

func statusCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Tell whether a cluster is up, where, and what its parts use",
		Long: `status asks the gateway, Prometheus and the API server, and exits with 0 when all
serve, else with 1 and the reason, also that for which the last cluster ended by
itself. Memory is the proportional set size: all parts are one program, whose pages
they share.`,
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
			if err := encoder.Encode(r); err != nil {
				return err
			}
			return r.fault()
		}
		if err := r.fault(); err != nil {
			return err
		}
		fmt.Print(summary(d, r.Endpoints), "\n")
		return printParts(r.Parts)
	}
	return c
}

// fault is what keeps a cluster from being ready.
func (r *report) fault() error {
	if len(r.Silent) > 0 {
		return fmt.Errorf("the cluster in %s does not serve all:\n%s\nsee %s", r.Dir, strings.Join(r.Silent, "\n"), r.Dir.Parts())
	}
	if !r.Ready {
		return fmt.Errorf("the cluster in %s is starting (process %d)", r.Dir, r.PID)
	}
	return nil
}

func look(d state.Dir) (*report, error) {
	pid, err := d.PID()
	if err != nil {
		return nil, err
	}
	r := &report{Dir: d, PID: pid, Parts: launch.Parts(pid), Silent: []string{}}
	if r.Endpoints, err = d.Endpoints(); err == nil {
		r.Silent = launch.Silent(r.Endpoints, r.Parts)
		r.Ready = len(r.Silent) == 0
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
