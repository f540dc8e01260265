// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// mountPoint is a file system that programs expect.
type mountPoint struct {
	path, kind, options string
}

var mountPoints = []mountPoint{
	{"/proc", "proc", ""},
	{"/sys", "sysfs", ""},
	{"/dev", "devtmpfs", ""},
	{"/dev/pts", "devpts", ""},
	{"/dev/shm", "tmpfs", "mode=1777"},
	{"/sys/fs/cgroup", "cgroup2", ""},
	{"/sys/fs/bpf", "bpf", "mode=700"},
	{"/sys/kernel/tracing", "tracefs", ""},
	{"/sys/kernel/debug", "debugfs", ""},
	{"/sys/kernel/security", "securityfs", ""},
}

// optional are file systems that a kernel may be built without.
var optional = map[string]bool{"debugfs": true, "securityfs": true, "tracefs": true}

func mountAll() error {
	if err := coverRoot(); err != nil {
		return fmt.Errorf("root: %w", err)
	}
	for _, m := range mountPoints {
		if err := m.mount(); err != nil {
			return fmt.Errorf("mount %s: %w", m.path, err)
		}
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"} {
		if err := os.Symlink(target, filepath.Join("/dev", name)); err != nil {
			return err
		}
	}
	return nil
}

// coverRoot puts the root on top of itself. The first root of a kernel cannot be left with pivot_root(2),
// which containers do; the one above it can.
func coverRoot() error {
	const above = Dir + "/root"
	if err := os.MkdirAll(above, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("/", above, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	if err := unix.Chdir(above); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return err
	}
	if err := unix.Chroot("."); err != nil {
		return err
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	return os.Chmod("/", 0o755)
}

func (m mountPoint) mount() error {
	// Those of /sys are there when the kernel has what is mounted.
	err := os.MkdirAll(m.path, 0o755)
	if err == nil {
		err = unix.Mount(m.kind, m.path, m.kind, 0, m.options)
	}
	if optional[m.kind] && (errors.Is(err, unix.ENODEV) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)) {
		return nil
	}
	return err
}

// limits are what a machine with systemd gives root. Kernels before 5.11 count what BPF maps need as locked
// memory.
var limits = []struct {
	resource int
	value    uint64
}{
	{unix.RLIMIT_MEMLOCK, unix.RLIM_INFINITY},
	{unix.RLIMIT_NOFILE, 1 << 20},
}

// prepare makes the machine ready for the command.
func prepare(job Job) error {
	for _, path := range job.Modules {
		if err := load(path); err != nil {
			return fmt.Errorf("load %s: %w", path, err)
		}
	}
	if job.Disk {
		if err := mountDisk(); err != nil {
			return err
		}
	}
	for _, r := range job.Return {
		dir := r.Path
		if !r.Directory {
			dir = filepath.Dir(dir)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Sethostname([]byte("guest")); err != nil {
		return fmt.Errorf("host name: %w", err)
	}
	for _, l := range limits {
		if err := unix.Setrlimit(l.resource, &unix.Rlimit{Cur: l.value, Max: l.value}); err != nil {
			return fmt.Errorf("resource limit %d: %w", l.resource, err)
		}
	}
	return loopbackUp()
}

func load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}

func loopbackUp() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	defer unix.Close(socket)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	return nil
}
