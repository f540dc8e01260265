// SPDX-License-Identifier: Apache-2.0

package compile

import "math"

func (v vector) has(bit uint16) bool { return v[bit/64]>>(bit%64)&1 != 0 }

// contradiction returns a dimension that no value satisfies the rule in, nil
// if each of them can be satisfied.
func (h *Hook) contradiction(bit uint16) *Dim {
	for _, dims := range [][]Dim{h.Dims, h.ReturnDims} {
		for i := range dims {
			if !h.satisfiable(&dims[i], bit) {
				return &dims[i]
			}
		}
	}
	return nil
}

// satisfiable reports whether any value satisfies the rule's conditions in a
// dimension.
func (h *Hook) satisfiable(d *Dim, bit uint16) bool {
	if vector(h.Vectors[d.None]).has(bit) {
		return true // it has none
	}
	if d.Kind == DimMask {
		return h.masksOf(d, bit).satisfiable()
	}
	vectors, ok := h.outcomes(d)
	if !ok {
		return true
	}
	for v := range vectors {
		if vector(h.Vectors[v]).has(bit) {
			return true
		}
	}
	return false
}

// covering returns for each bit the rules that match whatever its rule
// matches. What is known only when a call returns does not count: by then it
// is decided which rules act.
func (h *Hook) covering() []vector {
	out := make([]vector, 64*h.Words)
	for _, r := range h.Rules {
		out[r.Bit] = vector(h.Vectors[0]).clone()
	}
	for i := range h.Dims {
		d := &h.Dims[i]
		if d.Kind == DimMask {
			h.coverMasks(d, out)
		} else {
			h.coverVectors(d, out)
		}
	}
	return out
}

// coverVectors keeps for each rule those that are in every outcome that it is
// in.
func (h *Hook) coverVectors(d *Dim, covering []vector) {
	none := vector(h.Vectors[d.None])
	vectors, known := h.outcomes(d)
	for _, r := range h.Rules {
		c := covering[r.Bit]
		if !known || none.has(r.Bit) {
			c.and(none)
			continue
		}
		for v := range vectors {
			if vector(h.Vectors[v]).has(r.Bit) {
				c.and(h.Vectors[v])
			}
		}
	}
}

// outcomes are the vectors that values of a dimension lead to, false for
// kinds of dimensions that are not looked into.
func (h *Hook) outcomes(d *Dim) (map[uint32]bool, bool) {
	out := make(map[uint32]bool)
	switch d.Kind {
	case DimInterval:
		h.intervalOutcomes(d, out)
	case DimIndex:
		for _, e := range h.Table[d.Base : d.Base+d.Len] {
			out[e.A] = true
		}
	case DimString, DimPostfix:
		h.textOutcomes(d.State, out)
	default:
		return nil, false
	}
	return out, true
}

// intervalOutcomes leaves out what the type of the value cannot hold.
func (h *Hook) intervalOutcomes(d *Dim, out map[uint32]bool) {
	low, high := h.keys(d)
	rows := h.Table[d.Base : d.Base+d.Len]
	for i, e := range rows {
		last := uint64(math.MaxUint64)
		if i+1 < len(rows) {
			last = rows[i+1].Key - 1
		}
		if e.Key <= high && last >= low {
			out[e.A] = true
		}
	}
}

// keys are the least and the greatest key of a dimension's values.
func (h *Hook) keys(d *Dim) (low, high uint64) {
	t := TypeU64
	switch d.Source {
	case SourceArg:
		t = h.Slots[d.Index].Type
	case SourceReturn:
		t = SlotType(d.Index)
	case SourcePID, SourceNSPID, SourceNamespace, SourceWorkload:
		t = TypeU32
	}
	width := 64
	switch t {
	case TypeS8, TypeU8:
		width = 8
	case TypeS16, TypeU16:
		width = 16
	case TypeS32, TypeU32:
		width = 32
	}
	if d.Signed {
		return signBit - 1<<(width-1), signBit + (1<<(width-1) - 1)
	}
	return 0, math.MaxUint64 >> (64 - width)
}

// textOutcomes follows the states of a string table.
func (h *Hook) textOutcomes(root uint32, out map[uint32]bool) {
	reached := map[uint32]bool{root: true}
	// Entries come in the order of states, and states lead to later ones.
	for _, e := range h.Strings {
		if !reached[e.State] {
			continue
		}
		out[e.Vector] = true
		if e.Exact != 0 {
			out[e.Else] = true
		}
		if e.Next != 0 {
			reached[e.Next] = true
		}
	}
}

// masks are what a rule asks of the bits of a value: any of each of some, and
// none of others.
type masks struct {
	any  []uint64
	none uint64
}

// masksOf reads the conditions of a rule back from the table.
func (h *Hook) masksOf(d *Dim, bit uint16) masks {
	var m masks
	for _, e := range h.Table[d.Base : d.Base+d.Len] {
		if !vector(h.Vectors[e.B]).has(bit) {
			m.any = append(m.any, e.Key)
		}
		if !vector(h.Vectors[e.A]).has(bit) {
			m.none |= e.Key
		}
	}
	return m
}

func (m masks) satisfiable() bool {
	for _, mask := range m.any {
		if mask&^m.none == 0 {
			return false
		}
	}
	return true
}

// covers reports whether whatever satisfies other satisfies m.
func (m masks) covers(other masks) bool {
	if m.none&^other.none != 0 {
		return false
	}
	for _, mask := range m.any {
		within := false
		for _, o := range other.any {
			within = within || o&^other.none&^mask == 0
		}
		if !within {
			return false
		}
	}
	return true
}

// coverMasks keeps for each rule those that ask no more of the bits.
func (h *Hook) coverMasks(d *Dim, covering []vector) {
	of := make([]masks, len(h.Rules))
	for i, r := range h.Rules {
		of[i] = h.masksOf(d, r.Bit)
	}
	none := vector(h.Vectors[d.None])
	for i, r := range h.Rules {
		for j, by := range h.Rules {
			// A value that could not be read satisfies no condition.
			if !none.has(by.Bit) && (none.has(r.Bit) || !of[j].covers(of[i])) {
				covering[r.Bit].clear(by.Bit)
			}
		}
	}
}
