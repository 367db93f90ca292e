package cli

import (
	"fmt"
	"io"
	"net"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"bandit-operator.dev/cluster/internal/launch"
	"bandit-operator.dev/cluster/internal/state"
)

func forwardCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "forward ADDRESS TARGET",
		Short: "Publish one more port of a running cluster",
		Long: `forward opens ADDRESS on this machine and connects each client to TARGET inside:
the address of a Service, a Pod or the node, with its port. It prints the address
and returns; the port stays open until the cluster ends.`,
		Example: `  cluster forward 127.0.0.1:9999 10.96.0.90:9090
  cluster forward 127.0.0.1:0 10.244.0.7:8000     # any free port`,
		Args: cobra.ExactArgs(2),
	}
	dir := dirFlag(c)
	c.RunE = func(_ *cobra.Command, args []string) error {
		d, err := runningDir(dir)
		if err != nil {
			return err
		}
		if _, _, err := net.SplitHostPort(args[1]); err != nil {
			return fmt.Errorf("target %q: want ADDRESS:PORT, such as 10.96.0.90:9090", args[1])
		}
		socket, address, err := launch.ListenOutside(args[0])
		if err != nil {
			return err
		}
		defer socket.Close()
		if err := handOver(d, socket, args[1]); err != nil {
			return err
		}
		fmt.Println(address)
		return nil
	}
	return c
}

// handOver sends the listening socket inside. It reaches the Unix socket through
// a descriptor of its folder, because a long path does not fit into its address.
func handOver(d state.Dir, socket *os.File, target string) error {
	folder, err := unix.Open(string(d), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", d, err)
	}
	defer unix.Close(folder)
	path := fmt.Sprintf("/proc/self/fd/%d/%s", folder, state.ForwardSocket)
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, _, err := conn.WriteMsgUnix([]byte(target), unix.UnixRights(int(socket.Fd())), nil); err != nil {
		return err
	}
	if answer, err := io.ReadAll(conn); err != nil || string(answer) != "ok" {
		return fmt.Errorf("the cluster did not take the port: %q, %v", answer, err)
	}
	return nil
}
