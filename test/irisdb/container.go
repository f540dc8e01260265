// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The container's own files, below its root: the key and a secret that the
// policy protects, and a file beside them that it does not.
var files = map[string]string{
	"usr/irissys/mgr/iris.key":         "the key of the database\n",
	"usr/irissys/mgr/iris.cpf":         "[Startup]\n",
	"usr/irissys/secrets/password.txt": "a password\n",
}

// runContainer starts the container's first process, which makes the root
// and becomes the entrypoint. It ends when the entrypoint does. The
// container's pid, as the host sees it, is written to DIR/pid.
func runContainer(dir string) error {
	// The container dies with this thread, which must live as long as the program.
	runtime.LockOSThread()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "enter-root", dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("new namespaces: %w", err)
	}
	pid := fmt.Sprintln(cmd.Process.Pid)
	if err := os.WriteFile(filepath.Join(dir, "pid"), []byte(pid), 0o644); err != nil {
		return errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	return cmd.Wait()
}

// enterRoot makes the container's root and becomes its entrypoint. It runs
// in the new namespaces.
func enterRoot(dir string) error {
	root := filepath.Join(dir, "root")
	for _, step := range []func(string) error{mountRoot, bindHost, writeFiles, install, pivot} {
		if err := step(root); err != nil {
			return fmt.Errorf("root of the container: %w", err)
		}
	}
	argv := []string{"/iris-main", "entrypoint", "-w", "/home/irisowner", "-s", "/usr/irissys/mgr"}
	return unix.Exec(argv[0], argv, []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/home/irisowner"})
}

// mountRoot puts an empty file system at root, seen by nobody else.
func mountRoot(root string) error {
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("iris", root, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("tmpfs at %s: %w", root, err)
	}
	return nil
}

// bindHost shows the host's programs and devices at root. /usr itself is the
// container's, so that it can have an irissys.
func bindHost(root string) error {
	for _, pattern := range []string{"/bin", "/sbin", "/lib*", "/etc", "/dev", "/usr/*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, path := range paths {
			if err := bind(path, filepath.Join(root, path)); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	return nil
}

// bind makes path appear at target, a symbolic link as the link that it is.
func bind(path, target string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	switch {
	case info.Mode().Type() == fs.ModeSymlink:
		link, err := os.Readlink(path)
		if err != nil {
			return err
		}
		return os.Symlink(link, target)
	case !info.IsDir() || strings.HasSuffix(path, "/irissys"):
		return nil
	}
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	return unix.Mount(path, target, "", unix.MS_BIND|unix.MS_REC, "")
}

func writeFiles(root string) error {
	for _, dir := range []string{"proc", "tmp", "home/irisowner", databaseDir} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// install puts this program at its places in the container.
func install(root string) error {
	for _, name := range []string{databasePath, "/iris-main"} {
		if err := copySelf(filepath.Join(root, name)); err != nil {
			return fmt.Errorf("install %s: %w", name, err)
		}
	}
	return nil
}

func copySelf(target string) (err error) {
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

// pivot makes root the root of the namespace and forgets the old one.
func pivot(root string) error {
	old := filepath.Join(root, "tmp")
	if err := unix.PivotRoot(root, old); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("proc: %w", err)
	}
	if err := unix.Unmount("/tmp", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the old root: %w", err)
	}
	return nil
}
