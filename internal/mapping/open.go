// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/observe"
)

// errOther says that a path leads to another file by now.
var errOther = errors.New("not the file that was mapped")

// openMapping opens the file of a mapping by its link in map_files. The device
// that stat tells is not always the kernel's own.
func openMapping(link string, m observe.Mapping) (*os.File, error) {
	fd, err := unix.Open(link, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", link, err)
	}
	defer unix.Close(fd)
	return reopen(fd, func(s *unix.Stat_t) bool { return s.Ino == m.Inode })
}

// openPath opens the file of a mapping by its path below a root directory. The
// path has no symbolic links: one that is there now, somebody has put there.
func openPath(root string, m observe.Mapping) (*os.File, error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", root, err)
	}
	defer unix.Close(dir)
	fd, err := unix.Openat2(dir, strings.TrimLeft(string(m.Path), "/"), &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		return nil, fmt.Errorf("%s below %s: %w", m.Path, root, err)
	}
	defer unix.Close(fd)
	return reopen(fd, func(s *unix.Stat_t) bool { return s.Ino == m.Inode && s.Dev == m.Device })
}

// reopen opens a file for reading that is open as a path only. Before it is
// known to be a regular file, and the right one, it must not be opened: to
// open a device can do anything.
func reopen(fd int, isSame func(*unix.Stat_t) bool) (*os.File, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG || !isSame(&stat) {
		return nil, errOther
	}
	return os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
}
