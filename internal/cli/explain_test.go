// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestExplain checks what names stand for.
func TestExplain(t *testing.T) {
	for name, want := range map[string]struct {
		args   []string
		names  []string // of what is explained
		in     string
		status int
		err    string
	}{
		"the resource":        {names: []string{"TracingPolicy"}, in: "What is hooked"},
		"resource by name":    {args: []string{"tracingpolicy"}, names: []string{"TracingPolicy"}},
		"path with resource":  {args: []string{"tracingpolicynamespaced.spec.kprobes.call"}, names: []string{"spec.kprobes.call"}, in: "The function."},
		"path":                {args: []string{"spec.lists.pattern"}, names: []string{"spec.lists.pattern"}, in: "generated_ftrace"},
		"path without spec":   {args: []string{"lists.pattern"}, names: []string{"spec.lists.pattern"}},
		"last name":           {args: []string{"followForks"}, names: []string{"spec.kprobes.selectors.matchPIDs.followForks"}},
		"end of a path":       {args: []string{"matchBinaries.values"}, names: []string{"spec.kprobes.selectors.matchBinaries.values"}},
		"type":                {args: []string{"sock"}, names: []string{"type sock"}, in: "struct sock"},
		"operator":            {args: []string{"NotPrefix"}, names: []string{"operator NotPrefix"}},
		"action":              {args: []string{"Sigkill"}, names: []string{"action Sigkill"}},
		"option":              {args: []string{"policy-mode"}, names: []string{"option policy-mode"}},
		"type and other type": {args: []string{"path"}, names: []string{"type path", "spec.uprobes.path", "spec.usdts.path"}},
		"unknown":             {args: []string{"matchBinarys"}, status: 2, err: "did you mean"},
		"two names":           {args: []string{"a", "b"}, status: 2, err: "takes one name, not 2"},
		"no example":          {args: []string{"--example", "podSelector"}, status: 1, err: "there is no example"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"explain", "-o", "json"}, want.args...)
			got := session{}.run(t, args...)
			if got.status != want.status || !strings.Contains(got.stderr, want.err) {
				t.Fatalf("status %d, want %d: %s", got.status, want.status, got.stderr)
			}
			if want.status != 0 {
				return
			}
			var found []explanation
			if err := json.Unmarshal([]byte(got.stdout), &found); err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, e := range found {
				names = append(names, e.Name)
			}
			if !slices.Equal(names, want.names) {
				t.Errorf("explained %q, want %q", names, want.names)
			}
			text := session{}.run(t, append([]string{"explain"}, want.args...)...)
			for _, part := range append(want.names, want.in) {
				if !strings.Contains(text.stdout, part) {
					t.Errorf("the text does not have %q:\n%s", part, text.stdout)
				}
			}
		})
	}
}

// TestExplainRecursive checks that all fields below are told, by their paths.
func TestExplainRecursive(t *testing.T) {
	got := session{}.run(t, "explain", "-R", "spec.kprobes")
	for _, part := range []string{"\n  call ", "\n  selectors.matchArgs.operator ", "\n  ignore.callNotFound "} {
		if !strings.Contains(got.stdout, part) {
			t.Errorf("no %q in\n%s", part, got.stdout)
		}
	}
}

// TestExplainExample checks that the example alone is YAML to begin with.
func TestExplainExample(t *testing.T) {
	got := session{}.run(t, "explain", "--example", "Kprobe")
	if got.status != 2 {
		t.Errorf("an object's name is no field: status %d", got.status)
	}
	got = session{}.run(t, "explain", "--example", "Mask")
	if !strings.HasPrefix(got.stdout, "kprobes:\n- call: sys_openat\n") {
		t.Errorf("example %q", got.stdout)
	}
}

// TestExplainList checks that everything listed can be explained.
func TestExplainList(t *testing.T) {
	got := session{}.run(t, "explain", "--list")
	names := strings.Fields(got.stdout)
	if len(names) < 300 {
		t.Errorf("%d names", len(names))
	}
	for _, name := range names {
		if _, err := explain(name, false); err != nil {
			t.Error(err)
		}
	}
}
