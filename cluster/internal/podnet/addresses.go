package podnet

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// addresses hands out the addresses of a subnet. It walks through the whole
// range before it gives one again, so that a connection to a dead Pod never
// reaches a new one. The last address given is kept in a file: EndpointSlices
// of Pods that are gone live on for a moment after a restart of the cluster.
type addresses struct {
	subnet *net.IPNet
	file   string
	last   uint32 // offset in the subnet
	used   map[string]bool
}

// firstPod leaves out the network's own address and the gateway's.
const firstPod = 2

func newAddresses(cidr, file string) (*addresses, error) {
	_, subnet, err := net.ParseCIDR(cidr)
	if err != nil {
		return nil, err
	}
	a := &addresses{subnet: subnet, file: file, last: firstPod - 1, used: map[string]bool{}}
	if b, err := os.ReadFile(file); err == nil {
		last, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%s: want the number of the last Pod address: %w", file, err)
		}
		a.last = uint32(last)
	}
	return a, nil
}

func (a *addresses) nth(n uint32) net.IP {
	ip := make(net.IP, 4)
	binary.BigEndian.PutUint32(ip, binary.BigEndian.Uint32(a.subnet.IP.To4())+n)
	return ip
}

func (a *addresses) gateway() net.IP { return a.nth(1) }

func (a *addresses) take() (net.IP, error) {
	ones, bits := a.subnet.Mask.Size()
	size := uint32(1) << (bits - ones)
	for range size {
		a.last++
		if a.last >= size-1 { // the highest one is the broadcast address
			a.last = firstPod
		}
		ip := a.nth(a.last)
		if a.used[ip.String()] {
			continue
		}
		if err := os.WriteFile(a.file, fmt.Appendln(nil, a.last), 0o644); err != nil {
			return nil, err
		}
		a.used[ip.String()] = true
		return ip, nil
	}
	return nil, fmt.Errorf("no free Pod address in %s", a.subnet)
}

func (a *addresses) giveBack(ip net.IP) { delete(a.used, ip.String()) }
