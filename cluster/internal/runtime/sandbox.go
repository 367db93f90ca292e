package runtime

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"bandit-operator.dev/cluster/internal/podnet"
)

// sandbox is what the containers of one Pod share.
type sandbox struct {
	id      string
	config  *cri.PodSandboxConfig
	state   cri.PodSandboxState
	created time.Time
	dir     string
	network *podnet.Attachment // nil: the node's network
}

func (s *sandbox) resolvConf() string { return filepath.Join(s.dir, "resolv.conf") }

func (r *Runtime) RunPodSandbox(_ context.Context, req *cri.RunPodSandboxRequest) (*cri.RunPodSandboxResponse, error) {
	s := &sandbox{id: newID(), config: req.Config, created: time.Now(), state: cri.PodSandboxState_SANDBOX_READY}
	s.dir = filepath.Join(r.Dir, "sandboxes", s.id[:12])
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, err
	}
	if dns := req.Config.GetDnsConfig(); dns != nil {
		if err := os.WriteFile(s.resolvConf(), resolvConf(dns), 0o644); err != nil {
			return nil, err
		}
	}
	if logs := req.Config.GetLogDirectory(); logs != "" {
		if err := os.MkdirAll(logs, 0o755); err != nil {
			return nil, err
		}
	}
	if req.Config.GetLinux().GetSecurityContext().GetNamespaceOptions().GetNetwork() != cri.NamespaceMode_NODE {
		network, err := r.network.Attach(s.id)
		if err != nil {
			return nil, err
		}
		s.network = network
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sandboxes[s.id] = s
	return &cri.RunPodSandboxResponse{PodSandboxId: s.id}, nil
}

// resolvConf gives the text of a Pod's /etc/resolv.conf.
func resolvConf(dns *cri.DNSConfig) []byte {
	var b bytes.Buffer
	for _, server := range dns.Servers {
		fmt.Fprintln(&b, "nameserver", server)
	}
	if len(dns.Searches) > 0 {
		fmt.Fprintln(&b, "search", strings.Join(dns.Searches, " "))
	}
	if len(dns.Options) > 0 {
		fmt.Fprintln(&b, "options", strings.Join(dns.Options, " "))
	}
	return b.Bytes()
}

func (r *Runtime) StopPodSandbox(_ context.Context, req *cri.StopPodSandboxRequest) (*cri.StopPodSandboxResponse, error) {
	for _, c := range r.containersOf(req.PodSandboxId) {
		r.stop(c, 0)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.sandboxes[req.PodSandboxId]; s != nil && s.state == cri.PodSandboxState_SANDBOX_READY {
		s.state = cri.PodSandboxState_SANDBOX_NOTREADY
		if s.network != nil {
			go s.network.Close()
		}
	}
	return &cri.StopPodSandboxResponse{}, nil
}

func (r *Runtime) containersOf(sandboxID string) (found []*container) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.containers {
		if c.sandbox.id == sandboxID {
			found = append(found, c)
		}
	}
	return found
}

func (r *Runtime) RemovePodSandbox(ctx context.Context, req *cri.RemovePodSandboxRequest) (*cri.RemovePodSandboxResponse, error) {
	if _, err := r.StopPodSandbox(ctx, &cri.StopPodSandboxRequest{PodSandboxId: req.PodSandboxId}); err != nil {
		return nil, err
	}
	for _, c := range r.containersOf(req.PodSandboxId) {
		r.remove(c)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.sandboxes[req.PodSandboxId]; s != nil {
		os.RemoveAll(s.dir)
		delete(r.sandboxes, s.id)
	}
	return &cri.RemovePodSandboxResponse{}, nil
}

func (r *Runtime) PodSandboxStatus(_ context.Context, req *cri.PodSandboxStatusRequest) (*cri.PodSandboxStatusResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sandboxes[req.PodSandboxId]
	if s == nil {
		return nil, status.Error(codes.NotFound, "no such sandbox")
	}
	ip := r.NodeIP
	if s.network != nil {
		ip = s.network.IP.String()
	}
	return &cri.PodSandboxStatusResponse{Status: &cri.PodSandboxStatus{
		Id: s.id, Metadata: s.config.Metadata, State: s.state, CreatedAt: s.created.UnixNano(),
		Network: &cri.PodSandboxNetworkStatus{Ip: ip},
		Linux:   &cri.LinuxPodSandboxStatus{Namespaces: &cri.Namespace{Options: s.config.GetLinux().GetSecurityContext().GetNamespaceOptions()}},
		Labels:  s.config.Labels, Annotations: s.config.Annotations,
	}}, nil
}

func (r *Runtime) ListPodSandbox(_ context.Context, req *cri.ListPodSandboxRequest) (*cri.ListPodSandboxResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := &cri.ListPodSandboxResponse{}
	f := req.GetFilter()
	for _, s := range r.sandboxes {
		if f != nil && (f.Id != "" && f.Id != s.id || f.State != nil && f.State.State != s.state || !matches(s.config.Labels, f.LabelSelector)) {
			continue
		}
		out.Items = append(out.Items, &cri.PodSandbox{
			Id: s.id, Metadata: s.config.Metadata, State: s.state, CreatedAt: s.created.UnixNano(),
			Labels: s.config.Labels, Annotations: s.config.Annotations,
		})
	}
	return out, nil
}
