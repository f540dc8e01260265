// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

// TestScopes checks which processes a policy is about, of the host and in a
// container.
func TestScopes(t *testing.T) {
	const all = "podSelector: {}, containerSelector: {}, hostSelector: {}"
	for _, test := range []struct {
		spec, selector  string
		host, contained bool
	}{
		{"", "{}", true, true},
		{"", "{matchWorkloads: [{}]}", true, true},
		{"", "{matchWorkloads: [{hostSelector: {}}]}", true, false},
		{"", "{matchWorkloads: [{" + all + "}]}", true, true},
		{"", "{matchWorkloads: [{" + all + "}, {hostSelector: {}}]}", true, false},
		{"  hostSelector: {}\n", "{}", true, false},
		{"  hostSelector: {}\n", "{matchWorkloads: [{" + all + "}]}", true, false},
		{"  podSelector: {}\n  containerSelector: {}\n  hostSelector: {}\n", "{}", true, true},
	} {
		p := mustParse(t, spec("scoped", test.spec+"  kprobes:\n  - call: sys_read\n    selectors: ["+test.selector+"]\n"))
		h := mustHook(t, mustCompile(t, p), "read")
		for workload, want := range map[uint32]bool{compile.WorkloadHost: test.host, compile.WorkloadContainer: test.contained, 7: test.contained} {
			if got := satisfied(h, compile.ProcessValues{Workload: workload}); got != want {
				t.Errorf("%q with selector %s: workload %d: %v, want %v", test.spec, test.selector, workload, got, want)
			}
		}
	}
}

// TestToldChanges checks which rules say that their events tell changes.
func TestToldChanges(t *testing.T) {
	for selector, want := range map[string]compile.RuleFlags{
		"{matchPIDs: [{operator: In, values: [1]}]}":                                                                                 0,
		"{matchNamespaceChanges: [{operator: NotIn, values: [Mnt]}]}":                                                                compile.RuleNamespacesTold,
		"{matchCapabilityChanges: [{operator: In, values: [CAP_CHOWN]}]}":                                                            compile.RuleCapsTold,
		"{matchNamespaceChanges: [{operator: In, values: [Net]}], matchCapabilityChanges: [{operator: NotIn, values: [CAP_CHOWN]}]}": compile.RuleNamespacesTold | compile.RuleCapsTold,
	} {
		_, h := selectorHook(t, selector)
		if got := h.Rules[0].Flags & (compile.RuleNamespacesTold | compile.RuleCapsTold); got != want {
			t.Errorf("%s: flags %x, want %x", selector, got, want)
		}
	}
}

// TestNamespaceChanges checks what counts as a change.
func TestNamespaceChanges(t *testing.T) {
	changed := func(kinds ...policy.Namespace) (p compile.ProcessValues) {
		for _, k := range kinds {
			p.Namespaces[k] = 5
		}
		return p
	}
	for selector, test := range map[string]struct{ yes, no []compile.ProcessValues }{
		"{matchNamespaceChanges: [{operator: In, values: [Mnt, Net]}]}": {
			yes: []compile.ProcessValues{changed(policy.NamespaceMnt), changed(policy.NamespaceUts, policy.NamespaceNet)},
			no:  []compile.ProcessValues{changed(), changed(policy.NamespaceUts)},
		},
		"{matchNamespaceChanges: [{operator: NotIn, values: [Mnt, Net]}]}": {
			yes: []compile.ProcessValues{changed(policy.NamespaceUts), changed(policy.NamespaceUts, policy.NamespaceNet)},
			no:  []compile.ProcessValues{changed(), changed(policy.NamespaceMnt)},
		},
		"{matchCapabilityChanges: [{operator: NotIn, values: [CAP_CHOWN]}]}": {
			yes: []compile.ProcessValues{{Caps: [3]uint64{2}}, {OldCaps: [3]uint64{4}}},
			no:  []compile.ProcessValues{{}, {Caps: [3]uint64{1}}, {Caps: [3]uint64{3}}, {Caps: [3]uint64{0, 2}}},
		},
	} {
		_, h := selectorHook(t, selector)
		for _, p := range test.yes {
			if !satisfied(h, p) {
				t.Errorf("%s: %+v does not match", selector, p)
			}
		}
		for _, p := range test.no {
			if satisfied(h, p) {
				t.Errorf("%s: %+v matches", selector, p)
			}
		}
	}
}
