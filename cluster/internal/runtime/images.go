package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"bandit-operator.dev/cluster/internal/layout"
)

// Image says what a name means. The fields are those of an OCI image's
// configuration that matter to a process.
type Image struct {
	Entrypoint []string          `json:"entrypoint"`
	Cmd        []string          `json:"cmd"`
	Env        map[string]string `json:"env"`
	Workdir    string            `json:"workdir"`
	// Rootfs is the folder with the image's own files; empty: the machine's.
	Rootfs string `json:"rootfs"`
	// User is who the process is in an image with files of its own; a Pod may name another.
	User uint32 `json:"user"`
}

// machineUser is who a process on the machine's files counts as. Outside the user namespace
// it belongs to whoever started the cluster; it is not root, so that runAsNonRoot passes.
const machineUser = 65532

func (image Image) user() uint32 {
	if image.Rootfs == "" {
		return machineUser
	}
	return image.User
}

// Images is the table of names: a JSON file {"NAME": IMAGE, …}, and the
// programs of the add-ons.
type Images struct {
	file    string
	builtin map[string]Image
}

// NewImages takes the JSON file, which need not exist yet, and the tools folder.
func NewImages(file, tools string) *Images {
	program := func(name string) Image { return Image{Entrypoint: []string{filepath.Join(tools, "bin", name)}} }
	return &Images{file: file, builtin: map[string]Image{
		layout.TraefikImage:    program("traefik"),
		layout.PrometheusImage: program("prometheus"),
	}}
}

// ReadImages reads a JSON file of image names; a file that does not exist has none.
func ReadImages(file string) (map[string]Image, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var listed map[string]Image
	if err := json.Unmarshal(b, &listed); err != nil {
		return nil, fmt.Errorf(`images file %s: want {"NAME": {"entrypoint": ["PROGRAM", …], "cmd": […], "env": {…}, "workdir": "…", "rootfs": "…", "user": …}, …}: %w`, file, err)
	}
	for name, image := range listed {
		if image.Rootfs != "" && !filepath.IsAbs(image.Rootfs) {
			return nil, fmt.Errorf("images file %s: the rootfs of %s is %q; it must be an absolute path", file, name, image.Rootfs)
		}
	}
	return listed, nil
}

// find reads the file anew each time, so that names can be added while the
// cluster runs. A name that is nowhere is the empty image: such a container must
// bring its own command.
func (i *Images) find(spec *cri.ImageSpec) (Image, error) {
	listed, err := ReadImages(i.file)
	if err != nil {
		return Image{}, err
	}
	// The kubelet completes names (web becomes web:latest); the user's comes first.
	for _, name := range []string{spec.GetUserSpecifiedImage(), spec.GetImage()} {
		for _, table := range []map[string]Image{listed, i.builtin} {
			if image, ok := table[name]; ok {
				return image, nil
			}
		}
	}
	return Image{}, nil
}

// argv joins image and container as Kubernetes defines it: a command replaces
// entrypoint and arguments of the image, arguments replace only the latter.
func (image Image) argv(command, args []string) []string {
	switch {
	case len(command) > 0:
		return append(append([]string{}, command...), args...)
	case len(args) > 0:
		return append(append([]string{}, image.Entrypoint...), args...)
	}
	return append(append([]string{}, image.Entrypoint...), image.Cmd...)
}

const idPrefix = "process/"

func imageID(name string) string { return idPrefix + strings.TrimPrefix(name, idPrefix) }

// ImageStatus says that every image is there.
func (r *Runtime) ImageStatus(_ context.Context, req *cri.ImageStatusRequest) (*cri.ImageStatusResponse, error) {
	name := strings.TrimPrefix(req.GetImage().GetImage(), idPrefix)
	image, err := r.Images.find(req.GetImage())
	if err != nil {
		return nil, err
	}
	return &cri.ImageStatusResponse{Image: &cri.Image{
		Id: imageID(name), RepoTags: []string{name}, Size: 1, Uid: &cri.Int64Value{Value: int64(image.user())}, Spec: &cri.ImageSpec{Image: name},
	}}, nil
}

func (r *Runtime) PullImage(_ context.Context, req *cri.PullImageRequest) (*cri.PullImageResponse, error) {
	return &cri.PullImageResponse{ImageRef: imageID(req.GetImage().GetImage())}, nil
}

// ListImages lists none, so that there is nothing to collect as garbage.
func (r *Runtime) ListImages(context.Context, *cri.ListImagesRequest) (*cri.ListImagesResponse, error) {
	return &cri.ListImagesResponse{}, nil
}

func (r *Runtime) RemoveImage(context.Context, *cri.RemoveImageRequest) (*cri.RemoveImageResponse, error) {
	return &cri.RemoveImageResponse{}, nil
}

func (r *Runtime) ImageFsInfo(context.Context, *cri.ImageFsInfoRequest) (*cri.ImageFsInfoResponse, error) {
	fs := []*cri.FilesystemUsage{{
		Timestamp: time.Now().UnixNano(), FsId: &cri.FilesystemIdentifier{Mountpoint: r.Dir},
		UsedBytes: &cri.UInt64Value{}, InodesUsed: &cri.UInt64Value{},
	}}
	return &cri.ImageFsInfoResponse{ImageFilesystems: fs, ContainerFilesystems: fs}, nil
}
