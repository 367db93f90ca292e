// Package serviceproxy stands in for kube-proxy where there is no nft program:
// every cluster address is put on lo, and its TCP ports are relayed in user space.
// Unlike kube-proxy it knows no UDP, and hides the client's address.
package serviceproxy

import (
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"github.com/vishvananda/netlink"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"bandit-operator.dev/cluster/internal/podnet"
	"bandit-operator.dev/cluster/internal/relay"
)

// Main is the part `service-proxy`.
func Main() {
	flags := pflag.NewFlagSet("service-proxy", pflag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "file for access to the API server")
	flags.Parse(os.Args[1:])
	cfg, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	factory := informers.NewSharedInformerFactory(kubernetes.NewForConfigOrDie(cfg), 0)
	services, slices := factory.Core().V1().Services(), factory.Discovery().V1().EndpointSlices()
	dirty := make(chan struct{}, 1)
	mark := func() {
		select {
		case dirty <- struct{}{}:
		default:
		}
	}
	h := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { mark() }, UpdateFunc: func(any, any) { mark() }, DeleteFunc: func(any) { mark() },
	}
	services.Informer().AddEventHandler(h)
	slices.Informer().AddEventHandler(h)
	factory.Start(nil)
	factory.WaitForCacheSync(nil)
	p := &proxy{listeners: map[string]net.Listener{}}
	for range dirty {
		ss, _ := services.Lister().List(labels.Everything())
		es, _ := slices.Lister().List(labels.Everything())
		if err := p.sync(ss, es); err != nil {
			log.Print(err)
		}
		time.Sleep(20 * time.Millisecond) // take a burst of events together
	}
}

type proxy struct {
	mu        sync.Mutex
	backends  map[string][]string // "VIP:port" -> "address:port"
	listeners map[string]net.Listener
}

// sync takes over the state of the API server.
func (p *proxy) sync(services []*core.Service, slices []*discovery.EndpointSlice) error {
	backends := map[string][]string{}
	for _, s := range services {
		if s.Spec.ClusterIP == "" || s.Spec.ClusterIP == core.ClusterIPNone || s.Spec.Type == core.ServiceTypeExternalName {
			continue
		}
		for _, port := range s.Spec.Ports {
			if port.Protocol != core.ProtocolTCP {
				continue
			}
			to := []string{}
			for _, slice := range slices {
				if slice.Namespace == s.Namespace && slice.Labels[discovery.LabelServiceName] == s.Name {
					to = append(to, endpointsOf(slice, port.Name)...)
				}
			}
			backends[net.JoinHostPort(s.Spec.ClusterIP, fmt.Sprint(port.Port))] = to
		}
	}
	p.mu.Lock()
	p.backends = backends
	p.mu.Unlock()
	return p.listen(backends)
}

// listen opens and closes listeners, so that there is one per key of backends.
func (p *proxy) listen(backends map[string][]string) error {
	for vip, l := range p.listeners {
		if _, ok := backends[vip]; !ok {
			l.Close()
			delete(p.listeners, vip)
		}
	}
	for vip := range backends {
		if p.listeners[vip] != nil {
			continue
		}
		if err := addToLo(vip); err != nil {
			return err
		}
		l, err := net.Listen("tcp", vip)
		if err != nil {
			return err
		}
		p.listeners[vip] = l
		go p.serve(vip, l)
	}
	return nil
}

// endpointsOf gives the ready "ADDRESS:PORT" behind a port of a Service.
func endpointsOf(slice *discovery.EndpointSlice, portName string) (to []string) {
	for _, port := range slice.Ports {
		if port.Port == nil || port.Name != nil && *port.Name != portName {
			continue
		}
		for _, e := range slice.Endpoints {
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				to = append(to, net.JoinHostPort(e.Addresses[0], fmt.Sprint(*port.Port)))
			}
		}
	}
	return to
}

func addToLo(vip string) error {
	host, _, err := net.SplitHostPort(vip)
	if err != nil {
		return err
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.AddrReplace(lo, &netlink.Addr{IPNet: podnet.Host(net.ParseIP(host).To4())})
}

// serve tries the ready endpoints in random order.
func (p *proxy) serve(vip string, l net.Listener) {
	relay.Accept(l, func(c net.Conn) { // ends when listen closes it
		p.mu.Lock()
		to := append([]string(nil), p.backends[vip]...)
		p.mu.Unlock()
		rand.Shuffle(len(to), func(i, j int) { to[i], to[j] = to[j], to[i] })
		for _, addr := range to {
			if up, err := net.DialTimeout("tcp", addr, 2*time.Second); err == nil {
				relay.Relay(c.(*net.TCPConn), up.(*net.TCPConn))
				return
			}
		}
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	})
}
