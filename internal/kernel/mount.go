// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// mountOptions are the build options that the file systems need.
var mountOptions = map[string]string{
	"tracefs": "CONFIG_FTRACE", "debugfs": "CONFIG_DEBUG_FS", "securityfs": "CONFIG_SECURITYFS", "cgroup2": "CONFIG_CGROUPS",
	"cgroup": "CONFIG_CGROUPS",
}

// mount mounts a file system of the kernel in no directory, so that nothing
// depends on where the machine has it mounted, or whether. It goes away with
// the file. It needs Linux 5.2 (fsopen, fsmount).
//
// flags are options of the file system without a value.
func mount(kind string, flags ...string) (*os.File, error) {
	fs, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, &MissingError{Feature: kind, Since: "5.2", Option: mountOptions[kind], Cause: err}
	}
	defer unix.Close(fs)
	for _, flag := range flags {
		if err := unix.FsconfigSetFlag(fs, flag); err != nil {
			return nil, fmt.Errorf("%s: option %s: %w", kind, flag, err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	root, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: mount: %w", kind, err)
	}
	return os.NewFile(uintptr(root), kind), nil
}

// openIn opens a file of a file system that is mounted nowhere. Closing it
// gives the mount up.
func openIn(kind, path string) (io.ReadCloser, error) {
	root, err := mount(kind)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	fd, err := unix.Openat(int(root.Fd()), path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", kind, path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// activeLSMs returns the active security modules, with commas between them.
func activeLSMs() (string, error) {
	f, err := openIn("securityfs", "lsm")
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	return strings.TrimSpace(string(text)), err
}

// isAbsent reports whether a file or a file system is not there.
func isAbsent(err error) bool { return errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrMissing) }
