// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
)

var (
	char    = &btf.Int{Name: "char", Size: 1, Encoding: btf.Char}
	integer = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	long    = &btf.Int{Name: "unsigned long", Size: 8}
)

// garden is a struct with all that a path can lead through.
func garden() *btf.Struct {
	leaf := &btf.Struct{Name: "leaf", Size: 24, Members: []btf.Member{
		{Name: "number", Type: integer},
		{Name: "low", Type: integer, Offset: 32, BitfieldSize: 3},
		{Name: "high", Type: integer, Offset: 35, BitfieldSize: 10},
		{Name: "text", Type: &btf.Pointer{Target: &btf.Const{Type: char}}, Offset: 64},
		{Name: "name", Type: &btf.Array{Type: char, Nelems: 8}, Offset: 128},
	}}
	nameless := &btf.Union{Size: 16, Members: []btf.Member{
		{Name: "first", Type: long},
		{Type: &btf.Struct{Size: 16, Members: []btf.Member{{Name: "inner", Type: long}, {Name: "deep", Type: long, Offset: 64}}}},
	}}
	root := &btf.Struct{Name: "garden", Size: 200}
	root.Members = []btf.Member{
		{Name: "id", Type: &btf.Typedef{Name: "id_t", Type: integer}},
		{Type: nameless, Offset: 64},
		{Name: "leaf", Type: leaf, Offset: 192},
		{Name: "next", Type: &btf.Pointer{Target: root}, Offset: 384},
		{Name: "leaves", Type: &btf.Array{Type: &btf.Pointer{Target: leaf}, Nelems: 3}, Offset: 448},
		{Name: "twice", Type: &btf.Pointer{Target: &btf.Pointer{Target: leaf}}, Offset: 640},
		{Name: "grid", Type: &btf.Array{Type: &btf.Array{Type: integer, Nelems: 2}, Nelems: 2}, Offset: 704},
		{Name: "declared", Type: &btf.Pointer{Target: &btf.Fwd{Name: "leaf"}}, Offset: 832},
		{Name: "any", Type: &btf.Pointer{Target: &btf.Void{}}, Offset: 896},
		{Name: "lost", Type: &btf.Pointer{Target: &btf.Fwd{Name: "lost"}}, Offset: 960},
		{Name: "half", Type: &btf.Float{Name: "double", Size: 8}, Offset: 1024},
		{Name: "huge", Type: &btf.Int{Name: "__int128", Size: 16}, Offset: 1088},
	}
	return root
}

// inGarden finds the types that are only declared.
func inGarden(name string) (btf.Type, error) {
	if name == "leaf" {
		return garden().Members[2].Type, nil
	}
	return nil, ErrNoType
}

func TestResolvePath(t *testing.T) {
	for path, want := range map[string]Way{
		"id":                {Reads: []Read{{0, 0}}, Width: 4, Value: Param{Type: "id_t", Kind: KindInt, Size: 4, Signed: true}},
		"first":             {Reads: []Read{{8, 0}}, Width: 8, Value: Param{Type: "unsigned long", Kind: KindInt, Size: 8}},
		"deep":              {Reads: []Read{{16, 0}}, Width: 8, Value: Param{Type: "unsigned long", Kind: KindInt, Size: 8}},
		"leaf.number":       {Reads: []Read{{24, 1}}, Width: 4, Value: Param{Type: "int", Kind: KindInt, Size: 4, Signed: true}},
		"leaf.low":          {Reads: []Read{{28, 1}}, Width: 1, Bits: 3, Value: Param{Type: "int", Kind: KindInt, Size: 4, Signed: true}},
		"leaf.high":         {Reads: []Read{{28, 1}}, Width: 2, Bits: 10, Shift: 3, Value: Param{Type: "int", Kind: KindInt, Size: 4, Signed: true}},
		"leaf":              {Reads: []Read{{24, 0}}, Value: Param{Type: "struct leaf", Kind: KindStruct, Size: 24, Struct: "leaf"}},
		"leaf.name":         {Reads: []Read{{40, 1}}, Value: Param{Type: "char[8]", Size: 8, Text: true}},
		"leaf.name[2]":      {Reads: []Read{{42, 1}}, Width: 1, Value: Param{Type: "char", Kind: KindInt, Size: 1}},
		"leaf.text":         {Reads: []Read{{32, 1}}, Width: 8, Value: Param{Type: "const char *", Kind: KindPointer, Size: 8, Pointer: true, Text: true}},
		"leaf.text[3]":      {Reads: []Read{{32, 1}, {3, 1}}, Width: 1, Value: Param{Type: "const char", Kind: KindInt, Size: 1}},
		"next.next.id":      {Reads: []Read{{48, 0}, {48, 1}, {0, 2}}, Width: 4, Value: Param{Type: "id_t", Kind: KindInt, Size: 4, Signed: true}},
		"leaves[2].number":  {Reads: []Read{{72, 0}, {0, 1}}, Width: 4, Value: Param{Type: "int", Kind: KindInt, Size: 4, Signed: true}},
		"twice.number":      {Reads: []Read{{80, 0}, {0, 0}, {0, 1}}, Width: 4, Value: Param{Type: "int", Kind: KindInt, Size: 4, Signed: true}},
		"twice[1][2].low":   {Reads: []Read{{80, 0}, {8, 0}, {52, 1}}, Width: 1, Bits: 3, Value: Param{Type: "int", Kind: KindInt, Size: 4, Signed: true}},
		"grid[1][1]":        {Reads: []Read{{100, 0}}, Width: 4, Value: Param{Type: "int", Kind: KindInt, Size: 4, Signed: true}},
		"declared.number":   {Reads: []Read{{104, 0}, {0, 1}}, Width: 4, Value: Param{Type: "int", Kind: KindInt, Size: 4, Signed: true}},
		"[2].id":            {Reads: []Read{{400, 1}}, Width: 4, Value: Param{Type: "id_t", Kind: KindInt, Size: 4, Signed: true}},
		"any":               {Reads: []Read{{112, 0}}, Width: 8, Value: Param{Type: "void *", Kind: KindPointer, Size: 8, Pointer: true}},
		"next.leaf.text[0]": {Reads: []Read{{48, 0}, {32, 2}, {0, 2}}, Width: 1, Value: Param{Type: "const char", Kind: KindInt, Size: 1}},
	} {
		got, err := resolve(garden(), path, inGarden)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	for path, want := range map[string]string{
		"idd":                              `struct garden has no member "idd"; did you mean id`,
		"innr":                             `did you mean inner?`,
		"leaf.numbr":                       `struct leaf has no member "numbr"; did you mean number?`,
		"id.x":                             `id has no members: it is id_t`,
		"id[0]":                            `id has no elements: it is id_t`,
		"grid[2]":                          `grid has 2 elements, there is none with index 2`,
		"any.x":                            `any has no members: it is void`,
		"lost.x":                           `lost is struct lost: there is no such struct`,
		"leaf.low.x":                       `leaf.low is a bit field of 3 bits, which has no members`,
		"half":                             `no number with a fraction`,
		"huge":                             `an integer of 16 bytes`,
		"leaf..name":                       `a component is empty`,
		"grid[x]":                          `"x" is no index`,
		"grid[1]x":                         `"x" is behind an index`,
		"next[4294967295].id":              `cannot be reached`,
		strings.Repeat("next.", 11) + "id": `is behind more than 10 pointers`,
	} {
		way, err := resolve(garden(), path, inGarden)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v; want %q", path, way, err, want)
		}
	}
}

// planter makes types at random with memory that they describe, and a path
// through them, by writing the value and every pointer down as it goes.
type planter struct {
	*rand.Rand
	memory map[uint64]byte
	next   uint64
	path   []string
}

// put writes an integer of some bytes.
func (p *planter) put(at, value uint64, size uint32) {
	for i := range uint64(size) {
		p.memory[at+i] = byte(value >> (8 * i))
	}
}

// integerAt ends the path with an integer at an address.
func (p *planter) integerAt(at, value uint64) btf.Type {
	size := uint32(1) << p.IntN(4)
	p.put(at, value, size)
	return &btf.Int{Name: fmt.Sprintf("int%d", size), Size: size}
}

// plant makes the type of what is at an address, up to some depth, and
// extends the path.
func (p *planter) plant(at, value uint64, depth int) btf.Type {
	if depth == 0 {
		return p.integerAt(at, value)
	}
	switch p.IntN(3) {
	case 0:
		target := 4096 * (1 + p.next)
		p.next++
		p.put(at, target, 8)
		if p.IntN(3) > 0 {
			return &btf.Pointer{Target: p.structAt(target, value, depth-1)}
		}
		n := p.IntN(3)
		p.path[len(p.path)-1] += fmt.Sprintf("[%d]", n)
		probe := &planter{Rand: rand.New(rand.NewPCG(1, 1)), memory: map[uint64]byte{}, path: []string{""}}
		of := probe.plant(0, 0, 0)
		p.put(target+uint64(n)*uint64(of.(*btf.Int).Size), value, of.(*btf.Int).Size)
		return &btf.Pointer{Target: of}
	case 1:
		// All elements are like the one that the path goes to.
		n, size := uint64(p.IntN(4)), uint64(64)
		p.path[len(p.path)-1] += fmt.Sprintf("[%d]", n)
		s := p.structAt(at+n*size, value, depth-1)
		s.Size = uint32(size)
		return &btf.Array{Type: s, Nelems: 4}
	}
	return p.structAt(at, value, depth-1)
}

// structAt makes a struct, in which the path goes on to a member, sometimes
// of a struct without a name.
func (p *planter) structAt(at, value uint64, depth int) *btf.Struct {
	name := fmt.Sprintf("m%d", len(p.path))
	p.path = append(p.path, name)
	offset := uint64(p.IntN(6)) * 8
	member := btf.Member{Name: name, Offset: btf.Bits(offset * 8)}
	if depth == 0 && p.IntN(2) == 0 {
		bits, shift := 1+p.IntN(20), p.IntN(9)
		member.Type, member.BitfieldSize = &btf.Int{Name: "unsigned int", Size: 4}, btf.Bits(bits)
		member.Offset += btf.Bits(shift)
		p.put(at+offset, value&(1<<bits-1)<<shift|^uint64(1<<(bits+shift)-1)|(1<<shift-1), 8)
		return &btf.Struct{Name: "s", Size: 64, Members: []btf.Member{member}}
	}
	inner := uint64(0)
	if p.IntN(3) == 0 {
		inner = 8
	}
	member.Type = p.plant(at+inner+offset, value, depth)
	s := &btf.Struct{Name: "s", Size: 64, Members: []btf.Member{{Name: "other", Type: long}, member}}
	if inner == 0 {
		return s
	}
	s.Name = ""
	return &btf.Struct{Name: "outer", Size: 64, Members: []btf.Member{{Name: "before", Type: long}, {Type: s, Offset: btf.Bits(inner * 8)}}}
}

// read goes a way through memory.
func (p *planter) read(w *Way, from uint64) (uint64, error) {
	load := func(at uint64, size uint8) (uint64, error) {
		v := uint64(0)
		for i := range uint64(size) {
			b, ok := p.memory[at+i]
			if !ok {
				return 0, fmt.Errorf("nothing is at %#x", at+i)
			}
			v |= uint64(b) << (8 * i)
		}
		return v, nil
	}
	for _, r := range w.Reads[:len(w.Reads)-1] {
		next, err := load(from+uint64(r.Offset), 8)
		if err != nil {
			return 0, err
		}
		from = next
	}
	v, err := load(from+uint64(w.Reads[len(w.Reads)-1].Offset), w.Width)
	if err == nil && w.Bits != 0 {
		v = v >> w.Shift & (1<<w.Bits - 1)
	}
	return v, err
}

// TestResolveReads goes random paths through random types, and finds what
// was put at their ends.
func TestResolveReads(t *testing.T) {
	pointers, fields := 0, 0
	for seed := range uint64(20000) {
		p := &planter{Rand: rand.New(rand.NewPCG(seed, 7)), memory: map[uint64]byte{}, next: 1}
		value := p.Uint64()
		root := p.structAt(64, value, 1+p.IntN(5))
		path := strings.Join(p.path, ".")
		way, err := resolve(root, path, func(string) (btf.Type, error) { return nil, errors.New("declared") })
		if err != nil {
			t.Fatalf("seed %d: %s: %v", seed, path, err)
		}
		got, err := p.read(way, 64)
		bits := way.Bits
		if bits == 0 {
			bits = 8 * way.Width
		}
		if want := value << (64 - bits) >> (64 - bits); err != nil || got != want {
			t.Fatalf("seed %d: %s: %+v reads %#x, %v; want %#x", seed, path, way, got, err, want)
		}
		if len(way.Reads) > 1 {
			pointers++
		}
		if way.Bits > 0 {
			fields++
		}
	}
	if pointers < 5000 || fields < 1000 {
		t.Errorf("%d paths through pointers, %d to bit fields", pointers, fields)
	}
}

// FuzzResolve finds no path that does harm.
func FuzzResolve(f *testing.F) {
	for _, path := range []string{"id", "leaf.low", "next.leaves[2].text", "twice[1][2].low", "[2].id", "a..b", "a[", "a]["} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		way, err := resolve(garden(), path, inGarden)
		if err == nil && (len(way.Reads) == 0 || len(way.Reads) > MaxDerefs+1 || way.Width > 8) {
			t.Errorf("%q: %+v", path, way)
		}
	})
}
