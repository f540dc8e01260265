// SPDX-License-Identifier: Apache-2.0

package compile

import "testing"

func TestRarePair(t *testing.T) {
	for _, c := range []struct {
		value string
		fold  bool
		want  [3]byte
	}{
		{"", false, [3]byte{}},
		{"x", false, [3]byte{}},
		{"x", true, [3]byte{}},
		{"ab", false, [3]byte{'a', 'b', 0}},
		{"see /QX", false, [3]byte{'Q', 'X', 0}},
		{"eeezeee", false, [3]byte{'e', 'z', 0}},
		{"a_z", true, [3]byte{'_' | 0x20, 'z', 0x20}},
	} {
		if got := rarePair(c.value, c.fold); got != c.want {
			t.Errorf("rarePair(%q, %v) = %v, want %v", c.value, c.fold, got, c.want)
		}
	}
}

// TestPairIsOfTheOnlyValue checks that texts are not turned away for want of a
// pair where several values are looked for.
func TestPairIsOfTheOnlyValue(t *testing.T) {
	if a := newAutomaton([]string{"/QX"}, false); a.pair != [3]byte{'Q', 'X', 0} {
		t.Errorf("pair %v of one value", a.pair)
	}
	if a := newAutomaton([]string{"/QX", "nothing"}, false); a.pair != [3]byte{} {
		t.Errorf("pair %v of two values", a.pair)
	}
}
