// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"golang.org/x/sys/unix"
)

// Calls that read and write files.
func contentCalls() []Call {
	in := func(r *rig) uintptr { return r.opened("in", "content", unix.O_RDONLY) }
	out := func(r *rig) uintptr { return r.opened("out", "", unix.O_RDWR) }
	// vector is one buffer of 7 bytes and the iovec of it.
	vector := func(r *rig, content string) ([]byte, uintptr) {
		b := r.space(7)
		copy(b, content)
		return b, r.words(address(b), 7)
	}
	reads := func(number uintptr, vectored bool, rest ...uintptr) func(*rig) *plan {
		return func(r *rig) *plan {
			b, iov := vector(r, "")
			args := []uintptr{in(r), address(b), 7}
			if vectored {
				args = []uintptr{in(r), iov, 1}
			}
			return r.call(filled(b), number, append(args, rest...)...)
		}
	}
	writes := func(number uintptr, vectored bool, rest ...uintptr) func(*rig) *plan {
		return func(r *rig) *plan {
			b, iov := vector(r, "content")
			args := []uintptr{out(r), address(b), 7}
			if vectored {
				args = []uintptr{out(r), iov, 1}
			}
			return r.call(r.written, number, append(args, rest...)...)
		}
	}
	directory := func(number uintptr) func(*rig) *plan {
		return func(r *rig) *plan {
			b := r.space(512)
			return r.call(filled(b), number, r.open("", unix.O_RDONLY), address(b), 512)
		}
	}
	return []Call{
		{"read", []Variant{
			{Name: "file", prepare: reads(unix.SYS_READ, false)},
			{Name: "pipe", prepare: readPipe},
			{Name: "socket", prepare: readSocket},
		}},
		one("pread64", reads(unix.SYS_PREAD64, false, 0)),
		one("readv", reads(unix.SYS_READV, true)),
		one("preadv", reads(unix.SYS_PREADV, true, 0, 0)),
		one("preadv2", reads(unix.SYS_PREADV2, true, 0, 0, 0)),
		one("write", writes(unix.SYS_WRITE, false)),
		one("pwrite64", writes(unix.SYS_PWRITE64, false, 0)),
		one("writev", writes(unix.SYS_WRITEV, true)),
		one("pwritev", writes(unix.SYS_PWRITEV, true, 0, 0)),
		one("pwritev2", writes(unix.SYS_PWRITEV2, true, 0, 0, 0)),
		{"sendfile", []Variant{
			{Name: "file", prepare: func(r *rig) *plan { return r.call(r.written, unix.SYS_SENDFILE, out(r), in(r), 0, 7) }},
			{Name: "pipe", prepare: func(r *rig) *plan {
				p := r.pipe()
				return r.call(r.piped(p), unix.SYS_SENDFILE, p[1], in(r), 0, 7)
			}},
		}},
		one("copy_file_range", func(r *rig) *plan {
			return r.call(r.written, unix.SYS_COPY_FILE_RANGE, in(r), 0, out(r), 0, 7, 0)
		}),
		{"splice", []Variant{
			{Name: "from a file", prepare: func(r *rig) *plan {
				p := r.pipe()
				return r.call(r.piped(p), unix.SYS_SPLICE, in(r), 0, p[1], 0, 7, 0)
			}},
			{Name: "to a file", prepare: func(r *rig) *plan {
				p := r.pipe()
				_, err := unix.Write(int(p[1]), []byte("content"))
				r.must(err, "write to a pipe")
				return r.call(r.written, unix.SYS_SPLICE, p[0], 0, out(r), 0, 7, 0)
			}},
		}},
		one("getdents", directory(unix.SYS_GETDENTS)),
		one("getdents64", directory(unix.SYS_GETDENTS64)),
		one("fallocate", func(r *rig) *plan { return r.call(r.written, unix.SYS_FALLOCATE, out(r), 0, 0, 7) }),
	}
}

func (r *rig) written(*Attempt) bool { return r.stat("out").Size != 0 }

// piped reports an effect: there is something to read from the pipe.
func (r *rig) piped(p [2]uintptr) func(*Attempt) bool {
	return func(*Attempt) bool {
		n, err := unix.IoctlGetInt(int(p[0]), unix.TIOCINQ)
		r.must(err, "FIONREAD")
		return n != 0
	}
}

func readPipe(r *rig) *plan {
	p, b := r.pipe(), r.space(8)
	_, err := unix.Write(int(p[1]), []byte("content"))
	r.must(err, "write to a pipe")
	return r.call(filled(b), unix.SYS_READ, p[0], address(b), 7)
}

func readSocket(r *rig) *plan {
	pair, b := r.socketPair(unix.SOCK_STREAM), r.space(8)
	_, err := unix.Write(int(pair[1]), []byte("content"))
	r.must(err, "write to a socket")
	return r.call(filled(b), unix.SYS_READ, pair[0], address(b), 7)
}
