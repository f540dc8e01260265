// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"golang.org/x/sys/unix"
)

// Calls that make and change sockets.
func socketCalls() []Call {
	accept := func(number uintptr, rest ...uintptr) func(*rig) *plan {
		return func(r *rig) *plan {
			listener := r.listener()
			client := r.socket(unix.SOCK_STREAM)
			r.must(unix.Connect(int(client), &unix.SockaddrUnix{Name: r.path("s")}), "connect")
			done := func(a *Attempt) bool { return newDescriptor(a) || !readable(listener) }
			return r.call(done, number, append([]uintptr{listener, 0, 0}, rest...)...)
		}
	}
	name := func(number uintptr) func(*rig) *plan {
		return func(r *rig) *plan {
			b := r.space(112)
			return r.call(filled(b), number, r.socketPair(unix.SOCK_STREAM)[0], address(b), r.ints(110))
		}
	}
	return []Call{
		{"socket", []Variant{
			{Name: "unix", prepare: func(r *rig) *plan {
				return r.call(newDescriptor, unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM, 0)
			}},
			{Name: "inet", prepare: func(r *rig) *plan {
				return r.call(newDescriptor, unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0)
			}},
			{Name: "netlink", prepare: func(r *rig) *plan {
				return r.call(newDescriptor, unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW, 0)
			}},
		}},
		one("socketpair", func(r *rig) *plan {
			return r.call(newDescriptor, unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM, 0, r.ints(0, 0))
		}),
		{"connect", []Variant{
			{Name: "stream", prepare: func(r *rig) *plan {
				listener := r.listener()
				addr, size := r.unixAddress("s")
				return r.call(func(*Attempt) bool { return readable(listener) }, unix.SYS_CONNECT, r.socket(unix.SOCK_STREAM), addr, size)
			}},
			{Name: "datagram", prepare: func(r *rig) *plan {
				r.bound(unix.SOCK_DGRAM)
				socket := r.socket(unix.SOCK_DGRAM)
				addr, size := r.unixAddress("s")
				return r.call(func(*Attempt) bool { return connected(socket) }, unix.SYS_CONNECT, socket, addr, size)
			}},
		}},
		{"bind", []Variant{
			{Name: "unix", prepare: func(r *rig) *plan {
				addr, size := r.unixAddress("s")
				return r.call(r.appears("s"), unix.SYS_BIND, r.socket(unix.SOCK_STREAM), addr, size)
			}},
			{Name: "inet", prepare: func(r *rig) *plan {
				fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
				r.must(err, "socket")
				done := func(*Attempt) bool {
					sa, _ := unix.Getsockname(fd)
					inet, ok := sa.(*unix.SockaddrInet4)
					return ok && inet.Port != 0
				}
				return r.call(done, unix.SYS_BIND, r.fd(fd), r.words(unix.AF_INET, 0), 16)
			}},
		}},
		one("listen", func(r *rig) *plan {
			s := r.bound(unix.SOCK_STREAM)
			return r.call(func(*Attempt) bool { return r.option(s, unix.SO_ACCEPTCONN) != 0 }, unix.SYS_LISTEN, s, 1)
		}),
		one("accept", accept(unix.SYS_ACCEPT)),
		one("accept4", accept(unix.SYS_ACCEPT4, unix.SOCK_CLOEXEC)),
		one("setsockopt", func(r *rig) *plan {
			s := r.socket(unix.SOCK_STREAM)
			done := func(*Attempt) bool { return r.option(s, unix.SO_KEEPALIVE) != 0 }
			return r.call(done, unix.SYS_SETSOCKOPT, s, unix.SOL_SOCKET, unix.SO_KEEPALIVE, r.ints(1), 4)
		}),
		one("getsockopt", func(r *rig) *plan {
			b := r.space(4)
			return r.call(filled(b), unix.SYS_GETSOCKOPT, r.socket(unix.SOCK_STREAM), unix.SOL_SOCKET, unix.SO_TYPE, address(b), r.ints(4))
		}),
		one("shutdown", func(r *rig) *plan {
			pair := r.socketPair(unix.SOCK_STREAM)
			return r.call(func(*Attempt) bool { return readable(pair[1]) }, unix.SYS_SHUTDOWN, pair[0], unix.SHUT_WR)
		}),
		one("getsockname", name(unix.SYS_GETSOCKNAME)),
		one("getpeername", name(unix.SYS_GETPEERNAME)),
	}
}

// Calls that carry messages.
func messageCalls() []Call {
	header := func(r *rig, content string) ([]byte, uintptr) {
		b := r.space(8)
		copy(b, content)
		return b, r.words(0, 0, r.words(address(b), 7), 1, 0, 0, 0, 0)
	}
	send := func(number uintptr, rest ...uintptr) func(*rig) *plan {
		return func(r *rig) *plan {
			pair := r.socketPair(unix.SOCK_DGRAM)
			b, msg := header(r, "content")
			args := []uintptr{pair[0], msg}
			if number == unix.SYS_SENDTO {
				args = []uintptr{pair[0], address(b), 7}
			}
			return r.call(func(*Attempt) bool { return readable(pair[1]) }, number, append(args, rest...)...)
		}
	}
	receive := func(number uintptr, rest ...uintptr) func(*rig) *plan {
		return func(r *rig) *plan {
			pair := r.socketPair(unix.SOCK_DGRAM)
			_, err := unix.Write(int(pair[1]), []byte("content"))
			r.must(err, "send")
			b, msg := header(r, "")
			args := []uintptr{pair[0], msg}
			if number == unix.SYS_RECVFROM {
				args = []uintptr{pair[0], address(b), 7}
			}
			done := func(a *Attempt) bool { return filled(b)(a) || !readable(pair[0]) }
			return r.call(done, number, append(args, rest...)...)
		}
	}
	return []Call{
		one("sendto", send(unix.SYS_SENDTO, 0, 0, 0)),
		one("sendmsg", send(unix.SYS_SENDMSG, 0)),
		one("sendmmsg", send(unix.SYS_SENDMMSG, 1, 0)),
		one("recvfrom", receive(unix.SYS_RECVFROM, 0, 0, 0)),
		one("recvmsg", receive(unix.SYS_RECVMSG, 0)),
		one("recvmmsg", receive(unix.SYS_RECVMMSG, 1, 0, 0)),
	}
}

func (r *rig) socket(kind int) uintptr {
	r.tb.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	r.must(err, "socket")
	return r.fd(fd)
}

func (r *rig) socketPair(kind int) [2]uintptr {
	r.tb.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	r.must(err, "socketpair")
	return [2]uintptr{r.fd(pair[0]), r.fd(pair[1])}
}

// bound is a socket with the name "s".
func (r *rig) bound(kind int) uintptr {
	r.tb.Helper()
	s := r.socket(kind)
	r.must(unix.Bind(int(s), &unix.SockaddrUnix{Name: r.path("s")}), "bind")
	return s
}

func (r *rig) listener() uintptr {
	r.tb.Helper()
	s := r.bound(unix.SOCK_STREAM)
	r.must(unix.Listen(int(s), 1), "listen")
	return s
}

// unixAddress is the socket address of a name and its size.
func (r *rig) unixAddress(name string) (addr, size uintptr) {
	b := r.space(3 + len(r.path(name)))
	b[0] = unix.AF_UNIX
	copy(b[2:], r.path(name))
	return address(b), uintptr(3 + len(r.path(name)))
}

func (r *rig) option(socket uintptr, option int) int {
	value, err := unix.GetsockoptInt(int(socket), unix.SOL_SOCKET, option)
	r.must(err, "getsockopt")
	return value
}

func connected(socket uintptr) bool {
	_, err := unix.Getpeername(int(socket))
	return err == nil
}

// readable reports whether a message, a connection or the end is there to be taken.
func readable(socket uintptr) bool {
	fds := []unix.PollFd{{Fd: int32(socket), Events: unix.POLLIN}}
	n, _ := unix.Poll(fds, 0)
	return n > 0
}
