// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

// conn is a socket, a packet or an address of a test.
type conn struct {
	family              uint16
	source, destination string
	sport, dport        uint16
	protocol            uint16
	state               uint8
	withoutPorts        bool
}

var (
	web      = conn{family: 2, source: "10.0.0.5", destination: "192.0.2.1", sport: 40000, dport: 443, protocol: 6, state: 2}
	web6     = conn{family: 10, source: "fd00::5", destination: "2001:db8::1", sport: 40000, dport: 443, protocol: 6, state: 1}
	mapped   = conn{family: 10, source: "::ffff:10.0.0.5", destination: "::ffff:192.0.2.1", sport: 40001, dport: 80, protocol: 6}
	dns      = conn{family: 2, source: "10.0.0.5", destination: "10.9.9.9", sport: 1023, dport: 53, protocol: 17}
	unix     = conn{family: 1, protocol: 0, state: 1}
	fragment = conn{family: 2, source: "10.0.0.5", destination: "192.0.2.1", protocol: 17, withoutPorts: true}
)

func (c conn) value() compile.Value {
	content := make([]byte, 96)
	for field, n := range map[compile.Field]uint16{
		compile.FieldFamily: c.family, compile.FieldProtocol: c.protocol,
		compile.FieldSourcePort: c.sport, compile.FieldDestPort: c.dport,
	} {
		binary.LittleEndian.PutUint16(content[field.Offset:], n)
	}
	content[compile.FieldState.Offset] = c.state
	for field, addr := range map[compile.Field]string{compile.FieldSource: c.source, compile.FieldDestination: c.destination} {
		if addr != "" {
			b := netip.MustParseAddr(addr).As16()
			copy(content[field.Offset:], b[:])
		}
	}
	return compile.Value{Content: content, NoAddress: c.source == "", NoPort: c.source == "" || c.withoutPorts}
}

// connectPolicy returns a policy on tcp_connect with a filter on its argument.
func connectPolicy(tb testing.TB, name, typ, filter string) *policy.Policy {
	tb.Helper()
	return mustParse(tb, spec(name, "  kprobes:\n  - call: tcp_connect\n    syscall: false\n    args: [{index: 0, type: "+typ+"}]\n"+
		"    selectors: [{matchArgs: [{index: 0, operator: "+filter+"}]}]\n"))
}

// TestNetOperators checks every operator on sockets, packets and addresses.
func TestNetOperators(t *testing.T) {
	for _, test := range []struct {
		typ, filter string
		yes, no     []conn
	}{
		{"sock", `SAddr, values: ["10.0.0.5"]`, []conn{web, mapped, dns, fragment}, []conn{web6, unix}},
		{"sock", `SAddr, values: ["10.0.0.0/29", "fd00::/8"]`, []conn{web, web6, mapped, dns}, []conn{unix}},
		{"sock", `NotSAddr, values: ["10.0.0.0/29"]`, []conn{web6}, []conn{web, mapped, dns, unix}},
		{"sock", `NotSAddr, values: ["fd00::/8"]`, []conn{web, mapped, dns}, []conn{web6, unix}},
		{"sock", `DAddr, values: ["192.0.2.1", "2001:db8::1"]`, []conn{web, web6, mapped}, []conn{dns, unix}},
		{"socket", `DAddr, values: ["0.0.0.0/0"]`, []conn{web, mapped, dns}, []conn{web6, unix}},
		{"socket", `DAddr, values: ["::/0"]`, []conn{web6}, []conn{web, mapped, dns, unix}},
		{"socket", `DAddr, values: ["::ffff:192.0.2.0/120"]`, []conn{web, mapped}, []conn{web6, dns, unix}},
		{"socket", `NotDAddr, values: ["10.0.0.0/8", "192.0.2.1"]`, []conn{web6}, []conn{web, mapped, dns, unix}},
		{"skb", `DAddr, values: ["192.0.2.0/31"]`, []conn{web, fragment, mapped}, []conn{dns}},
		{"sock", `SPort, values: ["40000", "1:1023"]`, []conn{web, web6, dns}, []conn{mapped, unix}},
		{"sock", `NotSPort, values: ["40000"]`, []conn{mapped, dns}, []conn{web, web6, unix}},
		{"sock", `DPort, values: ["443"]`, []conn{web, web6}, []conn{mapped, dns, unix}},
		{"skb", `NotDPort, values: ["443"]`, []conn{mapped, dns}, []conn{web, unix, fragment}},
		{"sock", `SPortPriv`, []conn{dns}, []conn{web, unix}},
		{"sock", `NotSPortPriv`, []conn{web}, []conn{dns, unix}},
		{"sock", `NotSportPriv`, []conn{web}, []conn{dns, unix}},
		{"sock", `DPortPriv`, []conn{web, dns}, []conn{unix}},
		{"skb", `NotDPortPriv`, nil, []conn{web, dns, unix, fragment}},
		{"sock", `Protocol, values: [IPPROTO_TCP]`, []conn{web, web6, mapped}, []conn{dns, unix}},
		{"skb", `Protocol, values: ["17", "1"]`, []conn{dns, fragment}, []conn{web}},
		{"sock", `Family, values: [AF_INET, AF_UNIX]`, []conn{web, dns, unix}, []conn{web6, mapped}},
		{"sock", `State, values: [TCP_SYN_SENT]`, []conn{web}, []conn{web6, dns}},
		{"sockaddr", `SAddr, values: ["10.0.0.5"]`, []conn{web, mapped}, []conn{web6, unix}},
		{"sockaddr", `DAddr, values: ["10.0.0.5"]`, []conn{web, mapped}, []conn{web6, unix}},
		{"sockaddr", `NotDAddr, values: ["10.0.0.5"]`, []conn{web6}, []conn{web, unix}},
		{"sockaddr", `DPort, values: ["40000"]`, []conn{web, web6}, []conn{mapped, unix}},
		{"sockaddr", `DPortPriv`, []conn{dns}, []conn{web, unix}},
		{"sockaddr", `Family, values: [AF_INET6]`, []conn{web6, mapped}, []conn{web, unix}},
	} {
		t.Run(test.typ+" "+test.filter, func(t *testing.T) {
			h := mustHook(t, mustCompile(t, connectPolicy(t, "net", test.typ, test.filter)), "tcp_connect")
			for want, conns := range map[uint64][]conn{1: test.yes, 0: test.no} {
				for _, c := range conns {
					if got := h.Match(&compile.Values{Args: []compile.Value{c.value()}}); got[0] != want {
						t.Errorf("%+v: %d, want %d", c, got[0], want)
					}
				}
			}
			if got := h.Match(&compile.Values{Args: []compile.Value{{Failed: true}}}); got[0] != 0 {
				t.Error("a value that could not be read satisfies the filter")
			}
		})
	}
}

// TestReturnedSocket checks filters on a socket that a function returns.
func TestReturnedSocket(t *testing.T) {
	p := mustParse(t, spec("accept", "  kprobes:\n  - call: inet_csk_accept\n    syscall: false\n    return: true\n"+
		"    returnArg: {index: 0, type: sock}\n    returnArgAction: TrackSock\n"+
		"    selectors: [{matchReturnArgs: [{index: 0, operator: SAddr, values: [\"10.0.0.0/8\"]}, {index: 0, operator: SPort, values: [\"1:1023\"]}]}]\n"))
	h := mustHook(t, mustCompile(t, p), "inet_csk_accept")
	if f := h.Rules[0].Flags; f&compile.RuleTrackReturn == 0 || f&compile.RuleReturn == 0 || h.Groups[0].TrackBit != 0 {
		t.Errorf("rule %+v does not track what is returned", h.Rules[0])
	}
	for want, c := range map[uint64]conn{1: dns, 0: web} {
		m, v := h.Match(&compile.Values{}), c.value()
		h.MatchReturned(m, &v)
		if m[0] != want {
			t.Errorf("%+v: %d, want %d", c, m[0], want)
		}
	}
}

// TestTrackSock checks that positions in args become slots.
func TestTrackSock(t *testing.T) {
	p := mustParse(t, spec("track", "  kprobes:\n  - call: tcp_sendmsg\n    syscall: false\n    args: [{index: 2, type: size_t}, {index: 0, type: sock}]\n"+
		"    selectors: [{matchActions: [{action: TrackSock, argSock: 1}, {action: NoPost}]}, {matchActions: [{action: UntrackSock, argSock: 1}]}]\n"))
	h := mustHook(t, mustCompile(t, p), "tcp_sendmsg")
	if r := h.Rules[0]; r.Flags != compile.RuleTrackSock|compile.RuleNoPost || h.Slots[r.Track].Type != compile.TypeSock {
		t.Errorf("rule %+v", r)
	}
	if r := h.Rules[1]; r.Flags != compile.RuleUntrackSock|compile.RulePost || h.Slots[r.Untrack].Type != compile.TypeSock ||
		r.Action != "KPROBE_ACTION_UNTRACKSOCK" {
		t.Errorf("rule %+v", r)
	}
}

// TestNetErrors checks where a filter or an action on sockets is refused.
func TestNetErrors(t *testing.T) {
	function := "  kprobes:\n  - call: tcp_connect\n    syscall: false\n"
	for name, test := range map[string]struct{ body, want string }{
		"sock of a program":  {"  uprobes:\n  - {path: /bin/sh, symbols: [main], args: [{index: 0, type: sock}]}\n", "which only the kernel has"},
		"returned by a call": {"  kprobes:\n  - {call: sys_accept, return: true, returnArg: {index: 0, type: sock}}\n", "only functions of the kernel return a sock"},
		"expression":         {function + "    args: [{index: 0, type: sock}]\n    selectors: [{matchArgs: [{operator: CelExpr, values: [\"arg0 == 1\"]}]}]\n", "arg0 is a sock, expressions are about integers"},
		"two sockets": {function + "    args: [{index: 0, type: sock}, {index: 1, type: sock}]\n" +
			"    selectors: [{matchActions: [{action: TrackSock, argSock: 0}, {action: TrackSock, argSock: 1}]}]\n", "a selector can have one TrackSock"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := compile.Compile(input(mustParse(t, spec("net", test.body))))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
