// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/vedette-io/vedette/internal/policy"
)

// substringFilter understands a filter on what is in a string.
func (f *frontend) substringFilter(slot *Slot, position uint8, a *policy.ArgFilter, path string) []condition {
	c := condition{
		kind: DimSubstring, source: SourceArg, index: position,
		fold: a.Operator == policy.OpSubStringIgnCase,
	}
	for i, v := range a.Values {
		l, ok := f.literal(v, formPrefix, int(slot.Max), policy.ItemPath(path+".values", i))
		if !ok {
			continue
		}
		if c.fold {
			l = lower(l)
		}
		c.literals = append(c.literals, l)
	}
	return []condition{c}
}

// keysOfConditions returns the dimension of each condition of one rule. A
// second condition of the rule on the substrings of the same text is in
// another dimension: a dimension says that one of a rule's values was found,
// not of which condition it was.
func keysOfConditions(conditions []condition, slots []uint8) []dimKey {
	keys := make([]dimKey, len(conditions))
	for i := range conditions {
		k := conditions[i].key(slots)
		for k.kind == DimSubstring && slices.Contains(keys[:i], k) {
			k.nth++
		}
		keys[i] = k
	}
	return keys
}

// substrings builds the automaton of a dimension.
func (b *builder) substrings(d dimDraft, out *Dim) {
	set := make(map[string]bool)
	wanted := make(map[string][]uint16) // the rules that each value satisfies
	nothing := b.all.clone()
	for _, t := range d.terms {
		nothing.clear(t.bit)
	}
	for _, t := range d.terms {
		for _, l := range t.condition.literals {
			if l == "" {
				nothing.set(t.bit) // which every text has
				continue
			}
			set[l] = true
			wanted[l] = append(wanted[l], t.bit)
		}
	}
	values := slices.Sorted(maps.Keys(set))
	a := newAutomaton(values, d.key.fold)
	words, vectors, first := a.words(uint32(len(b.hook.Automata)), func(ends []int) uint32 {
		found := make(vector, len(b.all))
		for _, i := range ends {
			for _, bit := range wanted[values[i]] {
				found.set(bit)
			}
		}
		return b.pool.add(found)
	})
	out.Base, out.State, out.Len = 4*uint32(len(b.hook.Automata)), first, b.pool.add(nothing)
	out.Wide = a.isWide()
	b.hook.Automata = append(b.hook.Automata, words...)
	b.hook.AutomataVectors = append(b.hook.AutomataVectors, vectors...)
}

// lookupSubstrings returns the vector of a string by the automaton of a
// dimension.
func (h *Hook) lookupSubstrings(d *Dim, v *Value) vector {
	if v.Failed || v.NoPath || len(v.Str) == 0 && h.Slots[d.Index].Type.isPath() {
		return h.Vectors[d.None]
	}
	found := vector(h.Vectors[d.Len]).clone()
	state := d.State
	for _, c := range v.Str {
		class := h.class(d, c)
		state = h.Automata[(state+class)/4]
		if state&finalState != 0 {
			before := h.Automata[state&^finalState/4-finalWords:]
			state = before[0]
			found.or(h.Vectors[before[1]])
		}
	}
	return found
}

// class returns where the state that follows by a byte is in a row, in bytes.
func (h *Hook) class(d *Dim, c byte) uint32 {
	var classes [4]byte
	binary.NativeEndian.PutUint32(classes[:], h.Automata[d.Base/4+uint32(c)/4])
	class := uint32(classes[c%4])
	if d.Wide {
		return 4 * class
	}
	return class
}
