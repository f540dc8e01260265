// SPDX-License-Identifier: Apache-2.0

package event

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/vedette-io/vedette/api/tetragon"
)

// allKinds are the kinds of events, and one that does not exist.
var allKinds = []Kind{
	KindExec, KindExit, KindKprobe, KindTracepoint, KindLoader, KindUprobe, KindThrottle, KindLSM,
	KindUsdt, KindTest, KindRateLimit, KindLost, 77,
}

// generator makes random events. Texts are taken from corpus, about a third of all values are zero.
type generator struct {
	*rand.Rand
	corpus []string
}

func newGenerator(seed uint64, texts ...string) *generator {
	return &generator{
		Rand: rand.New(rand.NewPCG(seed, 1)),
		corpus: append(texts, "", "a", "/usr/bin/curl", "quote \" backslash \\ tab \t nul \x00 del \x7f <&>", "grüße, 世界 🚀",
			"bad \xff\xfe run \xc3( end \xe4\xb8", "\ufffd\xff\xff\ufffd", "exactly8", "fifteen bytes!!", "\u2028 sep",
			"sixteen bytes..\n and then some more of it to leave the fast path \x1f here"),
	}
}

func (g *generator) zero() bool   { return g.IntN(3) == 0 }
func (g *generator) flip() bool   { return g.IntN(2) == 0 }
func (g *generator) text() string { return g.corpus[g.IntN(len(g.corpus))] }

func (g *generator) u32() uint32 {
	if g.zero() {
		return 0
	}
	return g.Uint32() >> g.IntN(32)
}

func (g *generator) u64() uint64 {
	if g.zero() {
		return 0
	}
	return g.Uint64() >> g.IntN(64)
}

func (g *generator) time() int64 {
	if g.zero() {
		return 0
	}
	units := []int64{1, 1000, 1_000_000, 1_000_000_000}
	unit := units[g.IntN(len(units))]
	return int64(g.Uint64()) / unit * unit
}

func (g *generator) bytes() []byte { return []byte(g.text()) }

func maybe[T any](g *generator, make func() T) *T {
	if g.zero() {
		return nil
	}
	value := make()
	return &value
}

func several[T any](g *generator, make func() T) []T {
	var values []T
	for range g.IntN(4) {
		values = append(values, make())
	}
	return values
}

func optional[T any](g *generator, make func() T) Optional[T] {
	if g.zero() {
		return Optional[T]{}
	}
	return Some(make())
}

func (g *generator) labels() Labels {
	m := map[string]string{}
	for i := range g.IntN(4) {
		m[fmt.Sprintf("key%d%s", i, g.text())] = g.text()
	}
	return LabelsOf(m)
}

func (g *generator) event(kind Kind) *Event {
	e := &Event{
		Kind: kind, Time: g.time(), NodeName: g.text(), ClusterName: g.text(), NodeLabels: g.labels(),
		Aggregated: optional(g, g.u64), Process: maybe(g, g.process), TID: g.u32(), Parent: maybe(g, g.process),
		Ancestors: several(g, func() *Process { return maybe(g, g.process) }),
		Exit:      Exit{g.text(), g.u32(), g.time()}, Hook: g.hook(), Loader: Loader{g.bytes(), g.bytes()},
		Throttle: Throttle{tetragon.ThrottleType(g.IntN(4)), g.text()}, Lost: Lost{g.text(), g.text(), g.u64()},
		RateLimited: g.u64(), Test: [4]uint64{g.u64(), g.u64(), g.u64(), g.u64()},
	}
	return e
}

func (g *generator) process() Process {
	return Process{
		ExecID: g.text(), ParentExecID: g.text(), PID: g.u32(), TID: g.u32(), UID: g.u32(), AUID: g.u32(),
		CWD: g.text(), Binary: g.text(), Arguments: g.text(), Flags: g.text(), StartTime: g.time(),
		Docker: g.text(), Refcnt: g.u32(), InInitTree: g.flip(), Absent: Absent(g.IntN(64)) * Absent(g.IntN(2)),
		Pod: maybe(g, g.pod), Caps: maybe(g, g.caps), Creds: maybe(g, g.credentials),
		Namespaces: maybe(g, g.namespaces), BinaryProperties: maybe(g, g.binaryProperties), User: g.text(),
		Env: several(g, func() EnvVar { return EnvVar{g.text(), g.text()} }),
	}
}

func (g *generator) pod() Pod {
	return Pod{
		Namespace: g.text(), Name: g.text(), UID: g.text(), Labels: g.labels(), Workload: g.text(),
		WorkloadKind: g.text(), Annotations: g.labels(),
		Container: maybe(g, func() Container {
			return Container{
				ID: g.text(), Name: g.text(), ImageID: g.text(), ImageName: g.text(), StartTime: g.time(),
				PID: optional(g, g.u32), MaybeExecProbe: g.flip(), Privileged: g.flip(),
			}
		}),
	}
}

func (g *generator) caps() Capabilities { return Capabilities{g.u64(), g.u64(), g.u64()} }

func (g *generator) namespace() Namespace { return Namespace{g.u32(), g.flip()} }

func (g *generator) namespaces() Namespaces {
	return Namespaces{
		g.namespace(), g.namespace(), g.namespace(), g.namespace(), g.namespace(),
		g.namespace(), g.namespace(), g.namespace(), g.namespace(), g.namespace(),
	}
}

func (g *generator) userNS() UserNamespace {
	return UserNamespace{int32(g.u32()), g.u32(), g.u32(), g.namespace()}
}

func (g *generator) credentials() Credentials {
	return Credentials{
		g.u32(), g.u32(), g.u32(), g.u32(), g.u32(), g.u32(), g.u32(), g.u32(),
		g.u32() >> 24, maybe(g, g.caps), maybe(g, g.userNS),
	}
}

func (g *generator) binaryProperties() BinaryProperties {
	return BinaryProperties{
		SetUID: optional(g, g.u32), SetGID: optional(g, g.u32),
		PrivilegesChanged: several(g, func() tetragon.ProcessPrivilegesChanged {
			return tetragon.ProcessPrivilegesChanged(g.IntN(5))
		}),
		File: maybe(g, func() File { return File{g.u64(), optional(g, g.u32), g.text()} }),
	}
}

func (g *generator) hook() Hook {
	return Hook{
		Function: g.text(), Subsystem: g.text(), Event: g.text(), Path: g.text(), Symbol: g.text(),
		Offset: g.u64(), RefCtrOffset: g.u64(), Provider: g.text(), Name: g.text(), Flags: g.text(),
		PolicyName: g.text(), Message: g.text(), Tags: several(g, g.text), Args: several(g, g.arg),
		Data: several(g, g.arg), Return: maybe(g, g.arg), Action: g.action(), ReturnAction: g.action(),
		KernelStack: several(g, g.frame), UserStack: several(g, g.frame), IMAHash: g.text(),
	}
}

func (g *generator) action() Action { return Action(g.IntN(18) - 1) }

func (g *generator) frame() StackFrame { return StackFrame{g.u64(), g.u64(), g.text(), g.text()} }

func (g *generator) arg() Arg { return g.argOf(ArgKind(g.IntN(36))) }

// argOf returns an argument whose every field is filled; the kind says which count.
func (g *generator) argOf(kind ArgKind) Arg {
	a := Arg{
		Kind: kind, Mode: uint16(g.u32()), Label: g.text(), Int: int64(g.u64()), Uint: g.u64(), Bytes: g.bytes(),
		Text: g.text(), Mount: g.text(), Flags: g.text(), Permission: g.text(), Detail: g.detail(kind),
	}
	if g.zero() {
		a.Bytes = nil
	}
	return a
}

// detail returns the structure that belongs to the kind, none, or a wrong one.
func (g *generator) detail(kind ArgKind) Detail {
	if g.zero() {
		wrong := []Detail{nil, (*Sock)(nil), (*Credentials)(nil), &Module{Name: "wrong"}}
		return wrong[g.IntN(len(wrong))]
	}
	switch kind {
	case ArgSock:
		return &Sock{
			g.text(), g.text(), g.text(), g.text(), g.u32(), g.u32(), g.addr(), g.addr(),
			uint16(g.u32()), uint16(g.u32()), g.u64(),
		}
	case ArgSkb:
		return &Skb{
			g.text(), g.text(), g.u32(), g.u32(), g.u32(), g.u32(), g.addr(), g.addr(),
			uint16(g.u32()), uint16(g.u32()), g.u32(), g.u32(), g.u32(),
		}
	case ArgSockaddr:
		return &Sockaddr{g.text(), g.addr(), uint16(g.u32())}
	case ArgBPFAttr, ArgBPFProg:
		return &BPFProg{g.text(), g.u32(), g.text()}
	case ArgBPFMap:
		return &BPFMap{g.text(), g.u32(), g.u32(), g.u32(), g.text()}
	case ArgPerfEvent:
		return &PerfEvent{g.text(), g.text(), g.u64(), g.u64()}
	case ArgModule:
		return &Module{g.text(), optional(g, g.flip), g.u32() >> 8}
	case ArgCred:
		return maybe(g, g.caps)
	case ArgProcessCreds:
		return maybe(g, g.credentials)
	case ArgUserNS, ArgUserNamespace:
		return maybe(g, g.userNS)
	default:
		return nil
	}
}

func (g *generator) addr() netip.Addr {
	addrs := []netip.Addr{
		{}, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1"),
		netip.MustParseAddr("::ffff:1.2.3.4"), netip.MustParseAddr(`fe80::1%"zone\`),
	}
	return addrs[g.IntN(len(addrs))]
}
