// SPDX-License-Identifier: Apache-2.0

package corpus

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/compile/naive"
	"github.com/vedette-io/vedette/internal/policy"
)

// The families of the corpus (include/linux/socket.h).
const (
	familyUnix  = 1
	familyInet  = 2
	familyInet6 = 10
)

// addresses are those that most events are about.
var addresses = []string{
	"10.0.0.1", "10.0.0.2", "10.1.0.1", "192.168.255.255", "0.0.0.0", "255.255.255.255", "127.0.0.1",
	"::", "::1", "fe80::1", "2001:db8::1", "2001:db8::2", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:10.0.0.1", "::fffe:10.0.0.1",
}

// netOperators are the operators on a type.
func netOperators(t policy.ArgType) []policy.Operator {
	if t == policy.TypeSockaddrUn {
		return []policy.Operator{policy.OpFamily}
	}
	all := []policy.Operator{
		policy.OpSAddr, policy.OpNotSAddr, policy.OpDAddr, policy.OpNotDAddr, policy.OpSPort, policy.OpNotSPort,
		policy.OpDPort, policy.OpNotDPort, policy.OpSPortPriv, policy.OpNotSPortPriv, policy.OpDPortPriv, policy.OpNotDPortPriv,
		policy.OpFamily,
	}
	if t != policy.TypeSockaddr {
		all = append(all, policy.OpProtocol)
	}
	if t == policy.TypeSock || t == policy.TypeSocket {
		all = append(all, policy.OpState)
	}
	return all
}

// isNet reports whether the values of a type are sockets and the like.
func isNet(t policy.ArgType) bool {
	switch t {
	case policy.TypeSock, policy.TypeSocket, policy.TypeSkb, policy.TypeSockaddr:
		return true
	}
	return false
}

func (g *generator) netFilter(f *policy.ArgFilter, t policy.ArgType) {
	f.Operator = pick(g, netOperators(t))
	var value func() string
	switch f.Operator {
	case policy.OpSAddr, policy.OpNotSAddr, policy.OpDAddr, policy.OpNotDAddr:
		value = g.network
	case policy.OpSPort, policy.OpNotSPort, policy.OpDPort, policy.OpNotDPort:
		value = g.ports
	case policy.OpFamily:
		value = func() string { return pick(g, []string{"AF_INET", "AF_INET6", "AF_UNIX", "17"}) }
	case policy.OpProtocol:
		value = func() string { return pick(g, []string{"IPPROTO_TCP", "IPPROTO_UDP", "1"}) }
	case policy.OpState:
		value = func() string { return pick(g, []string{"TCP_ESTABLISHED", "TCP_SYN_SENT", "10"}) }
	default:
		return
	}
	f.Values = some(g, 1, 4, value)
}

// network makes a network around one of the addresses, or a single address.
func (g *generator) network() string {
	addr := netip.MustParseAddr(pick(g, addresses))
	if g.chance(40) {
		return addr.String()
	}
	n := g.IntN(addr.BitLen() + 1)
	if g.chance(50) {
		n = addr.BitLen() - g.IntN(12)
	}
	return fmt.Sprintf("%s/%d", addr, n)
}

func (g *generator) port() uint16 {
	return pick(g, []uint16{0, 1, 22, 80, 443, 1023, 1024, 8080, 65535})
}

func (g *generator) ports() string {
	a, b := g.port(), g.port()
	if g.chance(60) {
		return strconv.Itoa(int(a))
	}
	return fmt.Sprintf("%d:%d", min(a, b), max(a, b))
}

// net makes a socket, a packet or an address.
func (g *generator) net() *naive.Net {
	n := &naive.Net{
		Family: pick(g, []uint16{familyUnix, familyInet, familyInet, familyInet6, familyInet6, 17}),
		State:  pick(g, []uint16{1, 2, 10}), Protocol: pick(g, []uint16{6, 17, 1}),
	}
	if n.Family != familyInet && n.Family != familyInet6 {
		return n
	}
	n.Source, n.Destination = g.address(n.Family), g.address(n.Family)
	n.HasPorts = true
	n.SPort, n.DPort = g.port(), g.port()
	return n
}

func (g *generator) address(family uint16) netip.Addr {
	for {
		addr := netip.MustParseAddr(pick(g, addresses))
		if g.chance(30) {
			addr = addr.Next()
		}
		if addr.IsValid() && addr.Is4() == (family == familyInet) {
			return addr
		}
	}
}

// unixPath makes the path of an address of the unix family, which has one.
func (g *generator) unixPath() string {
	path := pick(g, []string{"/", "@", "a"}) + g.text()
	return path[:min(len(path), compile.MaxUnixPath)]
}

// netValue returns a socket, a packet or an address as the program of a
// compiled hook sees it.
func netValue(v *compile.Value, n *naive.Net) {
	v.Content = make([]byte, netSize)
	put := func(f compile.Field, number uint16) {
		if f.Width == 1 {
			v.Content[f.Offset] = byte(number)
		} else {
			binary.LittleEndian.PutUint16(v.Content[f.Offset:], number)
		}
	}
	put(compile.FieldFamily, n.Family)
	put(compile.FieldProtocol, n.Protocol)
	put(compile.FieldState, n.State)
	v.NoAddress, v.NoPort = !n.Source.IsValid(), !n.HasPorts
	put(compile.FieldSourcePort, n.SPort)
	put(compile.FieldDestPort, n.DPort)
	for f, addr := range map[compile.Field]netip.Addr{compile.FieldSource: n.Source, compile.FieldDestination: n.Destination} {
		if addr.IsValid() {
			b := addr.As16()
			copy(v.Content[f.Offset:], b[:])
		}
	}
}

// netSize is the size of struct vd_net of bpf/vedette.h in bytes.
const netSize = 96

// Sockaddr returns an address as a struct sockaddr of a process.
func Sockaddr(n *naive.Net) []byte {
	b := make([]byte, 32)
	binary.NativeEndian.PutUint16(b, n.Family)
	binary.BigEndian.PutUint16(b[2:], n.SPort)
	switch {
	case n.Family == familyInet:
		copy(b[4:], n.Source.AsSlice())
	case n.Family == familyInet6:
		copy(b[8:], n.Source.AsSlice())
	}
	return b
}

// SockaddrUn returns a path as a struct sockaddr_un of a process.
func SockaddrUn(n *naive.Net, path string) []byte {
	b := make([]byte, 2+compile.MaxUnixPath+8)
	binary.NativeEndian.PutUint16(b, n.Family)
	copy(b[2:], path)
	if path != "" && path[0] == '@' {
		b[2] = 0
	}
	return b
}
