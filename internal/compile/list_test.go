// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

// functionsPolicy is a policy on functions by a list.
func functionsPolicy(tb testing.TB, n int, options string) *policy.Policy {
	tb.Helper()
	var names []string
	for i := range n {
		names = append(names, fmt.Sprint("function", i))
	}
	return mustParse(tb, spec("list", options+"  lists: [{name: l, values: ["+strings.Join(names, ", ")+"]}]\n"+
		"  kprobes: [{call: \"list:l\", syscall: false}]\n"))
}

const (
	noKprobeMulti = "  options: [{name: disable-kprobe-multi, value: \"true\"}]\n"
	noUprobeMulti = "  options: [{name: disable-uprobe-multi, value: \"1\"}]\n"
)

// TestListHooks says of hooks of lists how they are to be attached.
func TestListHooks(t *testing.T) {
	single := mustParse(t, spec("single", "  kprobes: [{call: function0, syscall: false}]\n"))
	refused := mustParse(t, spec("refused", noKprobeMulti+"  kprobes: [{call: function0, syscall: false}]\n"))
	for _, c := range []struct {
		name          string
		policies      []*policy.Policy
		many, noMulti bool // of function0
	}{
		{"single", []*policy.Policy{single}, false, false},
		{"few", []*policy.Policy{functionsPolicy(t, compile.FewFunctions, "")}, false, false},
		{"many", []*policy.Policy{functionsPolicy(t, compile.FewFunctions+1, "")}, true, false},
		{"many and single", []*policy.Policy{functionsPolicy(t, compile.FewFunctions+1, ""), single}, true, false},
		{"single and many", []*policy.Policy{single, functionsPolicy(t, compile.FewFunctions+1, "")}, true, false},
		{"many, refused", []*policy.Policy{functionsPolicy(t, compile.FewFunctions+1, noKprobeMulti)}, true, true},
		{"many, refused by another", []*policy.Policy{functionsPolicy(t, compile.FewFunctions+1, ""), refused}, true, true},
		{"the option of uprobes", []*policy.Policy{functionsPolicy(t, 1, noUprobeMulti)}, false, false},
	} {
		h := mustHook(t, mustCompile(t, c.policies...), "function0")
		if h.Many != c.many || h.NoMulti != c.noMulti {
			t.Errorf("%s: many %v, not wanted %v", c.name, h.Many, h.NoMulti)
		}
		for _, g := range h.Groups {
			if want := c.policies[g.Policy].Spec.Kprobes[0].Call; strings.HasPrefix(want, "list:") && g.List != want || !strings.HasPrefix(want, "list:") && g.List != "" {
				t.Errorf("%s: list %q of call %q", c.name, g.List, want)
			}
		}
	}
}

// TestNoUprobeMulti has policies on programs that do not want uprobe_multi.
func TestNoUprobeMulti(t *testing.T) {
	hooks := "  uprobes: [{path: /bin/a, symbols: [f]}]\n  usdts: [{path: /bin/a, provider: p, name: n}]\n"
	for options, want := range map[string]bool{"": false, noUprobeMulti: true, noKprobeMulti: false} {
		for _, h := range mustCompile(t, mustParse(t, spec("programs", options+hooks))).Hooks {
			if h.NoMulti != want {
				t.Errorf("%q: %s: not wanted %v", options, h.Key.Name, h.NoMulti)
			}
		}
	}
}
