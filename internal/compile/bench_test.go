// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

// manyRules returns policies with n rules on one hook, each with a prefix, a
// range and a binary of its own.
func manyRules(tb testing.TB, n int) []*policy.Policy {
	tb.Helper()
	var policies []*policy.Policy
	for i := range n {
		policies = append(policies, readPolicy(tb, fmt.Sprintf("p%d", i), "[{index: 1, type: string}, {index: 2, type: size_t}]",
			fmt.Sprintf(`[{matchBinaries: [{operator: NotIn, values: [/usr/bin/tool%d]}], matchArgs: [
				{index: 1, operator: Prefix, values: [/srv/%d/secrets/, /srv/%d/keys/]}, {index: 2, operator: InRange, values: ["%d:%d"]}]}]`,
				i, i, i, i, i+100)))
	}
	return policies
}

// BenchmarkCompile compiles rules on one hook.
func BenchmarkCompile(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			in := input(manyRules(b, n)...)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := compile.Compile(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMatch looks an event up as the kernel program does.
func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			h := mustHook(b, mustCompile(b, manyRules(b, n)...), "read")
			v := &compile.Values{Args: []compile.Value{{Str: []byte("/srv/0/keys/private")}, {Int: 50}}}
			for b.Loop() {
				h.Winners(h.Match(v))
			}
		})
	}
}
