// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// chdirPolicy is a policy on a system call with one filter on its path.
func chdirPolicy(operator, value string) string {
	return policyOf("  kprobes:\n  - call: sys_chdir\n    syscall: true\n    args: [{index: 0, type: string}]\n    selectors:\n    - matchArgs: [{index: 0, operator: " +
		operator + ", values: [" + value + "]}]\n")
}

// BenchmarkChange puts one more policy on a hook that is attached, and tells
// the fastest and the mean time in milliseconds: where only tables change, and
// where the program changes, as with the first filter of its kind.
func BenchmarkChange(b *testing.B) {
	for _, c := range []struct{ name, before, added string }{
		{"tables", "Prefix", "Prefix"}, {"program/Postfix", "Prefix", "Postfix"}, {"program/SubString", "Prefix", "SubString"},
	} {
		b.Run(c.name, func(b *testing.B) {
			_, engine := mustEngine(b, Options{})
			const others = 5 // so many that the program has room for one more
			var texts []string
			for i := range others {
				texts = append(texts, chdirPolicy(c.before, fmt.Sprint("/no/such/", i)))
			}
			before, after := mustPlan(b, texts...), mustPlan(b, append(texts, chdirPolicy(c.added, "nothing"))...)
			least, sum, n := math.Inf(1), 0.0, 0
			for b.Loop() {
				mustApply(b, engine, before)
				began := time.Now()
				mustApply(b, engine, after)
				took := float64(time.Since(began)) / float64(time.Millisecond)
				least, sum, n = min(least, took), sum+took, n+1
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(least, "least-ms")
			b.ReportMetric(sum/float64(n), "ms")
		})
	}
}
