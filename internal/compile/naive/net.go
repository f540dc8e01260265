// SPDX-License-Identifier: Apache-2.0

package naive

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/vedette-io/vedette/internal/policy"
)

// Net is a socket, a packet or an address.
type Net struct {
	Family, Protocol, State uint16
	// Source and Destination are not valid where the family has no IP
	// addresses. An address alone is Source.
	Source, Destination netip.Addr
	HasPorts            bool
	SPort, DPort        uint16
}

// numbersOf are the names of numbers that policies of tests use.
var numbersOf = map[string]uint16{
	"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "IPPROTO_TCP": 6, "IPPROTO_UDP": 17, "IPPROTO_ICMP": 1,
	"TCP_ESTABLISHED": 1, "TCP_SYN_SENT": 2, "TCP_LISTEN": 10,
}

// network evaluates a filter on a socket, a packet or an address.
func network(t policy.ArgType, n *Net, f *policy.ArgFilter) bool {
	source, sport := n.Source, n.SPort
	destination, dport := n.Destination, n.DPort
	if t == policy.TypeSockaddr {
		destination, dport = source, sport
	}
	op := positive(f.Operator)
	negated := op != f.Operator
	switch op {
	case policy.OpSAddr:
		return source.IsValid() && within(source, f.Values) != negated
	case policy.OpDAddr:
		return destination.IsValid() && within(destination, f.Values) != negated
	case policy.OpSPort:
		return n.HasPorts && among(sport, f.Values) != negated
	case policy.OpDPort:
		return n.HasPorts && among(dport, f.Values) != negated
	case policy.OpSPortPriv, "SportPriv":
		return n.HasPorts && (sport < 1024) != negated
	case policy.OpDPortPriv:
		return n.HasPorts && (dport < 1024) != negated
	case policy.OpProtocol:
		return among(n.Protocol, f.Values)
	case policy.OpFamily:
		return among(n.Family, f.Values)
	case policy.OpState:
		return among(n.State, f.Values)
	}
	panic("naive: no operator on sockets: " + string(op))
}

// within reports whether an address is in one of the networks.
func within(addr netip.Addr, networks []string) bool {
	found := false
	for _, v := range networks {
		if !strings.Contains(v, "/") {
			found = found || netip.MustParseAddr(v).Unmap() == addr.Unmap()
			continue
		}
		p := netip.MustParsePrefix(v)
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		found = found || p.Contains(addr.Unmap())
	}
	return found
}

// among reports whether a number is one of the values, which may be ranges or
// names.
func among(n uint16, values []string) bool {
	found := false
	for _, v := range values {
		low, high, isRange := strings.Cut(v, ":")
		first := numberOf(low)
		last := first
		if isRange {
			last = numberOf(high)
		}
		found = found || n >= first && n <= last
	}
	return found
}

func numberOf(text string) uint16 {
	if n, ok := numbersOf[text]; ok {
		return n
	}
	n, err := strconv.ParseUint(text, 0, 16)
	if err != nil {
		panic(err)
	}
	return uint16(n)
}
