// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"cmp"
	"math"
	"slices"
)

// signBit turns the order of signed integers into that of unsigned ones.
const signBit = 1 << 63

// span is an inclusive interval of keys.
type span struct{ lo, hi uint64 }

// ranges is a set of keys: spans that are sorted and neither overlap nor
// touch.
type ranges []span

// newRanges returns the union of the spans, which may come in any order.
func newRanges(spans []span) ranges {
	sorted := slices.SortedFunc(slices.Values(spans), func(a, b span) int { return cmp.Compare(a.lo, b.lo) })
	var out ranges
	for _, s := range sorted {
		last := len(out) - 1
		if last >= 0 && (out[last].hi == math.MaxUint64 || s.lo <= out[last].hi+1) {
			out[last].hi = max(out[last].hi, s.hi)
			continue
		}
		out = append(out, s)
	}
	return out
}

// complement returns all other keys.
func (r ranges) complement() ranges {
	var out ranges
	next := uint64(0)
	for _, s := range r {
		if s.lo > next {
			out = append(out, span{next, s.lo - 1})
		}
		if s.hi == math.MaxUint64 {
			return out
		}
		next = s.hi + 1
	}
	return append(out, span{next, math.MaxUint64})
}

// intersect returns the keys that are in both sets.
func (r ranges) intersect(other ranges) ranges {
	var out ranges
	for i, j := 0, 0; i < len(r) && j < len(other); {
		lo, hi := max(r[i].lo, other[j].lo), min(r[i].hi, other[j].hi)
		if lo <= hi {
			out = append(out, span{lo, hi})
		}
		if r[i].hi < other[j].hi {
			i++
		} else {
			j++
		}
	}
	return out
}
