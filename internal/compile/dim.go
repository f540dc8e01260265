// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"cmp"
	"maps"
	"math"
	"math/bits"
	"slices"
)

// term is a condition of a rule.
type term struct {
	bit       uint16
	condition *condition
	slots     []uint8 // of the entry's arguments
}

// dimDraft is a dimension with its conditions, in the order of the rules.
type dimDraft struct {
	key   dimKey
	terms []term
}

// rank orders dimensions: those of the process first, since they decide
// without reading an argument, and cheap ones before strings.
func (k dimKey) rank() int {
	switch k.source {
	case SourcePID:
		return 0
	case SourceNSPID:
		return 1
	case SourceFlags:
		return 2
	case SourceSets, SourceParentSets:
		return 3
	case SourceBinary, SourceBinaryEnd, SourceParentBinary, SourceParentBinaryEnd:
		return 4
	case SourceNamespace, SourceWorkload:
		return 5
	case SourceCaps, SourceNamespaceChanges, SourceCapabilityChanges:
		return 6
	}
	switch k.kind {
	case DimExpression:
		return 8
	case DimAddress, DimString:
		return 9
	case DimPostfix:
		return 10
	case DimSubstring:
		return 11
	}
	return 7
}

// order orders the dimensions of one text.
func (k dimKey) order() int {
	if k.fold {
		return 256 + int(k.nth)
	}
	return int(k.nth)
}

func compareDims(a, b dimDraft) int {
	return cmp.Or(
		cmp.Compare(a.key.rank(), b.key.rank()),
		cmp.Compare(a.key.source, b.key.source),
		cmp.Compare(a.key.index, b.key.index),
		cmp.Compare(a.key.other, b.key.other),
		cmp.Compare(a.key.kind, b.key.kind),
		cmp.Compare(a.key.order(), b.key.order()),
		cmp.Compare(a.key.field.Offset, b.key.field.Offset),
	)
}

// dim builds the tables of one dimension.
func (b *builder) dim(d dimDraft) Dim {
	out := Dim{
		Kind: d.key.kind, Source: d.key.source, Index: d.key.index, Other: d.key.other, Field: d.key.field,
		Signed: d.terms[0].condition.signed,
		Base:   uint32(len(b.hook.Table)), None: b.none(d.terms),
	}
	switch d.key.kind {
	case DimInterval:
		out.Len = b.intervals(d.terms)
		return out
	case DimMask:
		b.masks(d.terms)
	case DimIndex:
		b.index(d.terms, b.classes.of(d.key.source))
	case DimExpression:
		b.expressions(d)
	case DimAddress:
		out.State = b.addresses(d.terms)
		out.Len = b.intervals(d.terms)
		return out
	case DimString, DimPostfix:
		out.State = b.text(d.terms)
		out.Base = 0
		return out
	case DimSubstring:
		b.substrings(d, &out)
		return out
	}
	out.Len = uint32(len(b.hook.Table)) - out.Base
	return out
}

// none returns the vector of the rules without a condition in the dimension.
func (b *builder) none(terms []term) uint32 {
	v := b.all.clone()
	for _, t := range terms {
		v.clear(t.bit)
	}
	return b.pool.add(v)
}

// edge is a key from which on a rule is satisfied, or is not any more.
type edge struct {
	key       uint64
	bit       uint16
	satisfied bool
}

// intervals cuts the line of keys where any rule's verdict changes, and
// returns how many intervals there are.
func (b *builder) intervals(terms []term) uint32 {
	base := len(b.hook.Table)
	v := b.all.clone()
	var edges []edge
	for bit, keys := range intersections(terms) {
		v.clear(bit)
		for _, s := range keys {
			edges = append(edges, edge{s.lo, bit, true})
			if s.hi != math.MaxUint64 {
				edges = append(edges, edge{s.hi + 1, bit, false})
			}
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Compare(a.key, b.key) })
	for i, key := 0, uint64(0); ; key = edges[i].key {
		for ; i < len(edges) && edges[i].key == key; i++ {
			if edges[i].satisfied {
				v.set(edges[i].bit)
			} else {
				v.clear(edges[i].bit)
			}
		}
		b.hook.Table = append(b.hook.Table, Entry{Key: key, A: b.pool.add(v)})
		if i == len(edges) {
			break
		}
	}
	n := len(b.hook.Table) - base
	last := b.hook.Table[base+n-1].A
	for range paddedIntervals(n) - n {
		b.hook.Table = append(b.hook.Table, Entry{Key: math.MaxUint64, A: last})
	}
	return uint32(n)
}

// MaxTable is how many rows the tables of a hook's numbers can have: each half
// of them is one value of a map, which has 4 MB at most on kernels before 5.14
// (KMALLOC_MAX_SIZE), and a search takes at most VD_MAX_STEPS steps.
const MaxTable = 1 << 18

// paddedIntervals is how many rows n intervals take: a power of two, so that a
// search among them needs no look at where they end.
func paddedIntervals(n int) int { return 1 << IntervalSteps(uint32(n)) }

// IntervalSteps is how many steps a binary search among n intervals takes. It
// is no less than 3, so that a few more intervals do not ask for another
// program.
func IntervalSteps(n uint32) uint32 { return uint32(max(bits.Len32(n-1), 3)) }

// intersections returns for each rule the keys that satisfy all its
// conditions. A rule's spans never touch, so no rule has two edges at a key.
func intersections(terms []term) map[uint16]ranges {
	out := make(map[uint16]ranges)
	for _, t := range terms {
		if have, ok := out[t.bit]; ok {
			out[t.bit] = have.intersect(t.condition.keys)
		} else {
			out[t.bit] = t.condition.keys
		}
	}
	return out
}

// masks builds one entry for each different mask.
func (b *builder) masks(terms []term) {
	type pair struct{ set, unset vector }
	byMask := make(map[uint64]pair)
	for _, t := range terms {
		p, ok := byMask[t.condition.mask]
		if !ok {
			p = pair{b.all.clone(), b.all.clone()}
			byMask[t.condition.mask] = p
		}
		if t.condition.negated {
			p.set.clear(t.bit)
		} else {
			p.unset.clear(t.bit)
		}
	}
	for _, mask := range slices.Sorted(maps.Keys(byMask)) {
		p := byMask[mask]
		b.hook.Table = append(b.hook.Table, Entry{Key: mask, A: b.pool.add(p.set), B: b.pool.add(p.unset)})
	}
}

// index builds one entry for each class of binaries; class 0 is the one that
// begins with no literal.
func (b *builder) index(terms []term, literals []string) {
	s := newSweep(b.all, terms)
	b.hook.Table = append(b.hook.Table, Entry{A: b.pool.add(s.rules)})
	s.run(literals, func(_ int, rules vector) {
		b.hook.Table = append(b.hook.Table, Entry{A: b.pool.add(rules)})
	})
}

// text enters the literals into the string table and returns their root.
func (b *builder) text(terms []term) uint32 {
	set := make(map[string]bool)
	for _, t := range terms {
		mark(set, t.condition.literals)
	}
	literals := slices.Sorted(maps.Keys(set))
	s := newSweep(b.all, terms)
	base := payload{vector: b.pool.add(s.rules)}
	payloads := make([]payload, len(literals))
	s.run(literals, func(i int, rules vector) { payloads[i].vector = b.pool.add(rules) })
	root := b.trie.newState()
	b.trie.add(root, literals, base, payloads)
	return root
}
