// SPDX-License-Identifier: Apache-2.0

package compile

import "slices"

// builder turns a draft into a hook.
type builder struct {
	draft   *draft
	hook    *Hook
	classes *classes
	all     vector // every rule
	pool    *pool
	trie    *trie
	dims    map[dimKey]*dimDraft
	returns map[dimKey]*dimDraft
}

// build compiles one hook.
func build(d *draft, cls *classes) *Hook {
	b := &builder{
		draft: d, hook: &Hook{Key: d.key, Slots: d.slots, Many: d.many, NoMulti: d.noMulti}, classes: cls, trie: newTrie(0),
		dims: make(map[dimKey]*dimDraft), returns: make(map[dimKey]*dimDraft),
	}
	b.bits()
	b.pool = newPool(b.all)
	b.hook.Dims = b.dimensions(b.dims)
	b.hook.ReturnDims = b.dimensions(b.returns)
	b.hook.NumProc = slices.IndexFunc(b.hook.Dims, func(d Dim) bool {
		return d.Source.OfArgument()
	})
	if b.hook.NumProc < 0 {
		b.hook.NumProc = len(b.hook.Dims)
	}
	b.hook.Strings = b.trie.table()
	b.hook.Vectors = b.pool.vectors
	return b.hook
}

// bits numbers the rules: those of a group follow each other, and behind
// those of a group of several comes a guard.
func (b *builder) bits() {
	bits := 0
	for _, p := range b.draft.placed {
		bits += bitsOf(p.entry)
	}
	h := b.hook
	h.Words = (bits + 63) / 64
	b.all = make(vector, h.Words)
	h.Single, h.Start, h.Guard = make([]uint64, h.Words), make([]uint64, h.Words), make([]uint64, h.Words)
	next := uint16(0)
	for _, p := range b.draft.placed {
		g := p.entry.group
		g.Policy, g.FirstBit, g.Bits = p.policy, next, uint16(len(p.entry.rules))
		g.Args, g.Data = p.slots[:p.entry.numArgs], p.slots[p.entry.numArgs:]
		g.ReturnSlot = p.returnSlot
		for _, s := range p.entry.rules {
			b.rule(s, p.slots, next)
			next++
		}
		if g.Bits == 1 {
			vector(h.Single).set(g.FirstBit)
		} else {
			vector(h.Start).set(g.FirstBit)
			vector(h.Guard).set(next)
			next++
		}
		h.Groups = append(h.Groups, g)
	}
}

// bitsOf returns how many bits an entry takes, with its guard.
func bitsOf(e *entry) int {
	if len(e.rules) == 1 {
		return 1
	}
	return len(e.rules) + 1
}

// rule enters one rule and its conditions.
func (b *builder) rule(s *selector, slots []uint8, bit uint16) {
	r := s.rule
	r.Bit, r.Group = bit, uint16(len(b.hook.Groups))
	r.inSlots(slots)
	if r.Return != nil {
		at := *r.Return
		at.inSlots(slots)
		r.Return = &at
	}
	b.all.set(bit)
	b.hook.Rules = append(b.hook.Rules, r)
	b.hook.HasReturn = b.hook.HasReturn || r.Flags&RuleReturn != 0
	for i, key := range keysOfConditions(s.conditions, slots) {
		c := &s.conditions[i]
		into := b.dims
		if c.ofReturn {
			into = b.returns
		}
		if into[key] == nil {
			into[key] = &dimDraft{key: key}
		}
		into[key].terms = append(into[key].terms, term{bit, c, slots})
	}
}

// inSlots turns the positions in entry.args that the rule's actions name into
// the slots that are there.
func (r *Rule) inSlots(slots []uint8) {
	r.FDOps = slices.Clone(r.FDOps)
	for i := range r.FDOps {
		op := &r.FDOps[i]
		op.FD = slots[op.FD]
		if op.Kind != FDUnfollow {
			op.Other = slots[op.Other]
		}
	}
	if r.Flags&RuleTrackSock != 0 {
		r.Track = slots[r.Track]
	}
	if r.Flags&RuleUntrackSock != 0 {
		r.Untrack = slots[r.Untrack]
	}
	r.Sets = slices.Clone(r.Sets)
	for i := range r.Sets {
		r.Sets[i].Slot = slots[r.Sets[i].Slot]
	}
}

// dimensions builds the dimensions in the order in which they are looked at.
func (b *builder) dimensions(drafts map[dimKey]*dimDraft) []Dim {
	sorted := make([]dimDraft, 0, len(drafts))
	for _, d := range drafts {
		sorted = append(sorted, *d)
	}
	slices.SortFunc(sorted, compareDims)
	var out []Dim
	for _, d := range sorted {
		out = append(out, b.dim(d))
	}
	return out
}
