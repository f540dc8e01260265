// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// bootName is the name by which a program that uses this package is started as the first process of a node.
const bootName = "vedette-node"

// boot is what the first process of a node is told.
type boot struct {
	Dir  dir
	Bin  string
	Node node
}

// Boot makes the calling program the first process of a node if it was started as that, and does nothing
// otherwise. Every program that uses this package calls it first.
func Boot() {
	if os.Args[0] != bootName || len(os.Args) != 2 {
		return
	}
	var b boot
	err := json.Unmarshal([]byte(os.Args[1]), &b)
	if err == nil {
		err = b.run()
	}
	fmt.Fprintln(os.Stderr, bootName+":", err)
	os.Exit(1)
}

// run makes the node, starts its services and collects whatever ends. It only returns on errors.
func (b boot) run() error {
	if err := joinCgroup(b.Node.cgroup()+"/system", 0); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(b.Node.name())); err != nil {
		return fmt.Errorf("host name: %w", err)
	}
	for _, step := range []func() error{b.mounts, b.privateSettings, b.writeFiles, b.startRuntime, b.startKubelet, b.startProxy} {
		if err := step(); err != nil {
			return err
		}
	}
	return reap()
}

// reap waits for every process that is left to the first one.
func reap() error {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("wait: %w", err)
		default:
			fmt.Printf("process %d ended: %#x\n", pid, int(status))
		}
	}
}

// mounts gives the node its own directories: what it keeps is on a real file system, as overlayfs wants.
func (b boot) mounts() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	for _, path := range []string{"/var/lib/kubelet", "/var/lib/containerd", "/var/lib/cni", "/var/log", "/etc/cni/net.d", "/etc/kubernetes"} {
		own := filepath.Join(b.Dir.node(b.Node), path)
		if err := errors.Join(os.MkdirAll(own, 0o755), os.MkdirAll(path, 0o755)); err != nil {
			return err
		}
		if err := unix.Mount(own, path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount %s: %w", path, err)
		}
	}
	for _, m := range []struct {
		source, target, kind string
		flags                uintptr
	}{
		{"tmpfs", "/run", "tmpfs", 0},
		// The machine's own /proc, for an agent that is told pids of the first pid namespace.
		{"/proc", HostProc, "", unix.MS_BIND | unix.MS_REC},
		{"proc", "/proc", "proc", 0},
		// What one node pins is no other's.
		{"bpf", "/sys/fs/bpf", "bpf", 0},
	} {
		if err := os.MkdirAll(m.target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	return nil
}

// privateSettings covers settings of the whole machine, which a kubelet changes, by files that only this
// node sees and that have what it wants.
func (b boot) privateSettings() error {
	if err := os.MkdirAll("/run/settings", 0o755); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
		"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
	} {
		file := filepath.Join("/run/settings", filepath.Base(name))
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := unix.Mount(file, "/proc/sys/"+name, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("setting %s: %w", name, err)
		}
	}
	// What pods mount is seen by the node, and the other way round.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("shared mounts: %w", err)
	}
	return nil
}

// start starts a service. It is never waited for but by reap.
func (b boot) start(name string, args ...string) error {
	log, err := os.OpenFile(b.Dir.log(b.Node.name()+"."+name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(b.Bin, name), args...)
	cmd.Env = append(os.Environ(), "PATH="+b.Bin+":"+os.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	return nil
}

func (b boot) startRuntime() error {
	if err := b.start("containerd", "-c", runtimeConfig); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return await(ctx, "containerd", func() error {
		c, err := net.Dial("unix", runtimeSocket)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

func (b boot) startKubelet() error {
	return b.start("kubelet", "--config="+kubeletConfig, "--kubeconfig="+b.Dir.pki(b.Node.name()+".kubeconfig"),
		"--hostname-override="+b.Node.name(), "--node-ip="+b.Node.address(), "--node-labels=kubernetes.io/os=linux")
}

func (b boot) startProxy() error { return b.start("kube-proxy", "--config="+proxyConfig) }
