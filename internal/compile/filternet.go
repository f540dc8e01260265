// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"strings"

	"github.com/vedette-io/vedette/internal/policy"
)

// MaxUnixPath is the longest path of an address of the unix family, in bytes.
const MaxUnixPath = 108

// The values within what is known of a socket, a packet or an address
// (struct vd_net of bpf/vedette.h).
var (
	FieldSource      = Field{Offset: 0, Width: 16}
	FieldDestination = Field{Offset: 16, Width: 16}
	FieldFamily      = Field{Offset: 84, Width: 2}
	FieldProtocol    = Field{Offset: 86, Width: 2}
	FieldSourcePort  = Field{Offset: 88, Width: 2, Port: true}
	FieldDestPort    = Field{Offset: 90, Width: 2, Port: true}
	FieldState       = Field{Offset: 94, Width: 1}
)

// netOperator says what an operator on a socket and the like looks at.
type netOperator struct {
	field   Field
	parse   func(value string) (span, error) // nil for addresses
	fixed   ranges                           // the keys of an operator without values
	negated bool
}

// privileged are the ports that only privileged processes bind.
var privileged = ranges{{0, 1023}}

// netOperators are the operators on sockets, packets and addresses.
var netOperators = map[policy.Operator]netOperator{
	policy.OpSAddr:        {field: FieldSource},
	policy.OpNotSAddr:     {field: FieldSource, negated: true},
	policy.OpDAddr:        {field: FieldDestination},
	policy.OpNotDAddr:     {field: FieldDestination, negated: true},
	policy.OpSPort:        {field: FieldSourcePort, parse: parsePorts},
	policy.OpNotSPort:     {field: FieldSourcePort, parse: parsePorts, negated: true},
	policy.OpDPort:        {field: FieldDestPort, parse: parsePorts},
	policy.OpNotDPort:     {field: FieldDestPort, parse: parsePorts, negated: true},
	policy.OpSPortPriv:    {field: FieldSourcePort, fixed: privileged},
	policy.OpNotSPortPriv: {field: FieldSourcePort, fixed: privileged, negated: true},
	policy.OpDPortPriv:    {field: FieldDestPort, fixed: privileged},
	policy.OpNotDPortPriv: {field: FieldDestPort, fixed: privileged, negated: true},
	policy.OpProtocol:     {field: FieldProtocol, parse: single(policy.ParseProtocol)},
	policy.OpFamily:       {field: FieldFamily, parse: single(policy.ParseFamily)},
	policy.OpState:        {field: FieldState, parse: single(policy.ParseSocketState)},
}

func parsePorts(value string) (span, error) {
	low, high, err := policy.ParsePortRange(value)
	return span{uint64(low), uint64(high)}, err
}

// single makes a parser of spans of one that parses a number.
func single(parse func(string) (uint16, error)) func(string) (span, error) {
	return func(value string) (span, error) {
		n, err := parse(value)
		return span{uint64(n), uint64(n)}, err
	}
}

// isNet reports whether the content of the type's values is a struct vd_net.
func (t SlotType) isNet() bool { return t >= TypeSock && t <= TypeSockaddr }

// isSock reports whether the type is a socket, which can be tracked.
func (t SlotType) isSock() bool { return t == TypeSock || t == TypeSocket }

// inNet returns the field of a value of the type: an address alone is the
// destination of a connect as well as the source of a bind.
func (t SlotType) inNet(f Field) Field {
	switch {
	case t == TypeSockaddr && f == FieldDestination:
		return FieldSource
	case t == TypeSockaddr && f == FieldDestPort:
		return FieldSourcePort
	}
	return f
}

// netFilter understands a filter on a socket, a packet or an address. The
// condition comes with where the value is.
func (f *frontend) netFilter(c condition, t SlotType, a *policy.ArgFilter, path string) []condition {
	if err := policy.CheckOperator(a.Operator, netTypes[t]); err != nil {
		f.errorf(path+".operator", "%v", err)
		return nil
	}
	how, ok := netOperators[a.Operator]
	if !ok {
		f.wrongOperator(a.Operator, netTypes[t], path)
		return nil
	}
	c.source, c.field, c.negated = SourceField, t.inNet(how.field), how.negated
	if t == TypeSockaddrUn {
		c.source, c.field = SourceArg, Field{} // its family is its number
	}
	if c.field.Width == FieldSource.Width {
		c.kind = DimAddress
		f.addresses(&c, a.Values, path+".values")
		return []condition{c}
	}
	c.kind = DimInterval
	spans := []span(how.fixed)
	for i, v := range a.Values {
		if how.parse == nil {
			break // the operator takes no values
		}
		s, err := how.parse(v)
		if err != nil {
			f.errorf(policy.ItemPath(path+".values", i), "%v", err)
			continue
		}
		spans = append(spans, s)
	}
	c.keys = keysOf(spans, how.negated)
	return []condition{c}
}

// netTypes are the names of the types in policies.
var netTypes = map[SlotType]policy.ArgType{
	TypeSock: policy.TypeSock, TypeSocket: policy.TypeSocket, TypeSkb: policy.TypeSkb,
	TypeSockaddr: policy.TypeSockaddr, TypeSockaddrUn: policy.TypeSockaddrUn,
}

// addresses enters networks into a condition: those of IPv4 are keys, those of
// IPv6 literals.
func (f *frontend) addresses(c *condition, values []string, path string) {
	var spans []span
	for i, v := range values {
		p, err := policy.ParseAddress(v)
		if err != nil {
			f.errorf(policy.ItemPath(path, i), "%v", err)
			continue
		}
		p = unmapped(p)
		if p.Addr().Is4() {
			low := uint64(key4(p.Addr()))
			spans = append(spans, span{low, low | math.MaxUint32>>p.Bits()})
		} else {
			c.literals = append(c.literals, addressLiteral(p))
		}
	}
	c.keys = keysOf(spans, c.negated)
}

// mappedBits is how long the prefix is below which addresses of IPv4 are
// mapped in IPv6.
const mappedBits = 96

// unmapped returns the network of IPv4 for one that is mapped in IPv6.
func unmapped(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= mappedBits {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mappedBits)
	}
	return p
}

// key4 is an address of IPv4 as a number.
func key4(addr netip.Addr) uint32 {
	b := addr.As4()
	return binary.BigEndian.Uint32(b[:])
}

// addressLiteral writes the bits of a network of IPv6, so that a network within
// another begins with it.
func addressLiteral(p netip.Prefix) string {
	var b strings.Builder
	for _, octet := range p.Addr().AsSlice()[:(p.Bits()+7)/8] {
		fmt.Fprintf(&b, "%08b", octet)
	}
	return b.String()[:p.Bits()]
}

// literalNetwork is the reverse: the bytes and how many of their bits count.
func literalNetwork(literal string) (data []byte, bits uint16) {
	data = make([]byte, (len(literal)+7)/8)
	for i, d := range literal {
		if d == '1' {
			data[i/8] |= 0x80 >> (i % 8)
		}
	}
	return data, uint16(len(literal))
}

// hasField reports whether a value has the field.
func (v *Value) hasField(f Field) bool {
	switch {
	case v.Failed || int(f.Offset)+int(f.Width) > len(v.Content):
		return false
	case f.Port:
		return !v.NoPort
	case f.Width == FieldSource.Width:
		return !v.NoAddress
	}
	return true
}

// field returns a number in the content of a value, and false where it has
// none.
func (v *Value) field(f Field) (uint64, bool) {
	if !v.hasField(f) {
		return 0, false
	}
	n := uint64(0)
	for i := range f.Width {
		n |= uint64(v.Content[int(f.Offset)+int(i)]) << (8 * i)
	}
	return n, true
}

// lookupAddress returns the vector of the longest network that has the
// address of a value.
func (h *Hook) lookupAddress(d *Dim, v *Value) uint32 {
	if !v.hasField(d.Field) {
		return d.None
	}
	addr := netip.AddrFrom16([16]byte(v.Content[d.Field.Offset:]))
	if addr.Is4In6() {
		return h.lookupInterval(d, uint64(key4(addr.Unmap())))
	}
	for n := addr.BitLen(); ; n-- {
		data, bits := literalNetwork(addressLiteral(netip.PrefixFrom(addr, n).Masked()))
		if e := exactly(h.Strings, &StringEntry{State: d.State, Data: data, Bits: bits}); e != nil {
			return e.Vector
		}
	}
}
