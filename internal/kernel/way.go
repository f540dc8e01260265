// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/vedette-io/vedette/internal/nearest"
)

// Way says how a value is reached from a pointer: pointers are read one after
// the other, each at an offset from the one before, and what the last read is
// of is the value.
type Way struct {
	// Reads are at least one; the last is that of the value.
	Reads []Read
	// Width is the size of the value in bytes, and 0 where the value is the
	// place itself: a struct, or an array.
	Width uint8
	// Bits is the width of a bit field and Shift where it begins in what is
	// read, counted from the lowest bit; Bits is 0 for all else.
	Bits, Shift uint8
	// Value describes what is at the end. It has no name.
	Value Param
}

// Read is one step of a [Way].
type Read struct {
	// Offset is in bytes, from where the last pointer leads.
	Offset uint32
	// Component is which component of the path is read, from 0.
	Component uint8
}

// MaxDerefs is how many pointers a way can follow.
const MaxDerefs = 10

// lookup finds a type by its name, for pointers to what is declared only.
type lookup func(name string) (btf.Type, error)

// walker goes a way.
type walker struct {
	lookup lookup
	way    Way
	// at is the type of what is at offset; component is the component of
	// the path that led to it.
	at        btf.Type
	offset    uint32
	component uint8
	// field is the bit field that at is, nil for all else.
	field *btf.Member
	// written is the path so far.
	written string
}

// resolve goes a path through types, such as a.b[12].c, from what a pointer
// leads to. Pointers on the way are followed, and members of anonymous
// structs and unions are found.
func resolve(from btf.Type, path string, find lookup) (*Way, error) {
	w := &walker{lookup: find, at: from}
	for i, text := range strings.Split(path, ".") {
		name, indexes, err := parseComponent(text)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", path, err)
		}
		if err := w.step(i, name, indexes); err != nil {
			return nil, err
		}
	}
	return w.end()
}

// parseComponent takes a component apart: name[1][2].
func parseComponent(text string) (name string, indexes []uint32, err error) {
	name, rest, _ := strings.Cut(text, "[")
	if name == "" && rest == "" {
		return "", nil, errors.New("a component is empty")
	}
	for rest != "" {
		digits, behind, found := strings.Cut(rest, "]")
		n, err := strconv.ParseUint(digits, 10, 32)
		if !found || err != nil {
			return "", nil, fmt.Errorf("%q is no index", digits)
		}
		indexes = append(indexes, uint32(n))
		rest = strings.TrimPrefix(behind, "[")
		if behind != "" && rest == behind {
			return "", nil, fmt.Errorf("%q is behind an index", behind)
		}
	}
	return name, indexes, nil
}

// step goes one component.
func (w *walker) step(number int, name string, indexes []uint32) error {
	if w.field != nil {
		return fmt.Errorf("%s is a bit field of %d bits, which has no members", w.written, w.field.BitfieldSize)
	}
	if name != "" {
		if err := w.member(number, name); err != nil {
			return err
		}
	}
	for i, n := range indexes {
		first := number == 0 && name == "" && i == 0
		if err := w.element(n, first); err != nil {
			return err
		}
		w.written += fmt.Sprintf("[%d]", n)
	}
	w.component = uint8(number)
	return nil
}

// member goes to a member of the struct at hand, or of the one that the
// pointer at hand leads to.
func (w *walker) member(number int, name string) error {
	for {
		p, ok := btf.UnderlyingType(w.at).(*btf.Pointer)
		if !ok {
			break
		}
		if err := w.follow(p); err != nil {
			return err
		}
	}
	if err := w.complete(); err != nil {
		return err
	}
	members, ok := membersOf(w.at)
	if !ok {
		return fmt.Errorf("%s has no members: it is %s", w.place(), ctype(w.at))
	}
	m, bits, ok := findMember(members, name, 0)
	if !ok {
		return fmt.Errorf("%s has no member %q%s", ctype(w.at), name, nearest.Suggest(name, memberNames(members)))
	}
	if m.BitfieldSize > 0 {
		w.field = &btf.Member{Name: m.Name, Offset: bits % 8, BitfieldSize: m.BitfieldSize}
	}
	w.at, w.offset = m.Type, w.offset+uint32(bits/8)
	w.component = uint8(number)
	if w.written != "" {
		w.written += "."
	}
	w.written += name
	return nil
}

// place names what is at hand.
func (w *walker) place() string {
	if w.written == "" {
		return "what the path begins at"
	}
	return w.written
}

// element goes to an element of the array at hand, or behind the pointer at
// hand. The first index of a path is of the pointer that the way begins with.
func (w *walker) element(n uint32, first bool) error {
	of := w.at
	switch t := btf.UnderlyingType(w.at).(type) {
	case *btf.Array:
		if t.Nelems != 0 && n >= t.Nelems {
			return fmt.Errorf("%s has %d elements, there is none with index %d", w.place(), t.Nelems, n)
		}
		of = t.Type
	case *btf.Pointer:
		if !first {
			if err := w.follow(t); err != nil {
				return err
			}
			of = w.at
		}
	default:
		if !first {
			return fmt.Errorf("%s has no elements: it is %s", w.place(), ctype(w.at))
		}
	}
	size, err := btf.Sizeof(of)
	if err != nil || uint64(n)*uint64(size) > 1<<31 {
		return fmt.Errorf("element %d of %s cannot be reached", n, w.place())
	}
	w.at, w.offset = of, w.offset+n*uint32(size)
	return nil
}

// follow reads the pointer at hand.
func (w *walker) follow(p *btf.Pointer) error {
	if len(w.way.Reads) == MaxDerefs {
		return fmt.Errorf("%s is behind more than %d pointers", w.written, MaxDerefs)
	}
	w.way.Reads = append(w.way.Reads, Read{w.offset, w.component})
	w.at, w.offset = p.Target, 0
	return nil
}

// complete finds the type that is only declared where the pointer is.
func (w *walker) complete() error {
	f, ok := btf.UnderlyingType(w.at).(*btf.Fwd)
	if !ok {
		return nil
	}
	t, err := w.lookup(f.Name)
	if err != nil {
		return fmt.Errorf("%s is %s: %w", w.place(), ctype(w.at), err)
	}
	w.at = t
	return nil
}

// end tells what the value is.
func (w *walker) end() (*Way, error) {
	w.way.Reads = append(w.way.Reads, Read{w.offset, w.component})
	w.way.Value = param("", w.at)
	switch w.way.Value.Kind {
	case KindInt, KindPointer:
		if w.way.Value.Size > 8 {
			return nil, fmt.Errorf("%s is %s, an integer of %d bytes", w.written, ctype(w.at), w.way.Value.Size)
		}
		w.way.Width = uint8(w.way.Value.Size)
	case KindFloat:
		return nil, fmt.Errorf("%s is %s, and no number with a fraction can be told", w.written, ctype(w.at))
	}
	if w.field != nil {
		w.bitField()
	}
	return &w.way, nil
}

// bitField reads as many bytes as hold the bit field, so that nothing behind
// the struct is read.
func (w *walker) bitField() {
	last := &w.way.Reads[len(w.way.Reads)-1]
	w.way.Bits, w.way.Shift = uint8(w.field.BitfieldSize), uint8(w.field.Offset)
	need := (uint32(w.way.Shift) + uint32(w.way.Bits) + 7) / 8
	width := uint32(1)
	for width < need {
		width *= 2
	}
	// An aligned read stays in the unit that the field is in.
	if back := last.Offset % width; back*8+uint32(w.way.Shift)+uint32(w.way.Bits) <= width*8 {
		last.Offset -= back
		w.way.Shift += uint8(back * 8)
	}
	w.way.Width = uint8(width)
}

// membersOf returns the members of a struct or union.
func membersOf(t btf.Type) ([]btf.Member, bool) {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		return t.Members, true
	case *btf.Union:
		return t.Members, true
	}
	return nil, false
}

// maxNesting bounds how deep anonymous structs are searched.
const maxNesting = 16

// findMember finds a member, also within members without a name, and where
// it begins in bits.
func findMember(members []btf.Member, name string, depth int) (*btf.Member, btf.Bits, bool) {
	for i := range members {
		if members[i].Name == name {
			return &members[i], members[i].Offset, true
		}
	}
	for i := range members {
		inner, ok := membersOf(members[i].Type)
		if members[i].Name != "" || !ok || depth == maxNesting {
			continue
		}
		if m, bits, ok := findMember(inner, name, depth+1); ok {
			return m, members[i].Offset + bits, true
		}
	}
	return nil, 0, false
}

// memberNames yields the names of members, also of those within members
// without a name.
func memberNames(members []btf.Member) iter.Seq[string] {
	return func(yield func(string) bool) { yieldNames(members, 0, yield) }
}

func yieldNames(members []btf.Member, depth int, yield func(string) bool) bool {
	for _, m := range members {
		if m.Name != "" {
			if !yield(m.Name) {
				return false
			}
			continue
		}
		if inner, ok := membersOf(m.Type); ok && depth < maxNesting && !yieldNames(inner, depth+1, yield) {
			return false
		}
	}
	return true
}
