// SPDX-License-Identifier: Apache-2.0

package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// startNode starts the first process of a node in namespaces of its own. It goes on when this process ends.
func startNode(d dir, bin string, n node) error {
	// The node's processes are in a cgroup beside those of its pods.
	if err := makeCgroup(n.cgroup() + "/system"); err != nil {
		return err
	}
	text, err := json.Marshal(boot{Dir: d, Bin: bin, Node: n})
	if err != nil {
		return err
	}
	log, err := os.OpenFile(d.log(n.name()), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{bootName, string(text)}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid: true, Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWPID,
	}
	if err := startIn(n.netns(), cmd); err != nil {
		return fmt.Errorf("start %s: %w", n.name(), err)
	}
	pid := cmd.Process.Pid
	go func() { _ = cmd.Wait() }()
	return os.WriteFile(d.nodePID(n), []byte(strconv.Itoa(pid)), 0o600)
}

// stopNode takes the power off a node: everything in it dies at once. What it keeps on disk stays.
func stopNode(d dir, n node) error {
	pid, err := nodePID(d, n)
	if err != nil {
		return err
	}
	// With the first process of a pid namespace all others end.
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		return fmt.Errorf("stop %s: %w", n.name(), err)
	}
	if err := os.Remove(d.nodePID(n)); err != nil {
		return err
	}
	return endCgroup(n.cgroup(), unix.SIGKILL)
}

// errNoNode says that a node does not run.
var errNoNode = errors.New("the node does not run")

// nodePID returns the id of the first process of a running node, and never that of another process.
func nodePID(d dir, n node) (int, error) {
	text, err := os.ReadFile(d.nodePID(n))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%s: %w", n.name(), errNoNode)
	}
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", d.nodePID(n), err)
	}
	all, err := processes(n.cgroup())
	if err != nil {
		return 0, err
	}
	if !slices.Contains(all, pid) {
		return 0, fmt.Errorf("%s: %w", n.name(), errNoNode)
	}
	return pid, nil
}

// onNode is a command in all namespaces of a node.
func onNode(d dir, n node, argv ...string) (*exec.Cmd, error) {
	pid, err := nodePID(d, n)
	if err != nil {
		return nil, err
	}
	args := append([]string{"-t", strconv.Itoa(pid), "-m", "-u", "-n", "-p", "--"}, argv...)
	return exec.Command("nsenter", args...), nil
}
