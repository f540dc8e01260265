// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"net/netip"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
)

// content returns a structure of the contract as the content of a value.
func content(n bpf.Net) []byte {
	return append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&n)), unsafe.Sizeof(n))...)
}

func as16(text string) [16]uint8 { return netip.MustParseAddr(text).As16() }

// webSocket is a connection to 192.0.2.1, port 443.
func webSocket() bpf.Net {
	return bpf.Net{
		Saddr: as16("10.0.0.5"), Daddr: as16("192.0.2.1"), Sport: 40000, Dport: 443, Address: 0xffff888000001000,
		Family: 2, Protocol: 6, Type: 1, State: 2, Mark: 7, Priority: 8,
	}
}

// mapped is the same of a socket for both families.
func mapped() bpf.Net {
	n := webSocket()
	n.Family = 10
	return n
}

func TestNetArgs(t *testing.T) {
	without := record.StatusNoAddress | record.StatusNoPort
	for name, test := range map[string]struct {
		value record.Value
		want  event.Arg
	}{
		"sock": {record.Value{Type: record.ValueSock, Content: content(webSocket())}, event.Arg{Kind: event.ArgSock, Detail: &event.Sock{
			Family: "AF_INET", Type: "SOCK_STREAM", Protocol: "IPPROTO_TCP", State: "TCP_SYN_SENT", Mark: 7, Priority: 8,
			Source: netip.MustParseAddr("10.0.0.5"), Destination: netip.MustParseAddr("192.0.2.1"), SourcePort: 40000, DestinationPort: 443,
		}}},
		"mapped": {record.Value{Type: record.ValueSocket, Content: content(mapped())}, event.Arg{Kind: event.ArgSock, Detail: &event.Sock{
			Family: "AF_INET6", Type: "SOCK_STREAM", Protocol: "IPPROTO_TCP", State: "TCP_SYN_SENT", Mark: 7, Priority: 8,
			Source: netip.MustParseAddr("::ffff:10.0.0.5"), Destination: netip.MustParseAddr("::ffff:192.0.2.1"), SourcePort: 40000, DestinationPort: 443,
		}}},
		"unknown numbers": {
			record.Value{Type: record.ValueSock, Status: without, Content: content(bpf.Net{Family: 99, Protocol: 254, Type: 9, State: 200})},
			event.Arg{Kind: event.ArgSock, Detail: &event.Sock{Family: "99", Protocol: "254", Type: "9", State: "200"}},
		},
		"packet": {record.Value{Type: record.ValueSkb, Content: content(bpf.Net{
			Saddr: as16("fd00::1"), Daddr: as16("fd00::2"), Sport: 53, Dport: 1024, Family: 10, Protocol: 17, Len: 90, Hash: 1, Mark: 2, Priority: 3,
			SecPathLen: 4, SecPathOlen: 5,
		})}, event.Arg{Kind: event.ArgSkb, Detail: &event.Skb{
			Family: "AF_INET6", Protocol: "IPPROTO_UDP", Proto: 17, Len: 90, Hash: 1, Mark: 2, Priority: 3, SecPathLen: 4, SecPathOlen: 5,
			Source: netip.MustParseAddr("fd00::1"), Destination: netip.MustParseAddr("fd00::2"), SourcePort: 53, DestinationPort: 1024,
		}}},
		"packet of another kind": {record.Value{Type: record.ValueSkb, Status: without, Content: content(bpf.Net{Len: 42})},
			event.Arg{Kind: event.ArgSkb, Detail: &event.Skb{Len: 42}}},
		"address": {record.Value{Type: record.ValueSockaddr, Content: content(bpf.Net{Saddr: as16("::1"), Sport: 80, Family: 10})},
			event.Arg{Kind: event.ArgSockaddr, Detail: &event.Sockaddr{Family: "AF_INET6", Addr: netip.MustParseAddr("::1"), Port: 80}}},
		"path": {record.Value{Type: record.ValueSockaddrUn, Num: 1, Content: []byte("@x")},
			event.Arg{Kind: event.ArgSockaddrUn, Text: "AF_UNIX", Bytes: []byte("@x")}},
		"bad pointer": {record.Value{Type: record.ValueSock, Status: record.StatusFailed}, errorArg(badAddress)},
		"short":       {record.Value{Type: record.ValueSkb, Content: make([]byte, 8)}, errorArg(badAddress)},
	} {
		t.Run(name, func(t *testing.T) {
			var detail netDetail
			got := newRig(t, nil).argument(&test.value, &detail)
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(event.Sock{}, "Cookie"), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCookie(t *testing.T) {
	r := newRig(t, nil)
	a, b := cookie(0xffff888000001000, r.cookies), cookie(0xffff888000002000, r.cookies)
	if a == b || a == 0 || a == 0xffff888000001000 || a != cookie(0xffff888000001000, r.cookies) {
		t.Errorf("cookies %#x and %#x", a, b)
	}
	if got := cookie(0, r.cookies); got != 0 {
		t.Errorf("cookie %#x of no socket", got)
	}
}

// TestOwner checks that events of policies that track sockets report the owner, and others do not.
func TestOwner(t *testing.T) {
	r := newRig(t, nil)
	r.Handle(r.exec(pid(1, 1), pid(1000, 100), "owner"))
	r.Handle(r.exec(pid(1, 1), pid(2000, 200), "other"))
	r.take()
	r.mustPlan(t, HookPlan{
		Hook: 1, Generation: 1, Kind: event.KindKprobe,
		Groups: []GroupPlan{
			{PolicyName: "tracks", FunctionName: "tcp_close", Args: []SlotRef{{Slot: 0}}, TrackBit: 5},
			{PolicyName: "other", FunctionName: "tcp_close", Args: []SlotRef{{Slot: 0}}, TrackBit: -1},
			{PolicyName: "tracks others", FunctionName: "tcp_close", Args: []SlotRef{{Slot: 0}}, TrackBit: 4},
		},
		Rules: []RulePlan{{Bit: 0, Group: 0}, {Bit: 1, Group: 1}, {Bit: 2, Group: 2}},
	})
	n := webSocket()
	n.OwnerPid, n.OwnerStart, n.Trackers = 100, 1000, 1<<5
	at := bpf.HookRecord{Process: pid(2000, 200), Tid: 200}
	r.Handle(r.hook(at, []uint64{7}, record.Value{Type: record.ValueSock, Content: content(n)}))
	for i, e := range r.take() {
		if want := []uint32{100, 200, 200}[i]; e.Process.PID != want {
			t.Errorf("event of policy %s reports process %d, want %d", e.Hook.PolicyName, e.Process.PID, want)
		}
	}
}
