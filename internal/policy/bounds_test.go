// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strings"
	"testing"
)

// repeat returns n texts with their number, one after the other.
func repeat(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// TestHostileTextsAreBounded parses texts that are made to cost more than
// their size. They must be refused with few diagnostics; that they take the
// time of any text shows in the time of the test.
func TestHostileTextsAreBounded(t *testing.T) {
	for _, c := range []struct{ name, text, message string }{
		{"macro used often", header + "  selectorsMacros:\n    m: {matchPIDs: [" + strings.Repeat("{operator: In, values: [ 1 ]},", 5000) + "]}\n  kprobes:\n" +
			strings.Repeat("  - {call: sys_read, selectors: [ {macros: [ m ]}, {macros: [ m ]} ]}\n", 500), "macros expand to more than"},
		{"many macros", header + "  selectorsMacros:\n" + repeat(2000, "    m%d: {label: a}\n"), "2000 macros, the limit is 1024"},
		{"selector with many macros", kprobe("    selectors:\n    - macros: [" + strings.Repeat("m,", 50_000) + "]\n"), "50000 macros, the limit is 1024"},
		{"many unknown macros", header + "  kprobes:\n" + strings.Repeat("  - {call: sys_read, selectors: [ {macros: [ m ]} ]}\n", 15_000), "more than 1000 errors"},
		{"many lists", header + "  lists:\n" + repeat(20_000, "  - {name: l%d, values: [ a ]}\n"), "20000 lists, the limit is 1024"},
		{"many unknown lists", header + "  lists:\n" + repeat(1000, "  - {name: some%d, values: [ a ]}\n") + "  kprobes:\n" + repeat(20_000, "  - {call: \"list:sime%d\"}\n"), "more than 1000 errors"},
		{"many unknown fields", kprobe(repeat(40_000, "    field%d: 1\n")), "more than 1000 errors"},
		{"many args and filters", kprobe("    args: [" + strings.Repeat("{index: 1, type: int},", 10_000) + "]\n    selectors:\n    - matchArgs: [" +
			strings.Repeat("{index: 0, operator: Equal, values: [a]},", 10_000) + "]\n"), "10000 args and data"},
		{"many broken args and filters", kprobe("    selectors:\n    - matchArgs: [" + strings.Repeat("{index: a, operator: Equal, values: [a]},", 20_000) + "]\n"), "more than 1000 errors"},
		{"long list overridden often", header + "  lists:\n  - {name: l, values: [" + strings.Repeat("sys_a,", 40_000) + " f ]}\n  kprobes:\n  - call: \"list:l\"\n    selectors:\n" +
			strings.Repeat("    - matchActions: [ {action: Override} ]\n", 10_000), "more than 1000 errors"},
	} {
		t.Run(c.name, func(t *testing.T) {
			policies, diags := Parse("", []byte(c.text))
			found := false
			for _, d := range diags {
				found = found || strings.Contains(d.Message, c.message)
			}
			if !found || len(policies) > 0 || len(diags) > 2*(maxDiagnostics+1) {
				t.Errorf("%d policies and %d diagnostics: %v", len(policies), len(diags), diags[:min(3, len(diags))])
			}
		})
	}
}

// TestManyWarningsAreNoError expects that a policy with more warnings than
// are shown is usable, and that they do not hide an error behind them.
func TestManyWarningsAreNoError(t *testing.T) {
	text := selector("      matchBinaries:\n      - {operator: In, values: [" + repeat(2000, "b%d,") + "]}\n")
	if policies, diags := Parse("", []byte(text)); len(policies) != 1 || len(diags) != maxDiagnostics+1 {
		t.Errorf("%d policies, %d diagnostics", len(policies), len(diags))
	}
	text += "  - {call: \"list:none\"}\n"
	if policies, diags := Parse("", []byte(text)); len(policies) != 0 || !HasErrors(diags) {
		t.Errorf("%d policies, %d diagnostics without error", len(policies), len(diags))
	}
}
