package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"bandit-operator.dev/cluster/internal/launch"
	"bandit-operator.dev/cluster/internal/progress"
	"bandit-operator.dev/cluster/internal/runtime"
	"bandit-operator.dev/cluster/internal/state"
)

func upCommand() *cobra.Command {
	var o launch.Options
	var detach, fresh bool
	c := &cobra.Command{
		Use:   "up",
		Short: "Start a cluster and wait until everything serves",
		Long: `up starts a cluster with Gateway API, Traefik, a Gateway named main in the
namespace gateway, and Prometheus. State of an earlier run in the same folder is
taken up again. It stays in the foreground until Ctrl-C, unless --detach is given.

Images are names in a JSON file, read again whenever a container starts:

  {"web:1": {"entrypoint": ["/usr/bin/python3", "/srv/web.py"],
             "cmd": ["--port=80"], "env": {"MODE": "demo"}, "workdir": "/srv"}}

A name that is not listed means nothing: such a container must bring its command.
Containers see this machine's files read-only, /tmp private, and not the state folder.
With "rootfs", the folder of an image that was unpacked, they see its files instead, all
read-only, and run as its "user", a number that is also their group.`,
		Example: `  cluster up
  cluster up --detach --dir /tmp/one --gateway 127.0.0.1:8080
  cluster up --publish 127.0.0.1:5432=10.96.0.77:5432
  cluster up --detach --while-pid $$   # for scripts: gone when the script is`,
		Args: cobra.NoArgs,
	}
	dir := dirFlag(c)
	f := c.Flags()
	f.BoolVar(&detach, "detach", false, "return when everything serves; the cluster goes on")
	f.BoolVar(&fresh, "fresh", false, "delete the state of an earlier run first")
	f.IntVar(&o.WhilePID, "while-pid", 0, "end the cluster when the process with this id ends, however it ends")
	f.StringVar(&o.Images, "images", "", "JSON file of image names (default DIR/images.json)")
	f.StringVar(&o.Tools, "tools", "", "folder that cluster/build.py made (default: where this program is)")
	f.StringVar(&o.API, "api", "", "address of the API server, such as 127.0.0.1:6443 (default: a free port)")
	f.StringVar(&o.Gateway, "gateway", "", "address of the gateway (default: a free port)")
	f.StringVar(&o.Prometheus, "prometheus", "", "address of Prometheus (default: a free port)")
	f.BoolVar(&o.Relay, "relay", false, "do without kube-proxy and nft: relay TCP for Services in user space")
	f.StringArrayVar(&o.Publish, "publish", nil, "ADDRESS=TARGET: listen on ADDRESS here, connect to TARGET inside")
	c.RunE = func(*cobra.Command, []string) (err error) {
		if o.Dir, err = dir(); err != nil {
			return err
		}
		if err := complete(&o); err != nil {
			return err
		}
		if o.Dir.Up() {
			return alreadyUp(o.Dir)
		}
		if fresh {
			if err := o.Dir.Delete(); err != nil {
				return err
			}
		}
		if detach {
			return launch.Detach(&o)
		}
		return foreground(&o)
	}
	return c
}

// complete fills in what was left open, and refuses what cannot work.
func complete(o *launch.Options) error {
	if o.Tools == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		o.Tools = filepath.Dir(filepath.Dir(self))
	}
	if o.Images == "" {
		o.Images = o.Dir.Images()
	}
	for _, path := range []*string{&o.Tools, &o.Images} {
		abs, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = abs
	}
	for _, name := range []string{"bin/traefik", "bin/prometheus", "gateway-api"} {
		if _, err := os.Stat(filepath.Join(o.Tools, name)); err != nil {
			return fmt.Errorf("--tools %s: %s is missing; `python3 cluster/build.py` makes the folder and prints its path", o.Tools, name)
		}
	}
	for _, path := range []string{o.Tools, o.Images} {
		if path != o.Dir.Images() && (strings.HasPrefix(path, "/run/") || strings.HasPrefix(path, "/var/log/")) {
			return fmt.Errorf("%s: the cluster has folders of its own on /run and /var/log; use another place", path)
		}
	}
	_, err := runtime.ReadImages(o.Images)
	return err
}

func alreadyUp(d state.Dir) error {
	return fmt.Errorf("a cluster is already up in %s; `cluster status --dir %s` shows it, `cluster down --dir %s` ends it", d, d, d)
}

func foreground(o *launch.Options) error {
	parent := launch.Parent()
	err := launch.Up(o, progress.New(os.Stdout), func(e state.Endpoints) {
		fmt.Print(summary(o.Dir, e))
		if parent != nil {
			parent.Leave()
			return
		}
		fmt.Println("Ctrl-C ends the cluster.")
	})
	if errors.Is(err, state.ErrUp) {
		return alreadyUp(o.Dir)
	}
	return err
}

func summary(d state.Dir, e state.Endpoints) string {
	return fmt.Sprintf(`gateway     %s
Prometheus  %s
API server  %s
export KUBECONFIG=%s
`, e.Gateway, e.Prometheus, e.API, d.Kubeconfig())
}
