// SPDX-License-Identifier: Apache-2.0

package corpus

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/compile/naive"
	"github.com/vedette-io/vedette/internal/policy"
)

// NodeSize is the size of a node in memory, and the rest are the offsets of
// its fields, all in bytes. Bits are 5 bits above the lowest 3.
const (
	NodeSize    = 32
	SmallOffset = 0
	BitsOffset  = 4
	BitsShift   = 3
	WideOffset  = 8
	NextOffset  = 16
	TextOffset  = 24
)

// field is a path to a field of a node, with its type.
type field struct {
	path string
	t    policy.ArgType
}

// fields are the paths that policies use.
func fields() []field {
	var all []field
	for _, to := range []string{"", "next.", "next.next."} {
		for _, f := range []field{{"small", policy.TypeUint32}, {"bits", policy.TypeUint32}, {"wide", policy.TypeInt64}, {"text", policy.TypeString}} {
			all = append(all, field{to + f.path, f.t})
		}
	}
	return all
}

// nodeTypes knows nodes, and nothing else.
type nodeTypes struct{}

// Prototype implements [compile.Types].
func (nodeTypes) Prototype(compile.HookKey) (*compile.Prototype, error) {
	return nil, compile.ErrUndescribed
}

// Register implements [compile.Types].
func (nodeTypes) Register(name string) (compile.Register, error) {
	return compile.Register{}, fmt.Errorf("no register %q", name)
}

// Resolve implements [compile.Types].
func (nodeTypes) Resolve(_ compile.Origin, path string) (compile.Way, compile.TypeInfo, error) {
	var w compile.Way
	for strings.HasPrefix(path, "next.") {
		path = strings.TrimPrefix(path, "next.")
		w.Offsets[w.Derefs], w.Components[w.Derefs] = NextOffset, w.Derefs
		w.Derefs++
	}
	end := &w.Offsets[w.Derefs]
	w.Components[w.Derefs] = w.Derefs
	switch path {
	case "small":
		*end, w.Width, w.Left, w.Right = SmallOffset, 4, 32, 32
		return w, compile.TypeInfo{CType: "unsigned int", Kind: compile.KindInt, Size: 4}, nil
	case "bits":
		*end, w.Width, w.Left, w.Right = BitsOffset, 1, 64-5-BitsShift, 64-5
		return w, compile.TypeInfo{CType: "unsigned int", Kind: compile.KindInt, Size: 4}, nil
	case "wide":
		*end, w.Width, w.Signed = WideOffset, 8, true
		return w, compile.TypeInfo{CType: "long", Kind: compile.KindInt, Size: 8, Signed: true}, nil
	case "text":
		*end, w.Width = TextOffset, 8
		return w, compile.TypeInfo{CType: "const char *", Kind: compile.KindPointer, Size: 8, Text: true}, nil
	}
	return w, compile.TypeInfo{}, errors.New("no such field")
}

// found declares some of the fields that a set of policies uses.
func (g *generator) found(source, start string) []policy.Arg {
	return some(g, 1, 3, func() policy.Arg {
		f := pick(g, g.fields)
		a := policy.Arg{Type: f.t, Resolve: f.path, Source: source, BTFType: start}
		if g.chance(30) {
			a.Type = policy.TypeAuto
		}
		return a
	})
}

// typeOf is the type of a declared argument, that of the field for auto.
func typeOf(a *policy.Arg) policy.ArgType {
	for _, f := range fields() {
		if a.Resolve == f.path {
			return f.t
		}
	}
	return a.Type
}

// fewBits are values of a bit field, with more bits than it has: what
// filters compare is near the lowest.
var fewBits = []uint8{0, 1, 2, 3, 17, 18, 33, 34, 255}

// node makes a node of an event.
func (g *generator) node() naive.Node {
	return naive.Node{Small: uint32(g.register()), Bits: pick(g, fewBits), Wide: int64(g.register()), Text: g.text()}
}
