// Package podnet gives each Pod a network namespace and an address.
//
// A Pod is joined to the node by a point-to-point veth pair with /32 addresses,
// not by a bridge: all its traffic is routed, so kube-proxy's rules see it both
// ways. Two Pods on one bridge would answer each other past them.
package podnet

import (
	"fmt"
	"net"
	"runtime"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Network hands out attachments.
type Network struct {
	mu        sync.Mutex
	addresses *addresses
}

// Attachment is one Pod's network namespace.
type Attachment struct {
	IP net.IP
	NS netns.NsHandle

	link    netlink.Link
	network *Network
}

// New takes the Pods' subnet and the file that keeps the last address given.
func New(cidr, file string) (*Network, error) {
	a, err := newAddresses(cidr, file)
	if err != nil {
		return nil, err
	}
	return &Network{addresses: a}, nil
}

// Host is the network of one address.
func Host(ip net.IP) *net.IPNet { return &net.IPNet{IP: ip, Mask: net.CIDRMask(32, 32)} }

// Attach makes the network of the Pod sandbox id.
func (n *Network) Attach(id string) (*Attachment, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ip, err := n.addresses.take()
	if err != nil {
		return nil, err
	}
	ns, err := newNamespace()
	if err != nil {
		n.addresses.giveBack(ip)
		return nil, fmt.Errorf("network namespace: %w", err)
	}
	a := &Attachment{IP: ip, NS: ns, network: n}
	if err := a.connect("veth"+id[:8], n.addresses.gateway()); err != nil {
		ns.Close() // the veth pair goes with it
		n.addresses.giveBack(ip)
		return nil, fmt.Errorf("network of Pod address %s: %w", ip, err)
	}
	return a, nil
}

// Close removes the Pod's network and frees its address.
func (a *Attachment) Close() {
	netlink.LinkDel(a.link)
	a.NS.Close()
	a.network.mu.Lock()
	defer a.network.mu.Unlock()
	a.network.addresses.giveBack(a.IP)
}

func (a *Attachment) connect(name string, gateway net.IP) error {
	if err := netlink.LinkAdd(&netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: "eth0", PeerNamespace: netlink.NsFd(a.NS),
	}); err != nil {
		return fmt.Errorf("veth pair: %w", err)
	}
	pod, err := netlink.NewHandleAt(a.NS)
	if err != nil {
		return err
	}
	defer pod.Close()
	if err := setupPodSide(pod, a.IP, gateway); err != nil {
		return fmt.Errorf("the Pod's side: %w", err)
	}
	if a.link, err = netlink.LinkByName(name); err != nil {
		return err
	}
	if err := netlink.AddrAdd(a.link, &netlink.Addr{IPNet: Host(gateway)}); err != nil {
		return err
	}
	if err := netlink.LinkSetUp(a.link); err != nil {
		return err
	}
	return netlink.RouteAdd(&netlink.Route{LinkIndex: a.link.Attrs().Index, Dst: Host(a.IP), Scope: netlink.SCOPE_LINK})
}

func setupPodSide(h *netlink.Handle, ip, gateway net.IP) error {
	lo, err := h.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := h.LinkSetUp(lo); err != nil {
		return err
	}
	eth, err := h.LinkByName("eth0")
	if err != nil {
		return err
	}
	if err := h.AddrAdd(eth, &netlink.Addr{IPNet: Host(ip)}); err != nil {
		return err
	}
	if err := h.LinkSetUp(eth); err != nil {
		return err
	}
	i := eth.Attrs().Index
	if err := h.RouteAdd(&netlink.Route{LinkIndex: i, Dst: Host(gateway), Scope: netlink.SCOPE_LINK}); err != nil {
		return err
	}
	return h.RouteAdd(&netlink.Route{LinkIndex: i, Gw: gateway})
}

// newNamespace makes a network namespace on a thread that then ends.
func newNamespace() (netns.NsHandle, error) {
	type result struct {
		ns  netns.NsHandle
		err error
	}
	made := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread dies with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			made <- result{-1, err}
			return
		}
		ns, err := netns.Get()
		made <- result{ns, err}
	}()
	r := <-made
	return r.ns, r.err
}
