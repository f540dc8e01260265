// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"maps"
	"slices"
)

// addresses enters the networks of IPv6 into the string table and returns
// their root. The literals are those of [addressLiteral].
func (b *builder) addresses(terms []term) uint32 {
	// The whole of IPv6 is always there: it is the state's default.
	set := map[string]bool{"": true}
	for _, t := range terms {
		mark(set, t.condition.literals)
	}
	root := b.trie.newState()
	literals := slices.Sorted(maps.Keys(set))
	newSweep(b.all, terms).run(literals, func(i int, rules vector) {
		data, bits := literalNetwork(literals[i])
		b.trie.entries = append(b.trie.entries, StringEntry{State: root, Data: data, Bits: bits, Vector: b.pool.add(rules)})
	})
	return root
}

// exactly returns the entry of a table with the key of another, or nil.
func exactly(table []StringEntry, key *StringEntry) *StringEntry {
	i, found := slices.BinarySearchFunc(table, *key, compareEntries)
	if !found {
		return nil
	}
	return &table[i]
}
