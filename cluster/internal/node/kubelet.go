// Package node runs the unmodified kubelet against the process runtime, in one
// process. Only what needs cgroups or real root is replaced: the container
// manager, cAdvisor and the OOM adjuster.
package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	kubeletapp "k8s.io/kubernetes/cmd/kubelet/app"
	"k8s.io/kubernetes/cmd/kubelet/app/options"
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
	"k8s.io/kubernetes/pkg/kubelet/cm"
	"k8s.io/kubernetes/pkg/util/oom"
	"k8s.io/mount-utils"

	"bandit-operator.dev/cluster/internal/layout"
	"bandit-operator.dev/cluster/internal/runtime"
)

// dir is the state folder; the kubelet runs only inside.
const dir = layout.InsideDir

// Main is the part `kubelet`.
func Main() {
	flags := pflag.NewFlagSet("kubelet", pflag.ExitOnError)
	images := flags.String("images", "", "JSON file of image names")
	tools := flags.String("tools", "", "folder with the programs of the add-ons")
	hide := flags.String("hide", "", "the state folder's path outside, to hide from containers")
	flags.Parse(os.Args[1:])
	if err := run(context.Background(), *images, *tools, *hide); err != nil {
		fmt.Fprintln(os.Stderr, "kubelet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, images, tools, hide string) error {
	socket := filepath.Join(dir, "cri.sock")
	containers, err := runtime.New(runtime.Config{
		Dir: dir, Hide: []string{dir, hide}, NodeIP: layout.NodeIP, PodNet: layout.PodNet,
		Images: runtime.NewImages(images, tools),
	})
	if err != nil {
		return err
	}
	// The kubelet insists on gRPC, so both ends of this socket are ours.
	if err := containers.Serve(socket); err != nil {
		return err
	}
	server, err := options.NewKubeletServer()
	if err != nil {
		return err
	}
	server.RootDirectory = filepath.Join(dir, "kubelet")
	server.CertDirectory = filepath.Join(dir, "kubelet/pki")
	server.KubeConfig = filepath.Join(dir, "pki/kubelet.conf")
	server.HostnameOverride = layout.NodeName
	server.NodeIP = layout.NodeIP
	configure(&server.KubeletConfiguration, socket)
	gate := utilfeature.DefaultMutableFeatureGate
	if err := gate.SetFromMap(server.FeatureGates); err != nil {
		return err
	}
	deps, err := kubeletapp.UnsecuredDependencies(ctx, server, gate)
	if err != nil {
		return err
	}
	deps.CAdvisorInterface = &hostInfo{root: dir}
	deps.ContainerManager = cm.NewStubContainerManager()
	deps.OOMAdjuster = oom.NewFakeOOMAdjuster()
	deps.Mounter = mount.NewWithoutSystemd("")
	return kubeletapp.Run(ctx, server, deps, gate)
}

func configure(k *kubeletconfig.KubeletConfiguration, socket string) {
	k.ContainerRuntimeEndpoint = "unix://" + socket
	k.ImageServiceEndpoint = k.ContainerRuntimeEndpoint
	k.PodLogsDir = filepath.Join(dir, "logs")

	k.Address, k.Port = layout.NodeIP, 10250
	k.ReadOnlyPort, k.HealthzPort = 0, 0
	k.TLSCertFile = filepath.Join(dir, "pki/kubelet-serving.crt")
	k.TLSPrivateKeyFile = filepath.Join(dir, "pki/kubelet-serving.key")
	k.Authentication.X509.ClientCAFile = filepath.Join(dir, "pki/ca.crt")
	k.Authentication.Webhook.Enabled = true
	k.Authentication.Anonymous.Enabled = false
	k.Authorization.Mode = kubeletconfig.KubeletAuthorizationModeWebhook
	k.RotateCertificates = false

	// On the node's address, not in the service range: kube-proxy drops what is
	// sent there to an address that is no Service's.
	k.ClusterDNS = []string{layout.NodeIP}
	k.ClusterDomain = "cluster.local"
	k.ResolverConfig = ""
	k.MakeIPTablesUtilChains = false

	// No cgroups: neither limits nor quality-of-service groups.
	k.CgroupsPerQOS = false
	k.EnforceNodeAllocatable = []string{}
	k.FailSwapOn, k.FailCgroupV1 = false, false
	k.LocalStorageCapacityIsolation = false
	k.EvictionHard = map[string]string{} // the machine's full disk is not the cluster's business
	k.FeatureGates = map[string]bool{"KubeletInUserNamespace": true}
	k.EnableControllerAttachDetach = false

	k.MaxPods = 200
	k.SerializeImagePulls = false
	k.NodeStatusUpdateFrequency.Duration = 10 * time.Second
	k.SyncFrequency.Duration = 10 * time.Second
	k.KubeAPIQPS, k.KubeAPIBurst = 100, 200
	k.EventRecordQPS, k.EventBurst = 100, 200
	// A container that was killed a few times is back within seconds. The usual
	// limit of five minutes is longer than a whole demonstration or test.
	k.CrashLoopBackOff.MaxContainerRestartPeriod = &metav1.Duration{Duration: 5 * time.Second}
}
