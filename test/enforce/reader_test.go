// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"fmt"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readerVariable makes this test's program act on the file that it names, in
// the way that its first argument names.
const readerVariable = "VEDETTE_ENFORCE_READ"

// What a reader is given: memory that its parent sees too, a pipe, a file.
const (
	memoryFD = 3 + iota
	pipeFD
	fileFD
)

// size is that of the memory, in bytes; the files that are read have less.
const size = 4096

func TestMain(m *testing.M) {
	path := os.Getenv(readerVariable)
	if path == "" {
		os.Exit(m.Run())
	}
	if err := actAs(os.Args[1], path); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

// actAs does to a file what the name says.
func actAs(name, path string) error {
	if try := tried[name]; try != nil {
		return keepTrying(func() error { return try(path) })
	}
	return readers[name](path)
}

// readers bring the content of a file where the parent sees it, as early as
// the kernel can.
var readers = map[string]func(path string) error{
	"read":    intoMemory(func(fd int, to []byte) (int, error) { return unix.Read(fd, to) }),
	"pread64": intoMemory(func(fd int, to []byte) (int, error) { return unix.Pread(fd, to, 0) }),
	"readv":   intoMemory(func(fd int, to []byte) (int, error) { return unix.Readv(fd, [][]byte{to}) }),
	"preadv2": intoMemory(func(fd int, to []byte) (int, error) { return unix.Preadv2(fd, [][]byte{to}, 0, 0) }),
	"mmap": intoMemory(func(fd int, to []byte) (int, error) {
		from, err := unix.Mmap(fd, 0, size, unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			return 0, err
		}
		return copy(to, from[:contentSize]), nil
	}),
	"io_uring":       intoMemory(func(fd int, to []byte) (int, error) { return readByRing(fd, to, 0) }),
	"io_uring async": intoMemory(func(fd int, to []byte) (int, error) { return readByRing(fd, to, ringAsync) }),
	"sendfile": func(path string) error {
		return opened(path, func(fd int) error { _, err := unix.Sendfile(pipeFD, fd, nil, size); return err })
	},
	"splice": func(path string) error {
		return opened(path, func(fd int) error { _, err := unix.Splice(fd, nil, pipeFD, nil, size, 0); return err })
	},
	"copy_file_range": func(path string) error {
		return opened(path, func(fd int) error { _, err := unix.CopyFileRange(fd, nil, fileFD, nil, size, 0); return err })
	},
}

// opened calls f with a raw descriptor: Go's own reads files with other calls too.
func opened(path string, f func(fd int) error) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	return f(fd)
}

// intoMemory reads into the memory that the parent sees.
func intoMemory(read func(fd int, to []byte) (int, error)) func(string) error {
	return func(path string) error {
		to, err := unix.Mmap(memoryFD, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			return fmt.Errorf("memory: %w", err)
		}
		return opened(path, func(fd int) error { _, err := read(fd, to); return err })
	}
}

// The parts of io_uring that one read needs (include/uapi/linux/io_uring.h).
const (
	ringOpRead      = 22 // since 5.6
	ringEnterEvents = 1
	ringOffSQ       = 0
	ringOffCQ       = 0x8000000
	ringOffSQE      = 0x10000000
	ringSize        = 4096
	ringAsync       = 1 << 4 // a thread of the kernel's does it
)

type ringParams struct {
	sqEntries, cqEntries, flags, cpu, idle, features, wq uint32
	_                                                    [3]uint32
	sq                                                   struct {
		head, tail, mask, entries, flags, dropped, array, _ uint32
		_                                                   uint64
	}
	cq struct {
		head, tail, mask, entries, overflow, cqes, flags, _ uint32
		_                                                   uint64
	}
}

type ringEntry struct {
	op, flags uint8
	prio      uint16
	fd        int32
	offset    uint64
	addr      uint64
	length    uint32
	_         [9]uint32
}

// readByRing reads by io_uring, without the system call of that name.
func readByRing(fd int, to []byte, flags uint8) (int, error) {
	var p ringParams
	ring, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&p)), 0)
	if errno != 0 {
		return 0, fmt.Errorf("io_uring_setup: %w", errno)
	}
	var maps [3][]byte
	for i, offset := range []int64{ringOffSQ, ringOffCQ, ringOffSQE} {
		m, err := unix.Mmap(int(ring), offset, ringSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
		if err != nil {
			return 0, fmt.Errorf("map the ring: %w", err)
		}
		maps[i] = m
	}
	*(*ringEntry)(unsafe.Pointer(&maps[2][0])) = ringEntry{
		op: ringOpRead, flags: flags, fd: int32(fd), addr: uint64(uintptr(unsafe.Pointer(&to[0]))), length: uint32(len(to)),
	}
	*(*uint32)(unsafe.Pointer(&maps[0][p.sq.array])) = 0
	*(*uint32)(unsafe.Pointer(&maps[0][p.sq.tail])) = 1
	if _, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, ring, 1, 1, ringEnterEvents, 0, 0); errno != 0 {
		return 0, fmt.Errorf("io_uring_enter: %w", errno)
	}
	if n := *(*int32)(unsafe.Pointer(&maps[1][p.cq.cqes+8])); n < 0 {
		return 0, fmt.Errorf("read by io_uring: %w", unix.Errno(-n))
	}
	return 0, nil
}
