// SPDX-License-Identifier: Apache-2.0

package local

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// command runs a program to its end. The error has what it printed.
func command(argv ...string) error {
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// netnsPath is the file of a named network namespace (ip-netns(8)).
func netnsPath(name string) string { return filepath.Join("/run/netns", name) }

// inNetns is the prefix of a command that runs in a network namespace. It is not "ip netns exec", which
// mounts a /sys of its own without cgroups.
func inNetns(name string) []string { return []string{"nsenter", "--net=" + netnsPath(name)} }

// makeNetwork makes a network namespace for the control plane, with a bridge, and one for each node.
func makeNetwork(nodes int) error {
	steps := [][]string{
		{"ip", "netns", "add", controlName},
		within(controlName, "ip link set lo up"),
		within(controlName, "ip link add bridge0 type bridge"),
		within(controlName, "ip addr add "+controlAddress+"/24 dev bridge0"),
		within(controlName, "ip link set bridge0 up"),
		within(controlName, "sysctl -qw net.ipv4.ip_forward=1"),
	}
	for n := node(1); int(n) <= nodes; n++ {
		steps = append(steps, nodeNetwork(n, nodes)...)
	}
	for _, step := range steps {
		if err := command(step...); err != nil {
			return fmt.Errorf("network: %w", err)
		}
	}
	return nil
}

// nodeNetwork is the way to a node's network namespace, and its routes to the pods of the others.
func nodeNetwork(n node, nodes int) [][]string {
	port := "port" + strconv.Itoa(int(n))
	steps := [][]string{
		{"ip", "netns", "add", n.netns()},
		{"ip", "link", "add", port, "netns", controlName, "type", "veth", "peer", "name", "eth0", "netns", n.netns()},
		within(controlName, "ip link set "+port+" master bridge0 up"),
		within(controlName, "ip route add "+n.pods()+" via "+n.address()+" dev bridge0 onlink"),
		within(n.netns(), "ip link set lo up"),
		within(n.netns(), "ip addr add "+n.address()+"/24 dev eth0"),
		within(n.netns(), "ip link set eth0 up"),
		within(n.netns(), "ip route add default via "+controlAddress),
		within(n.netns(), "sysctl -qw net.ipv4.ip_forward=1"),
	}
	for other := node(1); int(other) <= nodes; other++ {
		if other != n {
			steps = append(steps, within(n.netns(), "ip route add "+other.pods()+" via "+other.address()))
		}
	}
	return steps
}

func within(netns, words string) []string { return append(inNetns(netns), strings.Fields(words)...) }

// removeNetwork removes the network namespaces that makeNetwork makes, and with them all that is in them.
func removeNetwork() error {
	found, err := filepath.Glob(netnsPath("vedette-*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range found {
		name := filepath.Base(path)
		if name == controlName || strings.HasPrefix(name, "vedette-node") {
			errs = append(errs, command("ip", "netns", "del", name))
		}
	}
	return errors.Join(errs...)
}

// startIn starts a command in a network namespace. The thread that does it is not used again.
func startIn(netns string, cmd *exec.Cmd) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		result <- enterAndStart(netns, cmd)
	}()
	return <-result
}

func enterAndStart(netns string, cmd *exec.Cmd) error {
	f, err := os.Open(netnsPath(netns))
	if err != nil {
		return fmt.Errorf("network namespace: %w", err)
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("network namespace %s: %w", netns, err)
	}
	return cmd.Start()
}
