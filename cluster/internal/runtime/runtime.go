// Package runtime is a container runtime (CRI v1) whose containers are
// processes of this machine. An image is a name in a table (images.go), a Pod a
// network namespace (package podnet), a container's root the machine's own tree,
// or an image's that was unpacked, behind bind mounts (rootfs.go).
//
// It is not a security boundary: limits, capabilities, seccomp, runAsUser and
// fsGroup are accepted and not enforced.
package runtime

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"sync"

	"google.golang.org/grpc"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/kubelet/pkg/cri/streaming"

	"bandit-operator.dev/cluster/internal/podnet"
)

// Config is what a runtime must know.
type Config struct {
	Dir    string   // where it keeps its files
	Hide   []string // folders that no container may see: they hold the cluster's keys
	NodeIP string   // address of Pods in the node's network
	PodNet string   // addresses of all others, as a CIDR
	Images *Images
}

// Runtime answers the kubelet.
type Runtime struct {
	cri.UnimplementedRuntimeServiceServer
	cri.UnimplementedImageServiceServer

	Config
	network *podnet.Network
	stream  streaming.Server

	mu         sync.Mutex // guards what follows, and every sandbox and container in it
	sandboxes  map[string]*sandbox
	containers map[string]*container
}

// New starts without Pods; what an earlier run left behind is removed.
func New(config Config) (*Runtime, error) {
	network, err := podnet.New(config.PodNet, filepath.Join(config.Dir, "last-pod-address"))
	if err != nil {
		return nil, err
	}
	r := &Runtime{Config: config, network: network, sandboxes: map[string]*sandbox{}, containers: map[string]*container{}}
	for _, d := range []string{"sandboxes", "roots"} { // their processes are gone
		if err := os.RemoveAll(filepath.Join(config.Dir, d)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Serve answers on a Unix socket from now on.
func (r *Runtime) Serve(socket string) error {
	os.Remove(socket) // of an earlier run
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	config := streaming.DefaultConfig
	free, err := net.Listen("tcp", "127.0.0.1:0") // the server wants a port, not a listener
	if err != nil {
		return err
	}
	config.Addr = free.Addr().String()
	free.Close()
	if r.stream, err = streaming.NewServer(config, streams{r}); err != nil {
		return err
	}
	go r.stream.Start(true)
	server := grpc.NewServer(grpc.MaxRecvMsgSize(16<<20), grpc.MaxSendMsgSize(16<<20))
	cri.RegisterRuntimeServiceServer(server, r)
	cri.RegisterImageServiceServer(server, r)
	go server.Serve(listener)
	return nil
}

func newID() string {
	b := make([]byte, 32)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// matches tells whether labels has all of want.
func matches(labels, want map[string]string) bool {
	for k, v := range want {
		if labels[k] != v {
			return false
		}
	}
	return true
}

func (r *Runtime) Version(context.Context, *cri.VersionRequest) (*cri.VersionResponse, error) {
	return &cri.VersionResponse{Version: "0.1.0", RuntimeName: "process", RuntimeVersion: "0.1.0", RuntimeApiVersion: "v1"}, nil
}

func (r *Runtime) Status(context.Context, *cri.StatusRequest) (*cri.StatusResponse, error) {
	return &cri.StatusResponse{Status: &cri.RuntimeStatus{Conditions: []*cri.RuntimeCondition{
		{Type: cri.RuntimeReady, Status: true}, {Type: cri.NetworkReady, Status: true},
	}}}, nil
}

// RuntimeConfig must be answered, or the kubelet warns of a runtime too old for it.
func (r *Runtime) RuntimeConfig(context.Context, *cri.RuntimeConfigRequest) (*cri.RuntimeConfigResponse, error) {
	return &cri.RuntimeConfigResponse{Linux: &cri.LinuxRuntimeConfiguration{CgroupDriver: cri.CgroupDriver_CGROUPFS}}, nil
}

func (r *Runtime) UpdateRuntimeConfig(context.Context, *cri.UpdateRuntimeConfigRequest) (*cri.UpdateRuntimeConfigResponse, error) {
	return &cri.UpdateRuntimeConfigResponse{}, nil
}
