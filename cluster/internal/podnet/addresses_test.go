package podnet

import (
	"path/filepath"
	"testing"
)

func TestAddressesAreNotReusedAfterARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "last")
	var given []string
	for range 3 { // each a new start on the same file
		a, err := newAddresses("10.1.0.0/29", file)
		if err != nil {
			t.Fatal(err)
		}
		ip, err := a.take()
		if err != nil {
			t.Fatal(err)
		}
		given = append(given, ip.String())
	}
	if want := [3]string{"10.1.0.2", "10.1.0.3", "10.1.0.4"}; [3]string(given) != want {
		t.Errorf("got %v, want %v", given, want)
	}
}

func TestAddressesWrapAroundAndRunOut(t *testing.T) {
	a, err := newAddresses("10.1.0.0/29", filepath.Join(t.TempDir(), "last"))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 { // .2 to .6: not the network, gateway and broadcast addresses
		if _, err := a.take(); err != nil {
			t.Fatal(err)
		}
	}
	if ip, err := a.take(); err == nil {
		t.Errorf("a sixth address: %s", ip)
	}
	a.giveBack(a.nth(4))
	if ip, err := a.take(); err != nil || ip.String() != "10.1.0.4" {
		t.Errorf("got %v, %v, want the address that was given back", ip, err)
	}
}
