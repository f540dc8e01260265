// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// sysFchmodat2 is newer than the constants of some versions of x/sys; the number is the same on every architecture.
const sysFchmodat2 = 452

func putUint32(b []byte, n uint32) { binary.NativeEndian.PutUint32(b, n) }

// Calls that change or read attributes of inodes.
func attributeCalls() []Call {
	times := func(r *rig) uintptr { return r.words(1, 0, 1, 0) }
	return []Call{
		one("truncate", func(r *rig) *plan { return r.call(r.emptied("f"), unix.SYS_TRUNCATE, r.file("f", "x"), 0) }),
		one("ftruncate", func(r *rig) *plan {
			return r.call(r.emptied("f"), unix.SYS_FTRUNCATE, r.opened("f", "x", unix.O_RDWR), 0)
		}),
		one("chmod", func(r *rig) *plan { return r.call(r.mode, unix.SYS_CHMOD, r.file("f", "x"), 0o7000) }),
		one("fchmod", func(r *rig) *plan { return r.call(r.mode, unix.SYS_FCHMOD, r.opened("f", "x", unix.O_RDWR), 0o7000) }),
		one("fchmodat", func(r *rig) *plan { return r.call(r.mode, unix.SYS_FCHMODAT, atCWD, r.file("f", "x"), 0o7000) }),
		one("fchmodat2", func(r *rig) *plan { return r.call(r.mode, sysFchmodat2, atCWD, r.file("f", "x"), 0o7000, 0) }),
		one("chown", func(r *rig) *plan { return r.call(r.owner, unix.SYS_CHOWN, r.file("f", "x"), 7, 7) }),
		one("lchown", func(r *rig) *plan { return r.call(r.owner, unix.SYS_LCHOWN, r.file("f", "x"), 7, 7) }),
		one("fchown", func(r *rig) *plan { return r.call(r.owner, unix.SYS_FCHOWN, r.opened("f", "x", unix.O_RDWR), 7, 7) }),
		one("fchownat", func(r *rig) *plan { return r.call(r.owner, unix.SYS_FCHOWNAT, atCWD, r.file("f", "x"), 7, 7, 0) }),
		one("utime", func(r *rig) *plan { return r.call(r.old, unix.SYS_UTIME, r.file("f", "x"), r.words(1, 1)) }),
		one("utimes", func(r *rig) *plan { return r.call(r.old, unix.SYS_UTIMES, r.file("f", "x"), times(r)) }),
		one("futimesat", func(r *rig) *plan { return r.call(r.old, unix.SYS_FUTIMESAT, atCWD, r.file("f", "x"), times(r)) }),
		{"utimensat", []Variant{
			{Name: "path", prepare: func(r *rig) *plan {
				return r.call(r.old, unix.SYS_UTIMENSAT, atCWD, r.file("f", "x"), times(r), 0)
			}},
			{Name: "descriptor", prepare: func(r *rig) *plan {
				return r.call(r.old, unix.SYS_UTIMENSAT, r.opened("f", "x", unix.O_RDONLY), 0, times(r), 0)
			}},
		}},
		one("stat", func(r *rig) *plan { return r.reads(144, unix.SYS_STAT, r.file("f", "x")) }),
		one("lstat", func(r *rig) *plan { return r.reads(144, unix.SYS_LSTAT, r.file("f", "x")) }),
		one("fstat", func(r *rig) *plan { return r.reads(144, unix.SYS_FSTAT, r.opened("f", "x", unix.O_RDONLY)) }),
		{"newfstatat", []Variant{
			{Name: "path", prepare: func(r *rig) *plan { return r.reads(144, unix.SYS_NEWFSTATAT, atCWD, r.file("f", "x")) }},
			{Name: "descriptor", prepare: func(r *rig) *plan {
				b := r.space(144)
				return r.call(filled(b), unix.SYS_NEWFSTATAT, r.opened("f", "x", unix.O_RDONLY), r.text(""), address(b), unix.AT_EMPTY_PATH)
			}},
			{Name: "pipe", prepare: func(r *rig) *plan {
				b := r.space(144)
				return r.call(filled(b), unix.SYS_NEWFSTATAT, r.pipe()[0], r.text(""), address(b), unix.AT_EMPTY_PATH)
			}},
		}},
		{"statx", []Variant{
			{Name: "path", prepare: func(r *rig) *plan {
				b := r.space(256)
				return r.call(filled(b), unix.SYS_STATX, atCWD, r.file("f", "x"), 0, unix.STATX_BASIC_STATS, address(b))
			}},
			{Name: "descriptor", prepare: func(r *rig) *plan {
				b := r.space(256)
				return r.call(filled(b), unix.SYS_STATX, r.open("", unix.O_PATH), r.text(""), unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS, address(b))
			}},
		}},
		one("statfs", func(r *rig) *plan { return r.reads(120, unix.SYS_STATFS, r.text(r.dir)) }),
		one("fstatfs", func(r *rig) *plan { return r.reads(120, unix.SYS_FSTATFS, r.open("", unix.O_RDONLY)) }),
	}
}

// reads plans a call that fills a space of the size, its last argument.
func (r *rig) reads(size int, number uintptr, args ...uintptr) *plan {
	b := r.space(size)
	return r.call(filled(b), number, append(args, address(b))...)
}

func (r *rig) mode(*Attempt) bool  { return r.stat("f").Mode&0o7777 == 0o7000 }
func (r *rig) owner(*Attempt) bool { st := r.stat("f"); return st.Uid == 7 || st.Gid == 7 }
func (r *rig) old(*Attempt) bool   { return r.stat("f").Mtim.Sec == 1 }

// pipe makes a pipe: where to read and where to write.
func (r *rig) pipe() [2]uintptr {
	r.tb.Helper()
	var fds [2]int
	r.must(unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK), "pipe")
	return [2]uintptr{r.fd(fds[0]), r.fd(fds[1])}
}
