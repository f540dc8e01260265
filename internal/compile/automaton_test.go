// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

// substringPolicy is a policy on the path of openat.
func substringPolicy(tb testing.TB, name string, values []string, operator string) *policy.Policy {
	tb.Helper()
	var quoted []string
	for _, v := range values {
		quoted = append(quoted, fmt.Sprintf("%q", v))
	}
	return mustParse(tb, spec(name, "  kprobes:\n  - call: sys_openat\n    args: [{index: 1, type: string}]\n    selectors:\n    - matchArgs: [{index: 1, operator: "+
		operator+", values: ["+strings.Join(quoted, ", ")+"]}]\n"))
}

// TestSubstrings compares automata of random values with strings.Contains,
// also with more different bytes than ASCII has.
func TestSubstrings(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func(letters, n int) string {
		b := make([]rune, random.IntN(n))
		for i := range b {
			b[i] = 'A' + rune(random.IntN(letters))
		}
		return string(b)
	}
	for range 300 {
		letters := []int{2, 4, 60, 400}[random.IntN(4)]
		var values []string
		for range 1 + random.IntN(20) {
			values = append(values, text(letters, 6))
		}
		h := mustHook(t, mustCompile(t, substringPolicy(t, "s", values, "SubString"), substringPolicy(t, "f", values, "SubStringIgnCase")), "openat")
		for range 30 {
			s := text(letters, 40)
			var exact, folded bool
			for _, v := range values {
				exact = exact || strings.Contains(s, v)
				folded = folded || strings.Contains(asciiLower(s), asciiLower(v))
			}
			got := h.Match(&compile.Values{Args: []compile.Value{{Str: []byte(s)}}})[0]
			if want := uint64(truth(exact) | truth(folded)<<1); got != want {
				t.Fatalf("%q in %q: rules %b, want %b", values, s, got, want)
			}
		}
	}
}

func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZ", r) {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestSubstringLimit checks that the policy whose substrings have no room is
// refused with the number.
func TestSubstringLimit(t *testing.T) {
	var values []string
	for i := range 200 {
		values = append(values, fmt.Sprintf("%04d", i)+strings.Repeat("xy", 650))
	}
	_, err := compile.Compile(input(substringPolicy(t, "a", values[:20], "SubString"), substringPolicy(t, "b", values, "SubString"),
		substringPolicy(t, "c", values[:25], "SubString")))
	checkRefused(t, err, 1, "bytes of tables, the limit is 2097152")
}
