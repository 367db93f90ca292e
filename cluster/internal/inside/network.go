package inside

import (
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"

	"bandit-operator.dev/cluster/internal/layout"
	"bandit-operator.dev/cluster/internal/podnet"
)

// setupNetwork brings lo up with the node's address and makes the namespace a
// router between Pods.
func setupNetwork() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("lo: %w", err)
	}
	node := net.ParseIP(layout.NodeIP).To4()
	if err := netlink.AddrAdd(lo, &netlink.Addr{IPNet: podnet.Host(node)}); err != nil {
		return fmt.Errorf("address %s: %w", node, err)
	}
	// Without a route to the service range a local connect() fails before
	// kube-proxy's output rule can rewrite its destination.
	_, services, err := net.ParseCIDR(layout.ServiceNet)
	if err != nil {
		return err
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: lo.Attrs().Index, Dst: services, Src: node}); err != nil {
		return fmt.Errorf("route to %s: %w", services, err)
	}
	// Where clients of a published port do not reuse connections, each takes a local port,
	// for a minute after its end too: some 28,000 are soon gone, unless those are taken again.
	if err := os.WriteFile("/proc/sys/net/ipv4/tcp_tw_reuse", []byte("1"), 0o644); err != nil {
		return err
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
}
