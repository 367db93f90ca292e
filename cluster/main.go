// Command cluster is one binary that holds every part of a small Kubernetes
// cluster. Each part runs as a process of its own, because each has global
// flags, metrics and feature gates: the first argument names the part, or what
// the user wants (package cli).
package main

import (
	"os"
	"runtime"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	componentcli "k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"bandit-operator.dev/cluster/internal/cli"
	"bandit-operator.dev/cluster/internal/dns"
	"bandit-operator.dev/cluster/internal/inside"
	"bandit-operator.dev/cluster/internal/node"
	"bandit-operator.dev/cluster/internal/serviceproxy"
)

// The main thread is the main goroutine's alone. Were it free to take others, the
// runtime would now and then move it into a container's namespaces, and as the
// kernel tells a process's namespaces by its main thread, the kubelet would then
// count as a process of that container, and be killed with it.
func init() { runtime.LockOSThread() }

// parts are the programs that find themselves at os.Args[0].
var parts = map[string]func(){
	"inside":                  inside.Main,
	"etcd":                    func() { etcdmain.Main(os.Args) },
	"kube-apiserver":          command(apiserver.NewAPIServerCommand),
	"kube-controller-manager": command(controllermanager.NewControllerManagerCommand),
	"kube-scheduler":          command(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
	"kube-proxy":              command(proxy.NewProxyCommand),
	"service-proxy":           serviceproxy.Main,
	"kubelet":                 node.Main,
	"dns":                     dns.Main,
	"kubectl":                 cli.Kubectl,
}

func command(build func() *cobra.Command) func() {
	return func() { os.Exit(componentcli.Run(build())) }
}

func main() {
	if len(os.Args) > 1 {
		if run, ok := parts[os.Args[1]]; ok {
			os.Args = os.Args[1:]
			run()
			return
		}
	}
	cli.Main()
}
