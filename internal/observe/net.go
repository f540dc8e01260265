// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/process"
	"github.com/vedette-io/vedette/internal/record"
)

// netDetail holds what an event tells of a socket, a packet or an address, made to be reused.
type netDetail struct {
	sock event.Sock
	skb  event.Skb
	addr event.Sockaddr
}

// arg returns the argument that events show of a value whose content is a [bpf.Net].
func (d *netDetail) arg(v *record.Value, seed maphash.Seed) event.Arg {
	var n bpf.Net
	if v.Status&record.StatusFailed != 0 || !v.Net(&n) {
		return errorArg(badAddress)
	}
	has := v.Status&record.StatusNoAddress == 0
	switch v.Type {
	case record.ValueSkb:
		d.skb = event.Skb{
			Hash: n.Hash, Len: n.Len, Priority: n.Priority, Mark: n.Mark,
			Source: address(n.Saddr, n.Family, has), Destination: address(n.Daddr, n.Family, has),
			SourcePort: n.Sport, DestinationPort: n.Dport, SecPathLen: n.SecPathLen, SecPathOlen: n.SecPathOlen,
		}
		if has {
			d.skb.Proto, d.skb.Protocol, d.skb.Family = uint32(n.Protocol), protocolName(n.Protocol), familyName(n.Family)
		}
		return event.Arg{Kind: event.ArgSkb, Detail: &d.skb}
	case record.ValueSockaddr:
		d.addr = event.Sockaddr{Family: familyName(n.Family), Addr: address(n.Saddr, n.Family, has), Port: n.Sport}
		return event.Arg{Kind: event.ArgSockaddr, Detail: &d.addr}
	}
	d.sock = event.Sock{
		Family: familyName(n.Family), Type: socketTypeName(n.Type), Protocol: protocolName(n.Protocol), State: stateName(n.State),
		Mark: n.Mark, Priority: n.Priority,
		Source: address(n.Saddr, n.Family, has), Destination: address(n.Daddr, n.Family, has),
		SourcePort: n.Sport, DestinationPort: n.Dport, Cookie: cookie(n.Address, seed),
	}
	return event.Arg{Kind: event.ArgSock, Detail: &d.sock}
}

// cookie tells sockets apart without telling where the kernel has them.
func cookie(address uint64, seed maphash.Seed) uint64 {
	if address == 0 {
		return 0
	}
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], address)
	return maphash.Bytes(seed, b[:])
}

// address returns an address in the form of its family; not valid where there is none.
func address(a [16]uint8, family uint16, has bool) netip.Addr {
	switch {
	case !has:
		return netip.Addr{}
	case family == familyInet:
		return netip.AddrFrom16(a).Unmap()
	}
	return netip.AddrFrom16(a)
}

// isNet reports whether the content of values of the type is a [bpf.Net].
func isNet(t record.ValueType) bool { return t >= record.ValueSock && t <= record.ValueSockaddr }

// sockaddrUnArg returns the argument for an address of the unix family, of which num is the family.
func sockaddrUnArg(v *record.Value) event.Arg {
	return event.Arg{Kind: event.ArgSockaddrUn, Bytes: v.Content, Text: familyName(uint16(v.Num))}
}

// owner returns the process that has the first tracked socket among a group's arguments and its
// return value.
func (c *call) owner(g *GroupPlan) (process.ID, bool) {
	for _, ref := range g.Args {
		if c.have>>ref.Slot&1 == 0 {
			continue
		}
		if id, ok := ownerOf(&c.slots[ref.Slot], g.TrackBit); ok {
			return id, true
		}
	}
	if !g.HasReturn || !c.returned {
		return process.ID{}, false
	}
	return ownerOf(&c.ret, g.TrackBit)
}

// ownerOf returns the owner of a socket that the policy with a number tracks.
func ownerOf(v *record.Value, trackBit int) (process.ID, bool) {
	var n bpf.Net
	if v.Type != record.ValueSock && v.Type != record.ValueSocket || !v.Net(&n) || n.Trackers>>trackBit&1 == 0 {
		return process.ID{}, false
	}
	return process.IDOf(bpf.ProcessID{Start: n.OwnerStart, Pid: n.OwnerPid}), true
}

// addOwner fills in the process of an event: the owner of a tracked socket where the policy tracks
// sockets, else the process that was running.
func (o *Observer) addOwner(g *GroupPlan) {
	c := &o.call
	if g.TrackBit >= 0 {
		if id, ok := c.owner(g); ok && id != c.id {
			o.addProcess(o.opts.Tree.Lookup(id), id, id.PID, c.plan.ancestors)
			return
		}
	}
	o.addProcess(c.process, c.id, c.tid, c.plan.ancestors)
}
