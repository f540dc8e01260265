// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"
	"sort"
)

// Values are the values of one event as the kernel program has them when it
// looks at the dimensions.
type Values struct {
	Process ProcessValues
	// Args are the values of the slots, by the slots' numbers.
	Args []Value
}

// ProcessValues are the facts of the process of an event.
type ProcessValues struct {
	PID   uint32
	NSPID uint32 // 0 for processes in the host's pid namespace
	Flags uint64 // Flag…
	Sets  uint64
	// Binary and BinaryEnd are the classes of the binary's path, see
	// [ProcessTables.Classify], or [UnknownClass].
	Binary, BinaryEnd uint32
	Namespaces        [NumNamespaces]uint32 // inode numbers, by policy.Namespace
	Caps              [3]uint64             // effective, permitted, inheritable

	// What is known of the image that the process comes from.
	ParentSets                    uint64
	ParentBinary, ParentBinaryEnd uint32

	// The namespaces and capabilities that changes are told against.
	OldNamespaces [NumNamespaces]uint32
	OldCaps       [3]uint64

	Workload uint32 // its class, see Workload…
}

// fileTypeMask are the bits of a mode that tell the type of a file (S_IFMT,
// include/uapi/linux/stat.h).
const fileTypeMask = 0o170000

// UnknownClass is the class of a binary whose path could not be read.
const UnknownClass = ^uint32(0)

// Value is the value of one slot.
type Value struct {
	// Failed says that the value could not be read.
	Failed bool
	// Int is the value of an integer, extended to 64 bits by its sign if its
	// type is signed, or the number of a descriptor.
	Int uint64
	// Str is the text of a string, the bytes of a buffer, or a path.
	Str []byte
	// NoPath says that it is an address of another family than that of Str.
	NoPath bool
	// Truncated says that Str is only the beginning of the value.
	Truncated bool
	// Content is that of a structured value, a struct vd_net. NoAddress and
	// NoPort say that it has no addresses and no ports.
	Content           []byte
	NoAddress, NoPort bool
	// Followed are the follow bits of a descriptor.
	Followed uint64
	// Mode is the mode of a file's inode, 0 where it has none.
	Mode uint32
}

// Match returns the rules whose conditions on the process and the arguments
// are satisfied, those on return values aside.
func (h *Hook) Match(v *Values) []uint64 {
	m := vector(h.Vectors[0]).clone()
	for i := range h.Dims {
		h.apply(m, &h.Dims[i], v, 0)
	}
	return m
}

// MatchReturn removes from the rules m those whose conditions on the return
// value are not satisfied. The value is the whole register; each dimension
// narrows it to its type.
func (h *Hook) MatchReturn(m []uint64, ret int64) {
	for i := range h.ReturnDims {
		if d := &h.ReturnDims[i]; d.Source == SourceReturn {
			h.apply(m, d, nil, ret)
		}
	}
}

// MatchReturned does it for conditions on the content of the value, such as
// those on a socket.
func (h *Hook) MatchReturned(m []uint64, v *Value) {
	for i := range h.ReturnDims {
		if d := &h.ReturnDims[i]; d.Source == SourceField {
			h.apply(m, d, &Values{Args: []Value{*v}}, 0)
		}
	}
}

// Winners returns of the matching rules m the first one of each group.
func (h *Hook) Winners(m []uint64) []uint64 {
	w := make([]uint64, len(m))
	borrow := uint64(0)
	for i := range m {
		n := m[i] &^ h.Single[i]
		var less uint64
		less, borrow = bits.Sub64(n|h.Guard[i], h.Start[i], borrow)
		w[i] = m[i]&h.Single[i] | n&^less
	}
	return w
}

// apply ANDs the vectors of one dimension to m.
func (h *Hook) apply(m vector, d *Dim, v *Values, ret int64) {
	switch d.Kind {
	case DimAddress:
		m.and(h.Vectors[h.lookupAddress(d, &v.Args[d.Index])])
		return
	case DimString, DimPostfix:
		m.and(h.Vectors[h.lookupText(d, &v.Args[d.Index])])
		return
	case DimExpression:
		m.and(h.lookupExpressions(d, v))
		return
	case DimSubstring:
		m.and(h.lookupSubstrings(d, &v.Args[d.Index]))
		return
	}
	value, ok := d.value(v, ret)
	switch {
	case !ok:
		m.and(h.Vectors[d.None])
	case d.Kind == DimInterval:
		m.and(h.Vectors[h.lookupInterval(d, value)])
	case d.Kind == DimMask:
		for _, e := range h.Table[d.Base : d.Base+d.Len] {
			if value&e.Key != 0 {
				m.and(h.Vectors[e.A])
			} else {
				m.and(h.Vectors[e.B])
			}
		}
	case value >= uint64(d.Len):
		m.and(h.Vectors[d.None])
	default:
		m.and(h.Vectors[h.Table[uint64(d.Base)+value].A])
	}
}

// value returns the integer that the dimension looks at, and false where it
// could not be read.
func (d *Dim) value(v *Values, ret int64) (uint64, bool) {
	switch d.Source {
	case SourceArg:
		a := &v.Args[d.Index]
		return a.Int, !a.Failed
	case SourceFollowed:
		a := &v.Args[d.Index]
		return a.Followed, !a.Failed
	case SourceFileType:
		a := &v.Args[d.Index]
		t := uint64(a.Mode & fileTypeMask)
		return t, !a.Failed && t != 0
	case SourceCapsGained:
		old, now := &v.Args[d.Index], &v.Args[d.Other]
		return now.Int &^ old.Int, !old.Failed && !now.Failed
	case SourceField:
		return v.Args[d.Index].field(d.Field)
	case SourceReturn:
		return SlotType(d.Index).Extend(uint64(ret)), true
	case SourcePID:
		return uint64(v.Process.PID), true
	case SourceNSPID:
		return uint64(v.Process.NSPID), true
	case SourceSets:
		return v.Process.Sets, true
	case SourceBinary:
		return uint64(v.Process.Binary), true
	case SourceBinaryEnd:
		return uint64(v.Process.BinaryEnd), true
	case SourceNamespace:
		return uint64(v.Process.Namespaces[d.Index]), true
	case SourceCaps:
		return v.Process.Caps[d.Index], true
	case SourceFlags:
		return v.Process.Flags, true
	case SourceParentSets:
		return v.Process.ParentSets, true
	case SourceParentBinary:
		return uint64(v.Process.ParentBinary), true
	case SourceParentBinaryEnd:
		return uint64(v.Process.ParentBinaryEnd), true
	case SourceNamespaceChanges:
		return v.Process.namespaceChanges(), true
	case SourceCapabilityChanges:
		return v.Process.Caps[d.Index] ^ v.Process.OldCaps[d.Index], true
	case SourceWorkload:
		return uint64(v.Process.Workload), true
	}
	return 0, false
}

// namespaceChanges returns a bit for each kind of namespace that has changed.
func (p *ProcessValues) namespaceChanges() uint64 {
	var changes uint64
	for kind, inode := range p.Namespaces {
		if inode != p.OldNamespaces[kind] {
			changes |= 1 << kind
		}
	}
	return changes
}

// lookupInterval finds the elementary interval that holds the value.
func (h *Hook) lookupInterval(d *Dim, value uint64) uint32 {
	if d.Signed {
		value ^= signBit
	}
	lo, hi := d.Base, d.Base+d.Len
	for hi-lo > 1 {
		if mid := lo + (hi-lo)/2; h.Table[mid].Key <= value {
			lo = mid
		} else {
			hi = mid
		}
	}
	return h.Table[lo].A
}

// lookupText returns the vector of a string. An object without a path, such
// as a pipe, counts as not read. The end of a truncated string is not known,
// and its beginning is equal to no value.
func (h *Hook) lookupText(d *Dim, v *Value) uint32 {
	if v.Failed || v.NoPath || len(v.Str) == 0 && h.Slots[d.Index].Type.isPath() {
		return d.None
	}
	if d.Kind == DimString {
		e := lookup(h.Strings, d.State, terminated(v.Str, v.Truncated))
		if e.Exact != 0 && int(e.Exact) != len(v.Str)+1 {
			return e.Else
		}
		return e.Vector
	}
	if v.Truncated {
		return d.None
	}
	return lookup(h.Strings, d.State, tail(v.Str)).Vector
}

// terminated returns the bytes that are looked up for a string.
func terminated(s []byte, truncated bool) []byte {
	if truncated {
		return s
	}
	return append(slices.Clip(s), 0)
}

// tail returns the last bytes of a string, reversed.
func tail(s []byte) []byte {
	s = slices.Clone(s[max(0, len(s)-MaxPostfix):])
	slices.Reverse(s)
	return s
}

// Classify returns the classes of a binary's path and the process sets that a
// process joins when it executes it.
func (t *ProcessTables) Classify(path string) (class, endClass uint32, sets uint64) {
	if len(t.Strings) == 0 {
		return 0, 0, 0
	}
	e := lookup(t.Strings, StateBinary, terminated([]byte(path), false))
	end := lookup(t.Strings, StateBinaryEnd, tail([]byte(path)))
	return e.Vector, end.Vector, e.Sets
}

// lookup follows a string through the states of a table and returns the entry
// that decides. Every state has an entry, so there is one.
func lookup(table []StringEntry, state uint32, s []byte) *StringEntry {
	for {
		chunk := s[:min(len(s), ChunkLen)]
		e := longest(table, state, chunk)
		s = s[len(chunk):]
		if len(e.Data) < ChunkLen || len(s) == 0 || e.Next == 0 {
			return e
		}
		state = e.Next
	}
}

// longest returns the entry of the state with the longest data that the chunk
// begins with. The entry before the place of the chunk in the sorted table
// shares with it at least as much as the one looked for.
func longest(table []StringEntry, state uint32, chunk []byte) *StringEntry {
	for {
		i := sort.Search(len(table), func(i int) bool {
			return cmp.Or(cmp.Compare(table[i].State, state), bytes.Compare(table[i].Data, chunk)) > 0
		})
		e := &table[i-1]
		if bytes.HasPrefix(chunk, e.Data) {
			return e
		}
		chunk = chunk[:commonPrefix(chunk, e.Data)]
	}
}

func commonPrefix(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
