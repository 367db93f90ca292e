package launch

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"bandit-operator.dev/cluster/internal/layout"
	"bandit-operator.dev/cluster/internal/state"
)

// published are the sockets through which a cluster is reached from outside.
type published struct {
	sockets   []*os.File
	targets   []string // the address inside for each socket
	endpoints state.Endpoints
}

func (p *published) close() {
	for _, s := range p.sockets {
		s.Close()
	}
}

// listen opens all sockets. One whose address the user left open gets that of
// the run before, so that kubeconfigs and open pages stay valid, or any free port.
func listen(o *Options, previous state.Endpoints) (*published, error) {
	p := &published{}
	for _, service := range []struct {
		scheme, wanted, target string
		url                    *string
		previous               string
	}{
		{"https", o.API, layout.APIAddress, &p.endpoints.API, previous.API},
		{"http", o.Gateway, layout.GatewayPort, &p.endpoints.Gateway, previous.Gateway},
		{"http", o.Prometheus, layout.Prometheus, &p.endpoints.Prometheus, previous.Prometheus},
	} {
		address, err := p.addPreferred(service.wanted, service.previous, service.target)
		if err != nil {
			p.close()
			return nil, err
		}
		*service.url = service.scheme + "://" + address
	}
	for _, publish := range o.Publish {
		address, target, ok := strings.Cut(publish, "=")
		if !ok {
			p.close()
			return nil, fmt.Errorf("--publish %s: want ADDRESS=TARGET, such as 127.0.0.1:8080=10.96.0.80:80", publish)
		}
		if _, err := p.add(address, target); err != nil {
			p.close()
			return nil, fmt.Errorf("--publish %s: %w", publish, err)
		}
	}
	return p, nil
}

func (p *published) addPreferred(wanted, previous, target string) (string, error) {
	if wanted != "" {
		return p.add(wanted, target)
	}
	if u, err := url.Parse(previous); err == nil && u.Host != "" {
		if address, err := p.add(u.Host, target); err == nil {
			return address, nil
		}
	}
	return p.add("127.0.0.1:0", target)
}

func (p *published) add(address, target string) (string, error) {
	socket, actual, err := ListenOutside(address)
	if err != nil {
		return "", err
	}
	p.sockets, p.targets = append(p.sockets, socket), append(p.targets, target)
	return actual, nil
}

// ListenOutside makes a listening socket to hand over to the inside. Nobody but
// the machine itself can reach it.
func ListenOutside(address string) (*os.File, string, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, "", fmt.Errorf("address %q: want HOST:PORT, such as 127.0.0.1:8080 (port 0 takes a free one)", address)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, "", fmt.Errorf("address %q: the cluster can be published on loopback addresses only, such as 127.0.0.1", address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, "", err
	}
	defer listener.Close() // the file below is a copy of the descriptor
	socket, err := listener.(*net.TCPListener).File()
	return socket, listener.Addr().String(), err
}
