// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"maps"
	"slices"
)

// addresses enters networks into the string table and returns the root of
// those of IPv6; that of IPv4 is the state behind it. The literals are those of
// [addressLiteral].
func (b *builder) addresses(terms []term) uint32 {
	set := make(map[string]bool)
	for _, t := range terms {
		mark(set, t.condition.literals)
	}
	s := newSweep(b.all, terms)
	base := b.pool.add(s.rules)
	root := b.trie.newState()
	b.trie.newState()
	for _, all := range []string{"6", "4"} {
		if !set[all] {
			b.trie.network(root, all, base)
		}
	}
	literals := slices.Sorted(maps.Keys(set))
	s.run(literals, func(i int, rules vector) { b.trie.network(root, literals[i], b.pool.add(rules)) })
	return root
}

// network enters one network, which is not in the trie yet.
func (t *trie) network(root uint32, literal string, vector uint32) {
	data, bits := literalNetwork(literal)
	e := StringEntry{State: root, Data: data, Bits: bits, Vector: vector}
	if literal[0] == '4' {
		e.State++
	}
	t.entries = append(t.entries, e)
}

// exactly returns the entry of a table with the key of another, or nil.
func exactly(table []StringEntry, key *StringEntry) *StringEntry {
	i, found := slices.BinarySearchFunc(table, *key, compareEntries)
	if !found {
		return nil
	}
	return &table[i]
}
