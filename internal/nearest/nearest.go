// SPDX-License-Identifier: Apache-2.0

package nearest

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// maxLength bounds the words that names are looked for, in bytes, since the
// distance costs the product of the lengths.
const maxLength = 128

// maxNames is how many names are told.
const maxNames = 3

// Suggest returns the end of a message about an unknown word, with the names
// that are near to it, nearest first: "; did you mean a, b or c?". It is empty where none is near.
func Suggest(word string, names iter.Seq[string]) string {
	near := Names(word, names)
	if len(near) == 0 {
		return ""
	}
	last := len(near) - 1
	if last == 0 {
		return "; did you mean " + near[0] + "?"
	}
	return "; did you mean " + strings.Join(near[:last], ", ") + " or " + near[last] + "?"
}

// limitOf returns the distance that is too far from a word.
func limitOf(word string) int { return 1 + min(1+len(word)/4, 3) }

// Near reports whether a name is near enough to a word to be told.
func Near(word, name string) bool {
	return word != "" && len(word) <= maxLength && Distance(word, name, limitOf(word)) < limitOf(word)
}

// Names returns up to three of the names that are near to a word, nearest
// first: it takes at most three changes to make one of the other, fewer for
// short words.
func Names(word string, names iter.Seq[string]) []string {
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	for name := range names {
		if !Near(word, name) {
			continue
		}
		if d := Distance(word, name, limitOf(word)); !slices.ContainsFunc(near, func(c candidate) bool { return c.name == name }) {
			near = append(near, candidate{name, d})
			slices.SortFunc(near, func(a, b candidate) int {
				return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
			})
			near = near[:min(len(near), maxNames)]
		}
	}
	found := make([]string, len(near))
	for i, c := range near {
		found[i] = c.name
	}
	return found
}

// Distance returns how many insertions, deletions, replacements and exchanges
// of neighbours turn a into b, or limit where it is at least that.
func Distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			replaced := above[j]
			if a[i] != b[j] {
				replaced++
			}
			row[j+1] = min(replaced, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		if slices.Min(row) >= limit {
			return limit
		}
		before, above, row = above, row, before
	}
	return min(above[len(b)], limit)
}
