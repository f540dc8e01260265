// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"strings"
)

// maxSuggestLength bounds the words that suggestions are looked for, since
// the distance costs the product of the lengths.
const maxSuggestLength = 64

// shortForms are abbreviations that users write for a word of the schema.
var shortForms = map[string]string{
	"eq": "Equal", "equals": "Equal", "neq": "NotEqual", "ne": "NotEqual",
	"kill": "Sigkill", "unsigned int": "uint32", "u8": "uint8", "u16": "uint16", "u32": "uint32",
	"u64": "uint64", "char *": "string",
}

// closest returns the candidate that the word most likely stands for, or ""
// where none is near.
func closest[T ~string](word string, candidates []T) string {
	if word == "" || len(word) > maxSuggestLength {
		return ""
	}
	lower := strings.ToLower(word)
	if full, ok := shortForms[lower]; ok && slices.Contains(candidates, T(full)) {
		return full
	}
	best, bestDistance := "", 1+max(1, min(3, len(word)/3))
	for _, c := range candidates {
		if d := editDistance(lower, strings.ToLower(string(c)), bestDistance); d < bestDistance {
			best, bestDistance = string(c), d
		}
	}
	return best
}

// didYouMean returns the suggestion of the closest candidate, or "".
func didYouMean[T ~string](word string, candidates []T) string {
	if c := closest(word, candidates); c != "" {
		return "did you mean " + quote(c) + "?"
	}
	return ""
}

// oneOf returns the suggestion for a value of an enumeration: the closest
// candidate, or all of them where they are few.
func oneOf[T ~string](word string, candidates []T) string {
	if s := didYouMean(word, candidates); s != "" {
		return s
	}
	if len(candidates) > 16 {
		return ""
	}
	names := make([]string, len(candidates))
	for i, c := range candidates {
		names[i] = string(c)
	}
	return "it is one of " + strings.Join(names, ", ")
}

// editDistance returns how many insertions, deletions, replacements and
// exchanges of neighbours turn a into b, or limit where it is at least that.
func editDistance(a, b string, limit int) int {
	if abs(len(a)-len(b)) >= limit {
		return limit
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return min(above[len(b)], limit)
}

func abs(n int) int { return max(n, -n) }
