// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"strings"

	"github.com/vedette-io/vedette/internal/nearest"
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
		if d := nearest.Distance(lower, strings.ToLower(string(c)), bestDistance); d < bestDistance {
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
