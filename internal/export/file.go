// SPDX-License-Identifier: Apache-2.0

package export

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// dirPerm is the mode of directories made for the export file.
const dirPerm = 0o755

// file is what is needed of an open file.
type file interface {
	Write(p []byte) (int, error)
	Truncate(size int64) error
	Close() error
	// state returns the size in bytes and the number of names of a regular file.
	state() (size int64, links uint64, err error)
	// same says whether the file is the one that the path names.
	same(path string) bool
}

// opened is a file with what is found out when it is opened.
type opened struct {
	file file
	// regular files are rotated, others (pipes, devices) only written to.
	regular bool
	size    int64
	// torn says that the file ends in the middle of a line.
	torn bool
}

// openFunc opens the file to append to. It is replaced where tests inject faults.
type openFunc func(path string, perm fs.FileMode) (opened, error)

// osFile is a file of the operating system.
type osFile struct {
	*os.File
	stat unix.Stat_t // reused, so that looking at the file allocates nothing
}

func (f *osFile) state() (int64, uint64, error) {
	if err := unix.Fstat(int(f.Fd()), &f.stat); err != nil {
		return 0, 0, fmt.Errorf("stat: %w", err)
	}
	return f.stat.Size, uint64(f.stat.Nlink), nil
}

func (f *osFile) same(path string) bool {
	named, err := os.Stat(path)
	if err != nil {
		return false
	}
	mine, err := f.Stat()
	return err == nil && os.SameFile(mine, named)
}

// openFile opens the file at path for appending and makes it, and its directory, where missing.
func openFile(path string, perm fs.FileMode) (opened, error) {
	if isStdout(path) {
		return openStdout()
	}
	if err := os.MkdirAll(filepath.Dir(path), dirPerm); err != nil {
		return opened{}, err
	}
	f, err := openOrCreate(path, perm)
	if err != nil {
		return opened{}, err
	}
	o, err := inspect(f)
	if err != nil {
		return opened{}, errors.Join(err, f.Close())
	}
	return o, nil
}

func isStdout(path string) bool { return path == "-" || path == "/dev/stdout" }

// openStdout opens a copy of the standard output: the Go runtime ends a process that writes to a closed
// pipe at descriptor 1, and here that is to be an error like any other.
func openStdout() (opened, error) {
	fd, err := unix.FcntlInt(os.Stdout.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return opened{}, fmt.Errorf("open standard output: %w", err)
	}
	return opened{file: &osFile{File: os.NewFile(uintptr(fd), "/dev/stdout")}}, nil
}

// openOrCreate gives only a new file the mode perm: whoever made an existing one chose its mode. A
// named pipe without a reader is an error (O_NONBLOCK) and not a wait without end.
func openOrCreate(path string, perm fs.FileMode) (*os.File, error) {
	const flags = os.O_RDWR | os.O_APPEND
	f, err := os.OpenFile(path, flags|os.O_CREATE|os.O_EXCL, perm)
	if err == nil {
		return f, f.Chmod(perm) // whatever the umask is
	}
	if !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist): // a symbolic link to a file that is still to be made
		return os.OpenFile(path, flags|os.O_CREATE, perm)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, &fs.PathError{Op: "open", Path: path, Err: unix.EISDIR}
	case info.Mode().IsRegular():
		return os.OpenFile(path, flags, perm)
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|unix.O_NONBLOCK, perm)
}

func inspect(f *os.File) (opened, error) {
	info, err := f.Stat()
	if err != nil {
		return opened{}, err
	}
	o := opened{file: &osFile{File: f}, regular: info.Mode().IsRegular()}
	if !o.regular || info.Size() == 0 {
		return o, nil
	}
	o.size = info.Size()
	var last [1]byte
	if _, err := f.ReadAt(last[:], o.size-1); err != nil {
		return opened{}, fmt.Errorf("read the end of the file: %w", err)
	}
	o.torn = last[0] != '\n'
	return o, nil
}
