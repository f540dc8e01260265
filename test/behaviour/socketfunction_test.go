// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// functionSpec hooks a function that is no system call.
func functionSpec(call, args, filters string) string {
	return fmt.Sprintf(`
kprobes:
- call: %s
  syscall: false
  args: [%s]
  selectors: [{matchArgs: [%s]}]
`, call, args, filters)
}

// ofClient are the sockets of rows' clients.
const ofClient = `{index: 0, operator: SPort, values: ["9472"]}`

// tcp spells a socket of a connection on this machine.
func tcp(v6 bool, from, to int, state string) string {
	if v6 {
		return fmt.Sprintf("sock AF_INET6 SOCK_STREAM IPPROTO_TCP [::1]:%d->[::1]:%d %s", from, to, state)
	}
	return fmt.Sprintf("sock AF_INET SOCK_STREAM IPPROTO_TCP 127.0.0.1:%d->127.0.0.1:%d %s", from, to, state)
}

// handOver makes a connection, gives one end to a child too, and closes it: so it ends with the child.
func handOver(accepted bool) func(*actor) {
	return func(a *actor) {
		listener := a.endpoint(false, unix.SOCK_STREAM, serverPort)
		a.must(unix.Listen(listener, 1))
		fd := a.endpoint(false, unix.SOCK_STREAM, clientPort)
		a.must(unix.Connect(fd, loopback(false, serverPort)))
		other, _, err := unix.Accept(listener)
		a.must(err)
		_, err = unix.Write(fd, []byte("hello"))
		a.must(err)
		passed, kept := fd, other
		if accepted {
			passed, kept = other, fd
		}
		a.pipe(77, 78)
		b := make([]byte, 1)
		pid := int(forkReader(77, uintptr(address(b))))
		a.must(unix.Close(passed))
		time.Sleep(10 * time.Millisecond)
		a.writeOne(78)
		a.wait(pid)
		time.Sleep(10 * time.Millisecond) // work of its end can come after it
		// A process that has ended is not known any more when its sockets are closed.
		a.must(unix.Close(kept))
		a.must(unix.Close(listener))
	}
}

var functionRows = []row{
	{
		name: "tcp_connect",
		spec: functionSpec("tcp_connect", "{index: 0, type: sock}", `{index: 0, operator: SPort, values: ["9472", "947"]}`),
		act:  connectThrice,
		want: []string{
			"tcp_connect(" + tcp(false, clientPort, serverPort, "TCP_SYN_SENT") + ")",
			"tcp_connect(" + tcp(true, clientPort, serverPort, "TCP_SYN_SENT") + ")",
			"tcp_connect(" + tcp(false, privPort, serverPort, "TCP_SYN_SENT") + ")",
		},
	},
	{
		name: "tcp_connect to networks",
		spec: functionSpec("tcp_connect", "{index: 0, type: sock}",
			`{index: 0, operator: NotDAddr, values: ["127.0.0.0/8", "10.0.0.0/8"]}, {index: 0, operator: DPort, values: ["9471"]}`),
		act:  connectThrice,
		want: []string{"tcp_connect(" + tcp(true, clientPort, serverPort, "TCP_SYN_SENT") + ")"},
	},
	{
		name: "tcp_close by state",
		spec: functionSpec("tcp_close", "{index: 0, type: sock}", ofClient+`, {index: 0, operator: State, values: [TCP_ESTABLISHED]}`),
		act:  func(a *actor) { a.connect(false, clientPort) },
		want: []string{"tcp_close(" + tcp(false, clientPort, serverPort, "TCP_ESTABLISHED") + ")"},
	},
	{
		name: "tcp_sendmsg",
		spec: functionSpec("tcp_sendmsg", "{index: 0, type: sock}, {index: 2, type: size_t}", ofClient),
		act:  func(a *actor) { a.connect(true, clientPort) },
		want: []string{"tcp_sendmsg(" + tcp(true, clientPort, serverPort, "TCP_ESTABLISHED") + ", size 5)"},
	},
	{
		name: "security_socket_sendmsg",
		spec: functionSpec("security_socket_sendmsg", "{index: 0, type: socket}, {index: 2, type: int}", ofClient+`, {index: 0, operator: Protocol, values: [IPPROTO_UDP]}`),
		act:  datagrams,
		want: []string{
			"security_socket_sendmsg(sock AF_INET SOCK_DGRAM IPPROTO_UDP 127.0.0.1:9472->0.0.0.0:0 TCP_CLOSE, int 8)",
			"security_socket_sendmsg(sock AF_INET6 SOCK_DGRAM IPPROTO_UDP [::1]:9472->[::]:0 TCP_CLOSE, int 8)",
		},
	},
	{
		name: "socket of another family",
		spec: functionSpec("security_socket_connect", "{index: 0, type: socket}", `{index: 0, operator: Family, values: [AF_UNIX]}`),
		act:  anyAddress,
		want: []string{"security_socket_connect(sock AF_UNIX SOCK_STREAM IPPROTO_IP TCP_CLOSE)"},
	},
	{
		name: "ip_output",
		spec: functionSpec("ip_output", "{index: 1, type: sock}, {index: 2, type: skb}",
			`{index: 2, operator: Protocol, values: [IPPROTO_UDP]}, {index: 2, operator: SPort, values: ["9472"]}`),
		act:  datagrams,
		want: []string{"ip_output(sock AF_INET SOCK_DGRAM IPPROTO_UDP 127.0.0.1:9472->0.0.0.0:0 TCP_CLOSE, skb AF_INET IPPROTO_UDP/17 127.0.0.1:9472->127.0.0.1:9471 36 bytes)"},
	},
	{
		name: "security_sock_rcv_skb",
		spec: functionSpec("security_sock_rcv_skb", "{index: 0, type: sock}, {index: 1, type: skb}",
			`{index: 1, operator: DPort, values: ["9471"]}, {index: 1, operator: Protocol, values: ["17"]}`),
		act: datagrams,
		want: []string{
			"security_sock_rcv_skb(sock AF_INET SOCK_DGRAM IPPROTO_UDP 127.0.0.1:9471->0.0.0.0:0 TCP_CLOSE, skb AF_INET IPPROTO_UDP/17 127.0.0.1:9472->127.0.0.1:9471 16 bytes)",
			"security_sock_rcv_skb(sock AF_INET6 SOCK_DGRAM IPPROTO_UDP [::1]:9471->[::]:0 TCP_CLOSE, skb AF_INET6 IPPROTO_UDP/17 [::1]:9472->[::1]:9471 16 bytes)",
		},
	},
	{
		name: "accepted socket",
		spec: `
kprobes:
- call: inet_csk_accept
  syscall: false
  return: true
  returnArg: {index: 0, type: sock}
  selectors: [{matchReturnArgs: [{index: 0, operator: DAddr, values: ["::1"]}, {index: 0, operator: DPort, values: ["9472"]}]}]
`,
		act:  connectThrice,
		want: []string{"inet_csk_accept() = " + tcp(true, serverPort, clientPort, "TCP_ESTABLISHED")},
	},
	{
		name: "not tracked",
		spec: functionSpec("tcp_close", "{index: 0, type: sock}", ofClient),
		act:  handOver(false),
		want: []string{"child: tcp_close(" + tcp(false, clientPort, serverPort, "TCP_ESTABLISHED") + ")"},
	},
	{
		name: "tracked",
		spec: `
kprobes:
- call: tcp_close
  syscall: false
  args: [{index: 0, type: sock}]
  selectors: [{matchArgs: [` + ofClient + `], matchActions: [{action: UntrackSock, argSock: 0}]}]
- call: tcp_connect
  syscall: false
  args: [{index: 0, type: sock}]
  selectors: [{matchActions: [{action: TrackSock, argSock: 0}, {action: NoPost}]}]
`,
		act:  handOver(false),
		want: []string{"UNTRACKSOCK tcp_close(" + tcp(false, clientPort, serverPort, "TCP_ESTABLISHED") + ")"},
	},
	{
		name: "no longer tracked",
		spec: `
kprobes:
- call: tcp_connect
  syscall: false
  args: [{index: 0, type: sock}]
  selectors: [{matchArgs: [` + ofClient + `], matchActions: [{action: TrackSock, argSock: 0}]}]
- call: tcp_sendmsg
  syscall: false
  args: [{index: 0, type: sock}]
  selectors: [{matchArgs: [` + ofClient + `], matchActions: [{action: UntrackSock, argSock: 0}, {action: NoPost}]}]
- call: tcp_close
  syscall: false
  args: [{index: 0, type: sock}]
  selectors: [{matchArgs: [` + ofClient + `]}]
`,
		act: handOver(false),
		want: []string{
			"TRACKSOCK tcp_connect(" + tcp(false, clientPort, serverPort, "TCP_SYN_SENT") + ")",
			"child: tcp_close(" + tcp(false, clientPort, serverPort, "TCP_ESTABLISHED") + ")",
		},
	},
	{
		name: "tracked when accepted",
		spec: `
kprobes:
- call: inet_csk_accept
  syscall: false
  return: true
  returnArg: {index: 0, type: sock}
  returnArgAction: TrackSock
  selectors: [{matchReturnArgs: [{index: 0, operator: DPort, values: ["9472"]}], matchActions: [{action: NoPost}]}]
- call: tcp_close
  syscall: false
  args: [{index: 0, type: sock}]
  selectors: [{matchArgs: [{index: 0, operator: DPort, values: ["9472"]}]}]
`,
		act:  handOver(true),
		want: []string{"tcp_close(" + tcp(false, serverPort, clientPort, "TCP_ESTABLISHED") + ")"},
	},
}
