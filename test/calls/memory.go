// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// setNonBlocking is FIONBIO, which golang.org/x/sys lacks.
const setNonBlocking = 0x5421

// Calls on mappings and descriptors.
func memoryCalls() []Call {
	protect := func(number uintptr, rest ...uintptr) func(*rig) *plan {
		return func(r *rig) *plan {
			page, err := unix.Mmap(-1, 0, 4096, unix.PROT_NONE, unix.MAP_SHARED|unix.MAP_ANON)
			r.must(err, "mmap")
			r.tb.Cleanup(func() { _ = unix.Munmap(page) })
			start := fmt.Sprintf("%x-", address(page))
			done := func(a *Attempt) bool { return mapped(a, start, "r--s") }
			return r.call(done, number, append([]uintptr{address(page), 4096, unix.PROT_READ}, rest...)...)
		}
	}
	return []Call{
		{"mmap", []Variant{
			{Name: "file", prepare: func(r *rig) *plan {
				done := func(a *Attempt) bool { return mapped(a, "", r.path("f")) }
				return r.call(done, unix.SYS_MMAP, 0, 4096, unix.PROT_READ, unix.MAP_SHARED, r.opened("f", "x", unix.O_RDONLY), 0)
			}},
			{Name: "anonymous", prepare: func(r *rig) *plan {
				return r.call(returns, unix.SYS_MMAP, 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANON, ^uintptr(0), 0)
			}},
		}},
		one("mprotect", protect(unix.SYS_MPROTECT)),
		one("pkey_mprotect", protect(unix.SYS_PKEY_MPROTECT, ^uintptr(0))),
		{"ioctl", []Variant{
			{Name: "FIONBIO", prepare: func(r *rig) *plan {
				fd := r.opened("f", "x", unix.O_RDONLY)
				return r.call(nonBlocking(fd), unix.SYS_IOCTL, fd, setNonBlocking, r.ints(1))
			}},
			{Name: "FIONREAD", prepare: func(r *rig) *plan {
				b := r.space(4)
				return r.call(filled(b), unix.SYS_IOCTL, r.opened("f", "x", unix.O_RDONLY), unix.TIOCINQ, address(b))
			}},
		}},
		{"fcntl", []Variant{
			{Name: "F_SETFL", prepare: func(r *rig) *plan {
				fd := r.opened("f", "x", unix.O_RDONLY)
				return r.call(nonBlocking(fd), unix.SYS_FCNTL, fd, unix.F_SETFL, unix.O_NONBLOCK)
			}},
			{Name: "F_DUPFD", prepare: func(r *rig) *plan {
				return r.call(newDescriptor, unix.SYS_FCNTL, r.opened("f", "x", unix.O_RDONLY), unix.F_DUPFD, 0)
			}},
			{Name: "F_DUPFD of a path", prepare: func(r *rig) *plan {
				return r.call(newDescriptor, unix.SYS_FCNTL, r.open("", unix.O_PATH), unix.F_DUPFD, 0)
			}},
		}},
		one("flock", func(r *rig) *plan {
			fd := r.opened("f", "x", unix.O_RDONLY)
			other := r.open("f", unix.O_RDONLY)
			done := func(*Attempt) bool {
				defer func() { _ = unix.Flock(int(other), unix.LOCK_UN) }()
				return unix.Flock(int(other), unix.LOCK_EX|unix.LOCK_NB) != nil
			}
			return r.call(done, unix.SYS_FLOCK, fd, unix.LOCK_EX)
		}),
	}
}

// mapped reports whether the child has a mapping with both texts in its line.
func mapped(a *Attempt, start, text string) bool {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/maps", a.Process))
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, start) && strings.Contains(line, text) {
			return true
		}
	}
	return false
}

func nonBlocking(fd uintptr) func(*Attempt) bool {
	return func(*Attempt) bool {
		flags, _ := unix.FcntlInt(fd, unix.F_GETFL, 0)
		return flags&unix.O_NONBLOCK != 0
	}
}
