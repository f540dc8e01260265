// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"
	"testing"
)

func TestClosest(t *testing.T) {
	words := []string{"call", "return", "returnArg", "returnArgAction", "args", "matchBinaries", "Equal"}
	for word, want := range map[string]string{
		"cal": "call", "clal": "call", "CALL": "call", "arg": "args", "retrun": "return", "matchbinary": "matchBinaries",
		"eq": "Equal", "x": "", "": "", "something": "", strings.Repeat("a", 100): "",
	} {
		if got := closest(word, words); got != want {
			t.Errorf("closest to %q is %q, want %q", word, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "abd", 1},
		{"kitten", "sitting", 3}, {"abcdef", "ghijkl", 4}, {"a", "abcdefgh", 4},
	} {
		if got := editDistance(c.a, c.b, 4); got != c.want {
			t.Errorf("from %q to %q is %d, want %d", c.a, c.b, got, c.want)
		}
		if got := editDistance(c.b, c.a, 4); got != c.want {
			t.Errorf("from %q to %q is %d, want %d", c.b, c.a, got, c.want)
		}
	}
}
