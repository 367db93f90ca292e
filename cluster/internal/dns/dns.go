// Package dns is the cluster's DNS server. There is nothing outside to resolve,
// because there is no network outside.
package dns

import (
	"encoding/binary"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/net/dns/dnsmessage"
	discovery "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/clientcmd"

	"bandit-operator.dev/cluster/internal/layout"
)

// Main is the part `dns`. It answers A queries for
// SERVICE.NAMESPACE.svc.cluster.local with the cluster address, or with the ready
// endpoints of a headless Service, and HOST.SERVICE.… with one endpoint.
func Main() {
	flags := pflag.NewFlagSet("dns", pflag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "file for access to the API server")
	listen := flags.String("listen", layout.NodeIP+":53", "address, for UDP and TCP")
	flags.Parse(os.Args[1:])
	cfg, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	factory := informers.NewSharedInformerFactory(kubernetes.NewForConfigOrDie(cfg), 0)
	d := &server{
		services: factory.Core().V1().Services().Lister(),
		slices:   factory.Discovery().V1().EndpointSlices().Lister(),
	}
	factory.Start(nil)
	factory.WaitForCacheSync(nil)
	pc, err := net.ListenPacket("udp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	go d.serveTCP(l)
	buf := make([]byte, 4096)
	for {
		n, from, err := pc.ReadFrom(buf)
		if err != nil {
			log.Fatal(err)
		}
		if answer := d.answer(buf[:n]); answer != nil {
			pc.WriteTo(answer, from)
		}
	}
}

type server struct {
	services corelisters.ServiceLister
	slices   discoverylisters.EndpointSliceLister
}

func (d *server) serveTCP(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			c.SetDeadline(time.Now().Add(10 * time.Second))
			for {
				var size uint16
				if binary.Read(c, binary.BigEndian, &size) != nil {
					return
				}
				q := make([]byte, size)
				if _, err := io.ReadFull(c, q); err != nil {
					return
				}
				a := d.answer(q)
				if a == nil {
					return
				}
				c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...))
			}
		}()
	}
}

// answer gives nil for what is no query.
func (d *server) answer(query []byte) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	ips, found := d.lookup(strings.ToLower(q.Name.String()))
	rh := dnsmessage.Header{ID: h.ID, Response: true, Authoritative: true, RecursionDesired: h.RecursionDesired, RecursionAvailable: true}
	if !found {
		rh.RCode = dnsmessage.RCodeNameError
	}
	b := dnsmessage.NewBuilder(nil, rh)
	b.EnableCompression()
	b.StartQuestions()
	b.Question(q)
	b.StartAnswers()
	if q.Type == dnsmessage.TypeA {
		for _, ip := range ips {
			var a dnsmessage.AResource
			copy(a.A[:], net.ParseIP(ip).To4())
			b.AResource(dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 5}, a)
		}
	}
	out, err := b.Finish()
	if err != nil {
		return nil
	}
	return out
}

// lookup tells the addresses of a name, and whether there is such a name.
func (d *server) lookup(name string) ([]string, bool) {
	rest, ok := strings.CutSuffix(name, ".svc.cluster.local.")
	if !ok {
		return nil, false
	}
	parts := strings.Split(rest, ".")
	if len(parts) != 2 && len(parts) != 3 {
		return nil, false
	}
	service, namespace := parts[len(parts)-2], parts[len(parts)-1]
	s, err := d.services.Services(namespace).Get(service)
	if err != nil {
		return nil, false
	}
	if len(parts) == 2 && s.Spec.ClusterIP != "None" {
		return []string{s.Spec.ClusterIP}, true
	}
	host := ""
	if len(parts) == 3 {
		host = parts[0]
	}
	ips := d.endpoints(namespace, service, host, s.Spec.PublishNotReadyAddresses)
	return ips, len(ips) > 0
}

// endpoints are the addresses of a Service's Pods; host, if any, names one.
func (d *server) endpoints(namespace, service, host string, unready bool) (ips []string) {
	slices, err := d.slices.EndpointSlices(namespace).List(labels.SelectorFromSet(labels.Set{discovery.LabelServiceName: service}))
	if err != nil {
		return nil
	}
	for _, slice := range slices {
		for _, e := range slice.Endpoints {
			ready := e.Conditions.Ready == nil || *e.Conditions.Ready
			named := host == "" || e.Hostname != nil && *e.Hostname == host
			if named && (ready || unready) {
				ips = append(ips, e.Addresses...)
			}
		}
	}
	return ips
}
