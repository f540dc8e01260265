// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// size is more than the files of the tests have, in bytes.
const size = 4096

// opened returns the mode that opens the file and reads it with one call.
// The descriptors are raw ones: Go's own reads files with other calls too.
func opened(call func(fd int) ([]byte, error)) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		return call(fd)
	}
}

func read(fd int) ([]byte, error) {
	buf := make([]byte, size)
	n, err := unix.Read(fd, buf)
	return buf[:max(n, 0)], err
}

func pread(fd int) ([]byte, error) {
	buf := make([]byte, size)
	n, err := unix.Pread(fd, buf, 0)
	return buf[:max(n, 0)], err
}

func readv(fd int) ([]byte, error) {
	buf := make([]byte, size)
	n, err := unix.Readv(fd, [][]byte{buf})
	return buf[:max(n, 0)], err
}

func preadv(fd int) ([]byte, error) {
	buf := make([]byte, size)
	n, err := unix.Preadv(fd, [][]byte{buf}, 0)
	return buf[:max(n, 0)], err
}

func preadv2(fd int) ([]byte, error) {
	buf := make([]byte, size)
	n, err := unix.Preadv2(fd, [][]byte{buf}, 0, 0)
	return buf[:max(n, 0)], err
}

// copyFileRange copies into a file without a name beside the system's other
// temporary files.
func copyFileRange(fd int) ([]byte, error) {
	return copiedTo(func(out int) (int, error) {
		return unix.CopyFileRange(fd, nil, out, nil, size, 0)
	})
}

func sendfile(fd int) ([]byte, error) {
	return copiedTo(func(out int) (int, error) {
		return unix.Sendfile(out, fd, nil, size)
	})
}

// copiedTo has the bytes copied into a file and reads them there.
func copiedTo(call func(out int) (int, error)) ([]byte, error) {
	tmp, err := os.CreateTemp("", "reader")
	if err != nil {
		return nil, err
	}
	defer tmp.Close()
	// Without a name nothing is left when the reader is killed.
	if err := os.Remove(tmp.Name()); err != nil {
		return nil, err
	}
	n, err := call(int(tmp.Fd()))
	if err != nil {
		return nil, err
	}
	buf := make([]byte, n)
	_, err = tmp.ReadAt(buf, 0)
	return buf, err
}

func splice(fd int) ([]byte, error) {
	var pipe [2]int
	if err := unix.Pipe(pipe[:]); err != nil {
		return nil, err
	}
	if _, err := unix.Splice(fd, nil, pipe[1], nil, size, 0); err != nil {
		return nil, err
	}
	return read(pipe[0])
}

func mapped(fd int) ([]byte, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, err
	}
	return unix.Mmap(fd, 0, int(stat.Size), unix.PROT_READ, unix.MAP_PRIVATE)
}
