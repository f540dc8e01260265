// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"os"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

// mustParse returns the one policy of a text.
func mustParse(tb testing.TB, text string) *policy.Policy {
	tb.Helper()
	policies, diags := policy.Parse("test.yaml", []byte(text))
	if len(policies) != 1 || policy.HasErrors(diags) {
		tb.Fatalf("parse: %d policies, %+v\n%s", len(policies), diags, text)
	}
	return policies[0]
}

// spec returns a policy text with the spec's lines.
func spec(name, body string) string {
	return "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata:\n  name: " + name + "\nspec:\n" + body
}

// indent prefixes every line of the text but empty ones.
func indent(text, prefix string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(prefix + line)
	}
	return b.String()
}

// readPolicy returns a policy on read with the args and selectors given as
// YAML in flow style.
func readPolicy(tb testing.TB, name, args, selectors string) *policy.Policy {
	tb.Helper()
	return mustParse(tb, spec(name, "  kprobes:\n  - call: sys_read\n    args: "+args+"\n    selectors: "+selectors+"\n"))
}

// input returns the input of policies that follow descriptors with their
// own numbers.
func input(policies ...*policy.Policy) compile.Input {
	in := compile.Input{Fields: fakeFields{}, HostNamespaces: map[string]uint32{"Mnt": 4026531841, "Pid": 4026531836}}
	for i, p := range policies {
		bit := -1
		if compile.Follows(p) {
			bit = i
		}
		in.Policies = append(in.Policies, compile.InputPolicy{Policy: p, FollowBit: bit})
	}
	return in
}

// mustCompile compiles policies.
func mustCompile(tb testing.TB, policies ...*policy.Policy) *compile.Plan {
	tb.Helper()
	plan, err := compile.Compile(input(policies...))
	if err != nil {
		tb.Fatal(err)
	}
	return plan
}

// mustHook returns the hook with the name.
func mustHook(tb testing.TB, plan *compile.Plan, name string) *compile.Hook {
	tb.Helper()
	for _, h := range plan.Hooks {
		if h.Key.Name == name {
			return h
		}
	}
	tb.Fatalf("no hook %q", name)
	return nil
}

func mustRead(tb testing.TB, path string) string {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

// bits returns the numbers of the bits that are set.
func bits(words []uint64) []int {
	var out []int
	for i := range 64 * len(words) {
		if words[i/64]>>(i%64)&1 != 0 {
			out = append(out, i)
		}
	}
	return out
}
