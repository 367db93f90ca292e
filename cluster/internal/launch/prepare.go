package launch

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"bandit-operator.dev/cluster/internal/layout"
	"bandit-operator.dev/cluster/internal/progress"
	"bandit-operator.dev/cluster/internal/state"
	"bandit-operator.dev/cluster/manifests"
)

// patience is how long the slowest machine may take for one step.
const patience = 120 * time.Second

// prepare waits for the parts and installs the add-ons, with the access and the
// ports that users have.
func prepare(o *Options, steps *progress.Steps, endpoints state.Endpoints) error {
	k := kubectl{o.Dir}
	if err := await("the API server", func() error { return k.run(nil, "get", "--raw", "/readyz") }); err != nil {
		return err
	}
	steps.Begin("node")
	if err := await("the node", func() error {
		return k.run(nil, "wait", "--for=condition=Ready", "node/"+layout.NodeName, "--timeout=10s")
	}); err != nil {
		return err
	}
	steps.Begin("Gateway API resource definitions")
	if err := k.run(nil, "apply", "--server-side", "--force-conflicts", "-f", filepath.Join(o.Tools, "gateway-api")); err != nil {
		return err
	}
	if err := k.run(nil, "wait", "--for=condition=Established", "customresourcedefinition", "--all", "--timeout=60s"); err != nil {
		return err
	}
	steps.Begin("Traefik and Prometheus")
	addOns, err := addOns()
	if err != nil {
		return err
	}
	if err := k.run(addOns, "apply", "--server-side", "--force-conflicts", "-f", "-"); err != nil {
		return err
	}
	// Asked from outside: an old status in etcd could say anything after a restart.
	if err := await("the gateway", func() error { return answers(endpoints.Gateway) }); err != nil {
		return err
	}
	if err := k.run(nil, "wait", "--for=condition=Programmed", "-n", "gateway", "gateway/main", "--timeout=60s"); err != nil {
		return err
	}
	if err := await("Prometheus", func() error { return answers(endpoints.Prometheus + "/-/ready") }); err != nil {
		return err
	}
	steps.End()
	return o.Dir.WriteEndpoints(endpoints)
}

// await repeats check until it succeeds.
func await(what string, check func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := check()
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s is not ready after %s: %w", what, patience, err)
		}
	}
}

// Silent names what a cluster that is ready does not serve, each with the reason:
// one line for each of its endpoints that does not answer from outside, and for each
// part that is stopped.
func Silent(endpoints state.Endpoints, parts []Part) (lines []string) {
	for _, part := range parts {
		if part.stopped {
			lines = append(lines, fmt.Sprintf("%s is stopped (process %d)", part.Name, part.PID))
		}
	}
	var all sync.WaitGroup
	checks := []struct{ name, url string }{
		{"the API server", endpoints.API}, {"the gateway", endpoints.Gateway}, {"Prometheus", endpoints.Prometheus + "/-/ready"},
	}
	found := make([]string, len(checks))
	for i, check := range checks {
		all.Go(func() {
			if err := answers(check.url); err != nil {
				found[i] = fmt.Sprintf("%s does not serve: %v", check.name, err)
			}
		})
	}
	all.Wait()
	return append(lines, slices.DeleteFunc(found, func(line string) bool { return line == "" })...)
}

// anonymous asks without credentials, so it need not know whom it asks.
var anonymous = &http.Client{Transport: &http.Transport{
	TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
}}

// answers fails when nothing serves the URL. A gateway without a route for it says 404 for
// everything, and the API server 401 to whoever says no name: that is serving.
func answers(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := anonymous.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	serving := []int{http.StatusOK, http.StatusUnauthorized, http.StatusNotFound}
	if !slices.Contains(serving, resp.StatusCode) {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return nil
}

// addOns is one stream of all manifests.
func addOns() ([]byte, error) {
	names, err := fs.Glob(manifests.Files, "*.yaml")
	if err != nil {
		return nil, err
	}
	var all bytes.Buffer
	for _, name := range names {
		b, err := manifests.Files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&all, "---\n%s\n", b)
	}
	return all.Bytes(), nil
}

// kubectl runs the one in this binary: what users would type.
type kubectl struct{ dir state.Dir }

func (k kubectl) run(input []byte, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, append([]string{"kubectl", "--dir", string(k.dir)}, args...)...)
	cmd.Stdin = bytes.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("kubectl %s: %s", strings.Join(args, " "), bytes.TrimSpace(out))
	}
	return nil
}
