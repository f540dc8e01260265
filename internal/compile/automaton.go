// SPDX-License-Identifier: Apache-2.0

package compile

import "encoding/binary"

// MaxAutomata is how many words (of 32 bits) the automata of a hook's
// substrings can have. The kernel masks indexes into them, so that it is a
// power of two; a map's value has 4 MB at most (KMALLOC_MAX_SIZE).
const MaxAutomata = 1 << 19

// classWords is how many words hold the classes of the 256 bytes.
const classWords = 256 / 4

// pairWords hold the pair of bytes that a text is searched for before the
// automaton reads it: both, and what is ORed to the text, each eight times.
const pairWords = 3 * 2

// headWords are before the rows of an automaton.
const headWords = classWords + pairWords

// finalState marks second rows.
const finalState = 1 << 31

// finalWords are before a second row: the first row of the state, and the
// vector.
const finalWords = 2

// lower returns the text with the ASCII capitals as small letters.
func lower(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// automaton is an Aho-Corasick automaton while it is built. State 0 is the
// one in which texts begin.
type automaton struct {
	classes [256]uint8 // class 0 are the bytes that no value has
	width   int        // how many classes there are
	// next has the following state by state and class.
	next [][]int
	// ends are the values that end in a state, as indexes.
	ends [][]int
	// pair are two bytes that follow each other in the only value, and what is
	// ORed to texts and them; zeroes where there are several.
	pair [3]byte
}

// newAutomaton builds the automaton of values, none of which is empty. With
// fold, capitals count as small letters, which the values have.
func newAutomaton(values []string, fold bool) *automaton {
	a := &automaton{width: 1}
	for _, v := range values {
		for i := range len(v) {
			a.class(v[i], fold)
		}
	}
	a.state()
	for i, v := range values {
		a.insert(v, i)
	}
	a.link()
	if len(values) == 1 {
		a.pair = rarePair(values[0], fold)
	}
	return a
}

// class gives a byte a class of its own.
func (a *automaton) class(c byte, fold bool) {
	if a.classes[c] != 0 {
		return
	}
	a.classes[c] = uint8(a.width)
	if fold && 'a' <= c && c <= 'z' {
		a.classes[c-'a'+'A'] = uint8(a.width)
	}
	a.width++
}

func (a *automaton) state() int {
	a.next = append(a.next, make([]int, a.width))
	a.ends = append(a.ends, nil)
	return len(a.next) - 1
}

func (a *automaton) insert(value string, index int) {
	at := 0
	for i := range len(value) {
		class := a.classes[value[i]]
		if a.next[at][class] == 0 {
			to := a.state()
			a.next[at][class] = to
		}
		at = a.next[at][class]
	}
	a.ends[at] = append(a.ends[at], index)
}

// link completes the tree: a state without a following one goes where the
// longest proper end of its text that is a state goes.
func (a *automaton) link() {
	longest := make([]int, len(a.next))
	var queue []int
	for _, to := range a.next[0] {
		if to != 0 {
			queue = append(queue, to)
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		back := longest[at]
		a.ends[at] = append(a.ends[at], a.ends[back]...)
		for class, to := range a.next[at] {
			if to == 0 {
				a.next[at][class] = a.next[back][class]
				continue
			}
			longest[to] = a.next[back][class]
			queue = append(queue, to)
		}
	}
}

// maxNarrow is how many classes fit in a byte as offsets in a row.
const maxNarrow = 64

// isWide reports whether the classes are numbers, and not offsets in a row.
func (a *automaton) isWide() bool { return a.width > maxNarrow }

// rows are where the rows of an automaton are, by state; final ones are the
// second rows of the states in which values end.
type rows struct{ plain, final []uint32 }

// place gives all rows a place, the first one behind word at.
func (a *automaton) place(at uint32) rows {
	r := rows{make([]uint32, len(a.next)), make([]uint32, len(a.next))}
	for state := range a.next {
		r.plain[state] = 4 * at
		at += uint32(a.width)
		if len(a.ends[state]) > 0 {
			at += finalWords
			r.final[state] = 4*at | finalState
			at += uint32(a.width)
		}
	}
	return r
}

// words returns the automaton as the kernel program reads it (see
// [DimSubstring]) for a table in which it begins at word base: its words,
// which of them are vectors, and its first state.
func (a *automaton) words(base uint32, vector func(ends []int) uint32) (words, vectors []uint32, first uint32) {
	classes := a.classes
	if !a.isWide() {
		for i := range classes {
			classes[i] *= 4
		}
	}
	words = make([]uint32, headWords)
	for i := range classWords {
		words[i] = binary.NativeEndian.Uint32(classes[4*i:])
	}
	for i, b := range a.pair {
		words[classWords+2*i], words[classWords+2*i+1] = uint32(b)*eachByte, uint32(b)*eachByte
	}
	r := a.place(base + headWords)
	for state, row := range a.next {
		for _, to := range row {
			if len(a.ends[to]) > 0 {
				words = append(words, r.final[to])
			} else {
				words = append(words, r.plain[to])
			}
		}
		if len(a.ends[state]) == 0 {
			continue
		}
		vectors = append(vectors, base+uint32(len(words))+1)
		words = append(words, r.plain[state], vector(a.ends[state]))
		for range row {
			words = append(words, r.final[state])
		}
	}
	return words, vectors, r.plain[0]
}

// automatonBounds returns between which numbers of words the automaton of the
// values needs, without building it: values can end in any state, as ends of
// what leads there.
func automatonBounds(values []string) (least, most int) {
	states, bytes, before := 1, make(map[byte]bool), ""
	for _, v := range values {
		states += len(v) - commonPrefix([]byte(v), []byte(before))
		before = v
		for i := range len(v) {
			bytes[v[i]] = true
		}
	}
	width := 1 + len(bytes)
	return headWords + states*width, headWords + states*(2*width+finalWords)
}

// automatonWords returns how many words the automaton of the values needs, or
// a number above MaxAutomata where it is too large to be built.
func automatonWords(values []string, fold bool) int {
	if least, _ := automatonBounds(values); least > MaxAutomata {
		return least
	}
	words, _, _ := newAutomaton(values, fold).words(0, func([]int) uint32 { return 0 })
	return len(words)
}
