// SPDX-License-Identifier: Apache-2.0

package nearest

import (
	"slices"
	"strings"
	"testing"
)

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b        string
		limit, want int
	}{
		{"", "", 4, 0}, {"a", "", 4, 1}, {"open", "open", 4, 0}, {"opne", "open", 4, 1}, {"fd_instal", "fd_install", 4, 1},
		{"read", "write", 9, 4}, {"read", "write", 3, 3}, {"kitten", "sitting", 9, 3}, {"ab", "ba", 9, 1}, {"abcdefgh", "x", 4, 4},
	} {
		if got := Distance(test.a, test.b, test.limit); got != test.want {
			t.Errorf("Distance(%q, %q, %d) = %d, want %d", test.a, test.b, test.limit, got, test.want)
		}
		if got := Distance(test.b, test.a, test.limit); got != test.want {
			t.Errorf("Distance(%q, %q, %d) = %d, want %d", test.b, test.a, test.limit, got, test.want)
		}
	}
}

// TestDistanceLimit checks that a limit changes nothing below it.
func TestDistanceLimit(t *testing.T) {
	words := []string{"", "a", "ab", "ba", "open", "opne", "poen", "openat", "security_file_open", "file_open"}
	for _, a := range words {
		for _, b := range words {
			whole := Distance(a, b, 1000)
			for limit := range 6 {
				if got := Distance(a, b, limit); got != min(whole, limit) {
					t.Errorf("Distance(%q, %q, %d) = %d, want %d", a, b, limit, got, min(whole, limit))
				}
			}
		}
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"fd_install", "pmd_install", "vfs_read", "vfs_readv", "vfs_write", "vfs_readf", "vfs_reads", "vfs_read"}
	for word, want := range map[string]string{
		"fd_instal": "; did you mean fd_install or pmd_install?",
		"vfs_raed":  "; did you mean vfs_read, vfs_readf or vfs_reads?",
		"xyzzy":     "",
		"":          "",
		"vfs_wriet": "; did you mean vfs_write?",

		strings.Repeat("x", 4096): "",
	} {
		if got := Suggest(word, slices.Values(names)); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
