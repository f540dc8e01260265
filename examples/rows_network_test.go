// SPDX-License-Identifier: Apache-2.0

package examples

import "golang.org/x/sys/unix"

// The ports that rows use.
const (
	serverPort = 18953
	listenPort = 18954
)

// datagrams opens a socket of UDP: to connect it sends nothing.
var datagrams = call(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM, 0)

// connecting connects a socket of UDP.
func connecting(address string, port uint16) deed {
	a := inet(address, port)
	return calls(datagrams, call(unix.SYS_CONNECT, result(0), a, len(a)))
}

// binding binds a socket of UDP, which may be in use.
func binding(address string, port uint16) deed {
	a := inet(address, port)
	return calls(datagrams, call(unix.SYS_BIND, result(0), a, len(a)))
}

func sending(address string, port uint16) deed {
	a := inet(address, port)
	return calls(datagrams, call(unix.SYS_SENDTO, result(0), "x", 1, 0, a, len(a)))
}

// connectingLocal connects a socket of the unix family.
func connectingLocal(path string) deed {
	a := local(path)
	return calls(call(unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM, 0), call(unix.SYS_CONNECT, result(0), a, len(a)))
}

func networkRows(dir string) []row {
	low := inet("127.0.0.1", 911)
	server := inet("0.0.0.0", listenPort)
	tcp := call(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0)
	loopbackUp := append(append([]byte("lo"), make([]byte, 14)...), append([]byte{unix.IFF_UP, 0}, make([]byte, 22)...)...)
	return []row{
		{
			policy: "metadata-service",
			catches: []catch{
				catching(connecting("169.254.169.254", 80), "sys_connect", "169.254.169.254", "80"),
				catching(connecting("fd00:ec2::254", 80), "sys_connect", "fd00:ec2::254"),
			},
			leaves: []deed{connecting("169.254.169.253", 80), sending("127.0.0.1", 9)},
		},
		{
			policy: "outside-connections",
			catches: []catch{
				catching(connecting("192.0.2.1", 443), "sys_connect", "192.0.2.1", "443"),
				catching(connecting("2001:db8::1", 443), "sys_connect", "2001:db8::1"),
			},
			leaves: []deed{connecting("127.0.0.1", 443), connecting("10.1.2.3", 443), connecting("::1", 443), connectingLocal("/nonexistent/socket")},
		},
		{
			policy:  "container-runtime-sockets",
			catches: []catch{catching(connectingLocal("/nonexistent/docker.sock"), "sys_connect", "/nonexistent/docker.sock")},
			leaves:  []deed{connectingLocal("/nonexistent/other.sock"), connecting("127.0.0.1", 9)},
		},
		{
			policy: "dns-queries",
			catches: []catch{
				catching(sending("127.0.0.1", 53), "sys_sendto", "127.0.0.1", "53"),
				catching(connecting("127.0.0.1", 53), "sys_connect", "127.0.0.1", "53"),
			},
			leaves: []deed{sending("127.0.0.1", 54), connecting("127.0.0.1", 54)},
		},
		{
			policy:  "public-servers",
			catches: []catch{catching(binding("0.0.0.0", serverPort), "sys_bind", "0.0.0.0", "18953")},
			leaves:  []deed{binding("127.0.0.1", serverPort), binding("0.0.0.0", 0)},
		},
		{
			policy:  "low-ports",
			catches: []catch{catching(binding("127.0.0.1", 911), "sys_bind", "127.0.0.1", "911")},
			leaves: []deed{
				binding("127.0.0.1", serverPort), binding("127.0.0.1", 0),
				calls(datagrams, call(unix.SYS_SETRESUID, nobody, nobody, nobody), call(unix.SYS_BIND, result(0), low, len(low))),
			},
		},
		{
			policy: "packet-sockets",
			catches: []catch{
				catching(calls(call(unix.SYS_SOCKET, unix.AF_PACKET, unix.SOCK_RAW, 0)), "sys_socket", "17"),
				catching(calls(call(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 1)), "sys_socket", "2", "524291"),
			},
			leaves: []deed{calls(datagrams), calls(call(unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW, 0))},
		},
		{
			policy:  "rare-socket-families",
			catches: []catch{catching(calls(call(unix.SYS_SOCKET, unix.AF_TIPC, unix.SOCK_STREAM, 0)).gets("EACCES"), "sys_socket", "30", "KPROBE_ACTION_OVERRIDE")},
			leaves:  []deed{calls(tcp, call(unix.SYS_CLOSE, result(0))).gets("0")},
			needs:   refusals,
		},
		{
			policy: "tcp-listeners",
			catches: []catch{catching(calls(tcp, call(unix.SYS_BIND, result(0), server, len(server)), call(unix.SYS_LISTEN, result(0), 1)).gets("0"),
				"inet_sock_set_state", "10", "18954")},
			leaves: []deed{calls(tcp, call(unix.SYS_BIND, result(0), server, len(server)))},
		},
		{
			policy: "tcp-connections",
			catches: []catch{catching(calls(tcp, call(unix.SYS_IOCTL, result(0), unix.SIOCSIFFLAGS, loopbackUp),
				call(unix.SYS_CONNECT, result(0), inet("127.0.0.1", 1), 16)).in(unix.CLONE_NEWNET).gets("ECONNREFUSED"),
				"tcp_connect", "127.0.0.1", "1")},
			leaves: []deed{connecting("127.0.0.1", 1)},
			needs:  functions,
		},
	}
}
