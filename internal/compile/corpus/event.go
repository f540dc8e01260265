// SPDX-License-Identifier: Apache-2.0

package corpus

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/vedette-io/vedette/internal/compile/naive"
	"github.com/vedette-io/vedette/internal/policy"
)

// registers are the integers that most filters and events are made of.
var registers = []uint64{
	0, 1, 2, 3, math.MaxUint64, math.MaxUint64 - 1,
	math.MaxInt8, math.MaxInt8 + 1, math.MaxUint8, math.MaxUint8 + 1,
	math.MaxInt16, math.MaxInt16 + 1, math.MaxUint16, math.MaxUint16 + 1,
	math.MaxInt32, math.MaxInt32 + 1, math.MaxUint32, math.MaxUint32 + 1,
	math.MaxInt64, math.MaxInt64 + 1,
}

// register makes an integer, sometimes with something in its high bits that
// narrow types must not see.
func (g *generator) register() uint64 {
	r := pick(g, registers)
	if g.chance(20) {
		r += uint64(g.IntN(3)) - 1
	}
	if g.chance(10) {
		r ^= g.Uint64() << 32
	}
	return r
}

// lengths are those of long strings: around one and two chunks of the string
// tables, and around the longest string that is read.
var lengths = []int{125, 127, 128, 129, 246, 247, 248, 249, 250, 494, 495, 496, 497, 498, 743, 744, 745, 4094, 4095, 4096, 4097}

// string makes a text of few different letters.
func (g *generator) string() string {
	if g.chance(12) {
		b := make([]byte, pick(g, lengths))
		for i := range b {
			b[i] = 'a'
		}
		if g.chance(40) {
			b[max(0, len(b)-1-g.IntN(3))] = 'b'
		}
		if g.chance(20) {
			b[g.IntN(3)] = 'b'
		}
		return string(b)
	}
	b := make([]byte, g.IntN(5))
	for i := range b {
		b[i] = pick(g, []byte("aab/"))
	}
	return string(b)
}

// value makes a value of at most limit bytes, often close to another one.
func (g *generator) value(limit int) string {
	v := g.string()
	if len(g.texts) > 0 && g.chance(40) {
		v = g.near(pick(g, g.texts))
	}
	v = v[:min(len(v), limit)]
	g.texts = append(g.texts, v)
	return v
}

// part makes a value of which texts consist, mostly short, sometimes with
// capitals.
func (g *generator) part(limit int) string {
	v := g.string()
	if len(g.texts) > 0 && g.chance(60) {
		v = pick(g, g.texts)
		if at := g.IntN(len(v) + 1); g.chance(70) {
			v = v[at:min(len(v), at+1+g.IntN(6))]
		}
	}
	v = v[:min(len(v), limit)]
	if g.chance(30) {
		v = capitals(v)
	}
	if g.chance(50) {
		g.texts = append(g.texts, v)
	}
	return v
}

func capitals(s string) string {
	b := []byte(s)
	for i := range b {
		if i%2 == 0 && 'a' <= b[i] && b[i] <= 'z' {
			b[i] &^= 0x20
		}
	}
	return string(b)
}

// near returns a text that differs a little or not at all.
func (g *generator) near(s string) string {
	switch g.IntN(6) {
	case 0:
		return s + pick(g, []string{"a", "b", "/"})
	case 1:
		return s[:max(0, len(s)-1)]
	case 2:
		return pick(g, []string{"a", "b", "/"}) + s
	case 3:
		return s[:max(0, len(s)-1)] + "b"
	}
	return s
}

// text makes a text of an event.
func (g *generator) text() string {
	if len(g.texts) > 0 && g.chance(75) {
		return g.near(pick(g, g.texts))
	}
	return g.string()
}

// event makes an event on one of the hooks in use.
func (g *generator) event(policies int) *naive.Event {
	h := pick(g, g.used)
	e := &naive.Event{Hook: h.at, Args: make(map[uint32]naive.Arg), Return: g.register()}
	if g.processes {
		e.Process = g.process()
	}
	for i, types := range h.args {
		if !isNode(types) {
			e.Args[uint32(i)] = g.arg(types, policies)
		}
	}
	e.Nodes = some(g, 0, 3, g.node)
	return e
}

func (g *generator) arg(types []policy.ArgType, policies int) naive.Arg {
	a := naive.Arg{Register: g.register()}
	switch {
	case types[0] == policy.TypeSockaddrUn:
		a.Text, a.Net = g.unixPath(), g.net()
		if g.chance(80) {
			a.Net.Family = familyUnix
		}
	case types[0].IsString():
		a.Text = g.text()
	case isNet(types[0]):
		a.Net = g.net()
	}
	if !g.processes {
		return a
	}
	a.Failed = g.chance(3)
	if types[0].IsCapabilitySet() {
		a.Register = g.capSet()
	}
	if types[0].IsPath() {
		a.Mode = pick(g, []uint32{0, 0o100644, 0o100755, 0o40755, 0o10600, 0o140777, 0o120777, 0o20620, 0o60660})
	}
	if types[0].IsBuffer() && g.chance(10) {
		at := g.IntN(len(a.Text) + 1)
		a.Text = a.Text[:at] + "\x00" + a.Text[at:]
	}
	for p := range policies {
		if g.chance(50) {
			a.Followers = append(a.Followers, p)
		}
	}
	return a
}

// Mixed returns n events on a hook that the set has events on: each argument, the nodes, the process and the return
// value come from any of those.
func (s *Set) Mixed(at naive.Hook, n int) []*naive.Event {
	g := &generator{Rand: rand.New(rand.NewPCG(s.Seed, mixedStream))}
	var from []*naive.Event
	for _, e := range s.Events {
		if e.Hook == at {
			from = append(from, e)
		}
	}
	if len(from) == 0 {
		return nil
	}
	var out []*naive.Event
	for range n {
		e := &naive.Event{
			Hook: at, Args: make(map[uint32]naive.Arg), Return: pick(g, from).Return,
			Nodes: pick(g, from).Nodes, Process: pick(g, from).Process,
		}
		for _, index := range slices.Sorted(maps.Keys(from[0].Args)) {
			e.Args[index] = pick(g, from).Args[index]
		}
		out = append(out, e)
	}
	return out
}

// mixedStream keeps the choices apart from those that made the set.
const mixedStream = 0x6d69786564
