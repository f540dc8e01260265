// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// end is the byte behind every string that is looked up. No value contains
// it; buffers can.
const end = "\x00"

// payload is what an entry of a string table holds.
type payload struct {
	vector uint32
	sets   uint64
}

// trieKey identifies an entry of a string table.
type trieKey struct {
	state uint32
	data  string
}

// trie collects the entries of a string table. Literals are prefixes of what
// is looked up; an exact value is the literal that ends with NUL, which no
// value contains and every looked-up string has at its end.
type trie struct {
	entries []StringEntry
	index   map[trieKey]int
	state   uint32 // the last state in use
}

// newTrie returns a trie whose first states, up to reserved, are taken.
func newTrie(reserved uint32) *trie {
	return &trie{index: make(map[trieKey]int), state: reserved}
}

// newState returns a state that is not in use yet.
func (t *trie) newState() uint32 {
	t.state++
	return t.state
}

// add enters the literals, sorted and different, from a root state. Strings
// that begin with none of them get the payload base. The payload of a literal
// is complete: it counts the shorter literals that it begins with.
func (t *trie) add(root uint32, literals []string, base payload, payloads []payload) {
	t.put(root, "", base)
	var outer []int // the literals that the current one begins with
	for i, literal := range literals {
		for len(outer) > 0 && !strings.HasPrefix(literal, literals[outer[len(outer)-1]]) {
			outer = outer[:len(outer)-1]
		}
		shorter := base
		if len(outer) > 0 {
			shorter = payloads[outer[len(outer)-1]]
		}
		state, rest := root, literal
		for len(rest) > ChunkLen {
			state = t.follow(state, rest[:ChunkLen], shorter)
			rest = rest[ChunkLen:]
		}
		at := t.put(state, rest, payloads[i])
		if strings.HasSuffix(literal, end) {
			t.entries[at].Exact, t.entries[at].Else = uint32(len(literal)), shorter.vector
		}
		outer = append(outer, i)
	}
}

// follow returns the state behind a whole chunk of a literal. If no literal
// went there before, all shorter ones that it begins with end in this chunk
// or before, and the longest of them gives the payload p.
func (t *trie) follow(state uint32, chunk string, p payload) uint32 {
	i, ok := t.index[trieKey{state, chunk}]
	if !ok {
		i = t.put(state, chunk, p)
	}
	if t.entries[i].Next == 0 {
		next := t.newState()
		t.entries[i].Next = next
		t.put(next, "", p)
	}
	return t.entries[i].Next
}

// put sets the payload of an entry and returns the entry's index.
func (t *trie) put(state uint32, data string, p payload) int {
	key := trieKey{state, data}
	i, ok := t.index[key]
	if !ok {
		i = len(t.entries)
		t.index[key] = i
		t.entries = append(t.entries, StringEntry{State: state, Data: []byte(data)})
	}
	t.entries[i].Vector, t.entries[i].Sets = p.vector, p.sets
	return i
}

// table returns the entries sorted by state and data.
func (t *trie) table() []StringEntry {
	slices.SortFunc(t.entries, compareEntries)
	return t.entries
}

func compareEntries(a, b StringEntry) int {
	return cmp.Or(cmp.Compare(a.State, b.State), bytes.Compare(a.Data, b.Data), cmp.Compare(a.Bits, b.Bits))
}

// reversed returns the bytes of the text in reverse order.
func reversed(text string) string {
	b := []byte(text)
	slices.Reverse(b)
	return string(b)
}
