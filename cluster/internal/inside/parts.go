package inside

import (
	"context"
	_ "embed"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"bandit-operator.dev/cluster/internal/layout"
	"bandit-operator.dev/cluster/internal/supervise"
)

//go:embed audit-policy.yaml
var auditPolicy []byte

//go:embed kube-proxy.yaml
var proxyConfig []byte

func in(name string) string  { return filepath.Join(layout.InsideDir, name) }
func pki(name string) string { return in(filepath.Join("pki", name)) }

// startParts starts all parts in the order in which they need each other.
func startParts(supervisor *supervise.Supervisor, spec *Spec) error {
	for name, content := range map[string][]byte{"audit-policy.yaml": auditPolicy, "kube-proxy.yaml": proxyConfig} {
		if err := os.WriteFile(in(name), content, 0o644); err != nil {
			return err
		}
	}
	if err := supervisor.Start("etcd", etcdFlags()...); err != nil {
		return err
	}
	if err := supervisor.Start("kube-apiserver", apiServerFlags()...); err != nil {
		return err
	}
	// The controller manager gives up when there is no API server for ten seconds.
	if err := waitForAPIServer(supervisor.Failed()); err != nil {
		return err
	}
	proxy, proxyFlags := serviceProxy(spec.Relay)
	for _, part := range []struct {
		name  string
		flags []string
	}{
		{"kube-controller-manager", controllerManagerFlags()},
		{"kube-scheduler", clientFlags("scheduler.conf")},
		{"kubelet", []string{"--images=" + spec.Images, "--tools=" + spec.Tools, "--hide=" + string(spec.Dir)}},
		{proxy, proxyFlags},
		{"dns", []string{"--kubeconfig=" + pki("proxy.conf"), "--listen=" + layout.NodeIP + ":53"}},
	} {
		if err := supervisor.Start(part.name, part.flags...); err != nil {
			return err
		}
	}
	return nil
}

func etcdFlags() []string {
	const client, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
	return []string{
		"--name=" + layout.NodeName, "--data-dir=" + in("etcd"),
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=" + layout.NodeName + "=" + peer,
		"--unsafe-no-fsync", // survives kill -9, not a power cut
		"--log-level=warn", "--auto-compaction-mode=periodic", "--auto-compaction-retention=10m",
	}
}

func apiServerFlags() []string {
	return []string{
		"--etcd-servers=http://127.0.0.1:2379",
		"--bind-address=0.0.0.0", // of this network namespace only
		"--secure-port=" + layout.APIPort, "--advertise-address=" + layout.NodeIP,
		"--tls-cert-file=" + pki("apiserver.crt"), "--tls-private-key-file=" + pki("apiserver.key"), "--client-ca-file=" + pki("ca.crt"),
		"--kubelet-client-certificate=" + pki("kubelet-client.crt"), "--kubelet-client-key=" + pki("kubelet-client.key"),
		"--kubelet-certificate-authority=" + pki("ca.crt"), "--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + pki("sa.pub"), "--service-account-signing-key-file=" + pki("sa.key"),
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--anonymous-auth=false",
		"--service-cluster-ip-range=" + layout.ServiceNet, "--allow-privileged", "--profiling=false",
		// Rotated late, so that requests of a long test can be counted in one file.
		"--audit-policy-file=" + in("audit-policy.yaml"), "--audit-log-path=" + in("audit.log"),
		"--audit-log-maxsize=500", "--audit-log-maxbackup=1",
	}
}

// clientFlags are those of a part that only talks to the API server.
func clientFlags(kubeconfig string) []string {
	path := pki(kubeconfig)
	return []string{
		"--kubeconfig=" + path, "--authentication-kubeconfig=" + path, "--authorization-kubeconfig=" + path,
		"--leader-elect=false", "--bind-address=127.0.0.1", "--profiling=false", "--kube-api-qps=100", "--kube-api-burst=200",
	}
}

func controllerManagerFlags() []string {
	return append(clientFlags("controller-manager.conf"),
		"--root-ca-file="+pki("ca.crt"), "--service-account-private-key-file="+pki("sa.key"),
		"--cluster-signing-cert-file="+pki("ca.crt"), "--cluster-signing-key-file="+pki("ca.key"),
		"--use-service-account-credentials")
}

// serviceProxy is the real kube-proxy where there is an nft program, else a
// small one of our own that needs no packet filter.
func serviceProxy(relay bool) (string, []string) {
	if _, err := exec.LookPath("nft"); err != nil || relay {
		return "service-proxy", []string{"--kubeconfig=" + pki("proxy.conf")}
	}
	return "kube-proxy", []string{"--config=" + in("kube-proxy.yaml")}
}

func waitForAPIServer(failed <-chan error) error {
	config, err := clientcmd.BuildConfigFromFlags("", pki("admin.conf"))
	if err != nil {
		return err
	}
	config.Timeout = 2 * time.Second
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	deadline := time.After(90 * time.Second)
	for {
		code := 0
		client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(context.Background()).StatusCode(&code)
		if code == http.StatusOK {
			return nil
		}
		select {
		case err := <-failed:
			return err
		case <-deadline:
			return errors.New("the API server is not ready after 90 s (cluster logs kube-apiserver)")
		case <-time.After(50 * time.Millisecond):
		}
	}
}
