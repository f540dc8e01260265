// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/api/tetragon"
)

// TestSockets checks addresses of system calls, and sockets and packets of tracepoints.
func TestSockets(t *testing.T) { sockets.run(t) }

// TestSocketFunctions checks sockets, packets and addresses of the kernel's functions.
func TestSocketFunctions(t *testing.T) { socketFunctions.run(t) }

// The ports that rows use.
const (
	serverPort = 9471
	clientPort = 9472
	closedPort = 9473
	privPort   = 947
	fatalPort  = 9474
)

// loopback is an address of this machine.
func loopback(v6 bool, port int) unix.Sockaddr {
	if v6 {
		return &unix.SockaddrInet6{Port: port, Addr: [16]byte{15: 1}}
	}
	return &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
}

// endpoint opens a socket that is bound to a port, 0 for none.
func (a *actor) endpoint(v6 bool, kind, port int) int {
	family := unix.AF_INET
	if v6 {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, kind, 0)
	a.must(err)
	a.must(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
	if port != 0 {
		a.must(unix.Bind(fd, loopback(v6, port)))
	}
	return fd
}

// connect makes a connection over the loopback device and closes it, the client first.
func (a *actor) connect(v6 bool, client int) {
	listener := a.endpoint(v6, unix.SOCK_STREAM, serverPort)
	a.must(unix.Listen(listener, 1))
	fd := a.endpoint(v6, unix.SOCK_STREAM, client)
	a.must(unix.Connect(fd, loopback(v6, serverPort)))
	accepted, _, err := unix.Accept(listener)
	a.must(err)
	_, err = unix.Write(fd, []byte("hello"))
	a.must(err)
	a.must(unix.Close(fd))
	a.must(unix.Close(accepted))
	a.must(unix.Close(listener))
}

// refused tries to connect to a port where nobody listens.
func (a *actor) refused(v6 bool) {
	fd := a.endpoint(v6, unix.SOCK_STREAM, 0)
	a.check(unix.Connect(fd, loopback(v6, closedPort)) == unix.ECONNREFUSED, "a connection to a closed port is not refused")
	a.must(unix.Close(fd))
}

// datagram sends a datagram without a connection.
func (a *actor) datagram(v6 bool) {
	receiver, fd := a.endpoint(v6, unix.SOCK_DGRAM, serverPort), a.endpoint(v6, unix.SOCK_DGRAM, clientPort)
	a.must(unix.Sendto(fd, []byte("datagram"), 0, loopback(v6, serverPort)))
	var b [16]byte
	_, _, err := unix.Recvfrom(receiver, b[:], 0)
	a.must(err)
	a.must(unix.Close(fd))
	a.must(unix.Close(receiver))
}

// unixAddress calls connect or bind with an address of the unix family, of which size bytes count, on a new socket.
func (a *actor) unixAddress(call uintptr, path string, size int) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	a.must(err)
	b := make([]byte, 128)
	for i := range b {
		b[i] = 'x' // what is behind the address does not belong to it
	}
	binary.NativeEndian.PutUint16(b, unix.AF_UNIX)
	copy(b[2:], path)
	a.call(call, uint64(fd), address(b), uint64(size))
	runtime.KeepAlive(b)
	a.must(unix.Close(fd))
}

// anyAddress is what a call sees of an address of each kind.
func anyAddress(a *actor) {
	a.refused(false)
	a.refused(true)
	a.unixAddress(unix.SYS_CONNECT, "/nonexistent\x00", 15)
}

func connectSpec(call, argType, selectors string) string {
	return fmt.Sprintf(`
kprobes:
- call: %s
  syscall: %t
  args: [{index: 1, type: %s, label: to}]
  selectors: [%s]
`, call, call[:4] == "sys_", argType, selectors)
}

var closed = map[bool]string{
	false: fmt.Sprintf("to: sockaddr AF_INET 127.0.0.1:%d", closedPort), true: fmt.Sprintf("to: sockaddr AF_INET6 [::1]:%d", closedPort),
}

// connectRows are filters on the address of a connect, by a system call or a function.
func connectRows(call string) []row {
	v4, v6, un := call+"("+closed[false]+")", call+"("+closed[true]+")", call+"(to: sockaddr AF_UNIX)"
	var rows []row
	for _, c := range []struct {
		filters string
		want    []string
	}{
		{`{}`, []string{v4, v6, un}},
		{`{matchArgs: [{index: 1, operator: DAddr, values: ["127.0.0.0/8"]}]}`, []string{v4}},
		{`{matchArgs: [{index: 1, operator: DAddr, values: ["::1", "10.0.0.0/8"]}]}`, []string{v6}},
		{`{matchArgs: [{index: 1, operator: SAddr, values: ["127.0.0.1", "::/0"]}]}`, []string{v4, v6}},
		{`{matchArgs: [{index: 1, operator: NotDAddr, values: ["127.0.0.1"]}]}`, []string{v6}},
		{`{matchArgs: [{index: 1, operator: DPort, values: ["9470:9480"]}, {index: 1, operator: Family, values: [AF_INET6]}]}`, []string{v6}},
		{`{matchArgs: [{index: 1, operator: NotDPort, values: ["80"]}]}`, []string{v4, v6}},
		{`{matchArgs: [{index: 1, operator: DPortPriv}]}, {matchArgs: [{index: 1, operator: Family, values: [AF_UNIX]}]}`, []string{un}},
	} {
		rows = append(rows, row{name: call + " " + c.filters, spec: connectSpec(call, "sockaddr", c.filters), act: anyAddress, want: c.want})
	}
	return rows
}

// unixRows are filters on paths, by a system call or a function.
func unixRows(call string) []row {
	return []row{
		{
			name: call + " abstract",
			spec: connectSpec(call, "sockaddr_un", `{matchArgs: [{index: 1, operator: Equal, values: ["@vedette"]}]}`),
			act: func(a *actor) {
				a.unixAddress(unix.SYS_CONNECT, "\x00vedette", 2+8)
				a.unixAddress(unix.SYS_CONNECT, "\x00vedette", 2+9)
				a.unixAddress(unix.SYS_CONNECT, "/vedette\x00", 2+9)
			},
			want: []string{call + "(to: sockaddr_un AF_UNIX @vedette)"},
		},
		{
			name: call + " paths",
			spec: connectSpec(call, "sockaddr_un", `{matchArgs: [{index: 1, operator: Prefix, values: [/nonexistent/]}]}`),
			act: func(a *actor) {
				a.unixAddress(unix.SYS_CONNECT, "/nonexistent/a\x00", 2+15)
				a.unixAddress(unix.SYS_CONNECT, "/nonexistent/b", 2+14)
				a.unixAddress(unix.SYS_CONNECT, "/none\x00", 2+6)
				a.refused(false)
			},
			want: []string{call + "(to: sockaddr_un AF_UNIX /nonexistent/a)", call + "(to: sockaddr_un AF_UNIX /nonexistent/b)"},
		},
		{
			name: call + " other paths",
			spec: connectSpec(call, "sockaddr_un", `{matchArgs: [{index: 1, operator: NotPostfix, values: [/a]}]}`),
			act: func(a *actor) {
				a.unixAddress(unix.SYS_CONNECT, "/nonexistent/a\x00", 2+15)
				a.unixAddress(unix.SYS_CONNECT, "/nonexistent/b\x00", 2+15)
				a.refused(false)
			},
			want: []string{call + "(to: sockaddr_un AF_UNIX /nonexistent/b)"},
		},
		{
			name: call + " families",
			spec: connectSpec(call, "sockaddr_un", `{matchArgs: [{index: 1, operator: Family, values: [AF_INET]}]}`),
			act:  anyAddress,
			want: []string{call + "(to: sockaddr_un AF_INET )"},
		},
	}
}

// setState is the spec of a tracepoint of every change of a socket's state, of which those of the client to SYN_SENT
// count: they happen within connect. The state is the one before.
func setState(filters, actions string) string {
	return fmt.Sprintf(`
tracepoints:
- subsystem: sock
  event: inet_sock_set_state
  raw: true
  args: [{index: 0, type: sock}, {index: 2, type: int}]
  selectors:
  - matchArgs: [{index: 2, operator: Equal, values: ["2"]}, {index: 0, operator: SPort, values: ["9472", "947"]}%s]
    matchActions: [%s]
`, filters, actions)
}

func connecting(v6 bool, port int) string {
	family, addr := "AF_INET", "127.0.0.1"
	if v6 {
		family, addr = "AF_INET6", "[::1]"
	}
	return fmt.Sprintf("sock/inet_sock_set_state(sock %s SOCK_STREAM IPPROTO_TCP %s:%d->%s:%d TCP_CLOSE, int 2)", family, addr, port, addr, serverPort)
}

// connectThrice connects over IPv4, IPv6, and from a privileged port.
func connectThrice(a *actor) {
	a.connect(false, clientPort)
	a.connect(true, clientPort)
	a.connect(false, privPort)
}

var stateRows = func() []row {
	v4, v6, priv := connecting(false, clientPort), connecting(true, clientPort), connecting(false, privPort)
	var rows []row
	for _, c := range []struct {
		filters string
		want    []string
	}{
		{``, []string{v4, v6, priv}},
		{`, {index: 0, operator: DAddr, values: ["127.0.0.1", "10.0.0.0/8"]}`, []string{v4, priv}},
		{`, {index: 0, operator: NotDAddr, values: ["127.0.0.0/8"]}`, []string{v6}},
		{`, {index: 0, operator: SPortPriv}`, []string{priv}},
		{`, {index: 0, operator: NotSPortPriv}, {index: 0, operator: Family, values: [AF_INET]}`, []string{v4}},
		{`, {index: 0, operator: DPort, values: ["9471"]}, {index: 0, operator: Protocol, values: [IPPROTO_TCP]}`, []string{v4, v6, priv}},
		{`, {index: 0, operator: State, values: [TCP_ESTABLISHED]}`, nil},
		{`, {index: 0, operator: State, values: [TCP_CLOSE]}, {index: 0, operator: SAddr, values: ["::1"]}`, []string{v6}},
	} {
		rows = append(rows, row{name: "sock " + c.filters, spec: setState(c.filters, ""), act: connectThrice, want: c.want})
	}
	return rows
}()

// queued is the spec of packets that are sent.
const queued = `
tracepoints:
- subsystem: net
  event: net_dev_queue
  raw: true
  args: [{index: 0, type: skb}]
  selectors:
  - matchPIDs: [{operator: In, values: [$PID]}]
    matchArgs: [%s]
`

func datagrams(a *actor) {
	a.datagram(false)
	a.datagram(true)
}

const (
	datagram4 = "net/net_dev_queue(skb AF_INET IPPROTO_UDP/17 127.0.0.1:9472->127.0.0.1:9471 50 bytes)"
	datagram6 = "net/net_dev_queue(skb AF_INET6 IPPROTO_UDP/17 [::1]:9472->[::1]:9471 70 bytes)"
)

var sockets = register(table{name: "sockets", rows: func() []row {
	rows := append(connectRows("sys_connect"), unixRows("sys_connect")...)
	rows = append(rows, stateRows...)
	for _, c := range []struct {
		filters string
		want    []string
	}{
		{`{index: 0, operator: Protocol, values: [IPPROTO_UDP]}`, []string{datagram4, datagram6}},
		{`{index: 0, operator: DAddr, values: ["127.0.0.0/8"]}, {index: 0, operator: DPort, values: ["9471"]}`, []string{datagram4}},
		{`{index: 0, operator: NotSAddr, values: ["127.0.0.0/8"]}, {index: 0, operator: Protocol, values: ["17"]}`, []string{datagram6}},
		{`{index: 0, operator: Family, values: [AF_INET6]}, {index: 0, operator: NotSPort, values: ["1:9471"]}`, []string{datagram6}},
		{`{index: 0, operator: DPortPriv}`, nil},
	} {
		rows = append(rows, row{name: "skb " + c.filters, spec: fmt.Sprintf(queued, c.filters), act: datagrams, want: c.want})
	}
	rows = append(append(rows, trackedRows...), fieldRow)
	return append(rows, row{
		name: "address of a datagram",
		spec: `
kprobes:
- call: sys_sendto
  args: [{index: 4, type: sockaddr}]
  selectors: [{matchArgs: [{index: 4, operator: DPort, values: ["9471"]}]}]
`,
		act:  datagrams,
		want: []string{"sys_sendto(sockaddr AF_INET 127.0.0.1:9471)", "sys_sendto(sockaddr AF_INET6 [::1]:9471)"},
	}, row{
		name: "killed before the connection",
		spec: connectSpec("sys_connect", "sockaddr",
			`{matchArgs: [{index: 1, operator: DAddr, values: ["::1"]}, {index: 1, operator: DPort, values: ["9474"]}], matchActions: [{action: Sigkill}]}`),
		act: func(a *actor) {
			fd := a.endpoint(true, unix.SOCK_STREAM, 0)
			a.must(unix.Connect(fd, loopback(true, fatalPort)))
		},
		want:   []string{"SIGKILL sys_connect(to: sockaddr AF_INET6 [::1]:9474)"},
		signal: unix.SIGKILL,
	})
}()})

func sockText(s *tetragon.KprobeSock) string {
	text := fmt.Sprintf("sock %s %s %s", s.Family, s.Type, s.Protocol)
	if s.Saddr != "" {
		text += " " + joined(s.Saddr, s.Sport) + "->" + joined(s.Daddr, s.Dport)
	}
	if s.Cookie == 0 {
		text += " without cookie"
	}
	return text + " " + s.State
}

func skbText(s *tetragon.KprobeSkb) string {
	return fmt.Sprintf("skb %s %s/%d %s->%s %d bytes", s.Family, s.Protocol, s.Proto, joined(s.Saddr, s.Sport), joined(s.Daddr, s.Dport), s.Len)
}

func sockaddrText(s *tetragon.KprobeSockaddr) string {
	text := "sockaddr " + s.Family
	if s.Addr != "" {
		text += " " + joined(s.Addr, s.Port)
	}
	return text
}

func joined(addr string, port uint32) string { return net.JoinHostPort(addr, strconv.Itoa(int(port))) }

var socketFunctions = register(table{name: "socket-functions", needs: hookableFunctions, rows: func() []row {
	rows := append(connectRows("security_socket_connect"), unixRows("security_socket_connect")...)
	return append(rows, functionRows...)
}()})

// fieldRow has a socket in a field of a tracepoint's format.
var fieldRow = row{
	name: "sock in a field",
	spec: `
tracepoints:
- subsystem: sock
  event: inet_sock_set_state
  args: [{index: 4, type: sock}, {index: 6}]
  selectors: [{matchArgs: [{index: 6, operator: Equal, values: ["2"]}, {index: 4, operator: DAddr, values: ["::1"]}, {index: 4, operator: SPort, values: ["9472"]}]}]
`,
	act:  connectThrice,
	want: []string{connecting(true, clientPort)},
}

// ends tells of the ends of the clients' connections: changes to FIN_WAIT1.
const ends = `
- subsystem: sock
  event: inet_sock_set_state
  raw: true
  args: [{index: 0, type: sock}, {index: 2, type: int}]
  selectors: [{matchArgs: [{index: 2, operator: Equal, values: ["4"]}, {index: 0, operator: SPort, values: ["9472"]}]}]
`

// begins makes processes the owners of the sockets that they connect.
const begins = `
tracepoints:
- subsystem: sock
  event: inet_sock_set_state
  raw: true
  args: [{index: 0, type: sock}, {index: 2, type: int}]
  selectors: [{matchArgs: [{index: 2, operator: Equal, values: ["2"]}], matchActions: [{action: TrackSock, argSock: 0}, {action: NoPost}]}]
`

// forgets makes them cease to be when they send something: changes to ESTABLISHED.
const forgets = `
- subsystem: sock
  event: inet_sock_set_state
  raw: true
  args: [{index: 0, type: sock}, {index: 2, type: int}]
  selectors: [{matchArgs: [{index: 2, operator: Equal, values: ["1"]}], matchActions: [{action: UntrackSock, argSock: 0}, {action: NoPost}]}]
`

var ended = "sock/inet_sock_set_state(" + tcp(false, clientPort, serverPort, "TCP_ESTABLISHED") + ", int 4)"

var trackedRows = []row{
	{name: "end in another process", spec: "tracepoints:" + ends, act: handOver(false), want: []string{"child: " + ended}},
	{name: "tracked", spec: begins + ends, act: handOver(false), want: []string{ended}},
	{name: "no longer tracked", spec: begins + forgets + ends, act: handOver(false), want: []string{"child: " + ended}},
}
