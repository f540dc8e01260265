// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/compile/corpus"
	"github.com/vedette-io/vedette/internal/policy"
)

// reviewArgs are the arguments of the policies that are reviewed.
const reviewArgs = "[{index: 0, type: int}, {index: 1, type: string}, {index: 2, type: uint8}]"

// review returns the warnings about selectors on read. The place of the mark
// « is where the one that is expected is.
func review(tb testing.TB, selectors string) (found []policy.Diagnostic, line, column int) {
	tb.Helper()
	text := spec("reviewed", "  kprobes:\n  - call: sys_read\n    return: true\n    returnArg: {index: 0, type: int}\n    args: "+reviewArgs+"\n    selectors:\n"+selectors)
	line, column = place(text)
	in := input(mustParse(tb, strings.NewReplacer("«", "").Replace(text)))
	plan, err := compile.Compile(in)
	if err != nil {
		tb.Fatal(err)
	}
	return plan.Review(in), line, column
}

func TestReview(t *testing.T) {
	for name, test := range map[string]struct{ selectors, want string }{
		"two values": {"    - matchArgs: [{index: 0, operator: Equal, values: ['1']}, {«index: 0, operator: Equal, values: ['2', '3']}]\n",
			"no value satisfies both this one and matchArgs[0]; put the values into one filter"},
		"equal and not":     {"    - matchArgs: [{index: 0, operator: Equal, values: ['1']}, {«index: 0, operator: NotEqual, values: ['1']}]\n", "never matches"},
		"empty range":       {"    - matchArgs: [{index: 0, operator: GT, values: ['5']}, {index: 2, operator: GT, values: ['5']}, {«args: [0], operator: LT, values: ['5']}]\n", "matchArgs[0]"},
		"beyond the type":   {"    - matchArgs: [{«index: 2, operator: GT, values: ['255']}]\n", "no value satisfies this"},
		"no bit":            {"    - matchArgs: [{«index: 0, operator: Mask, values: ['0']}]\n", "no value satisfies this"},
		"text":              {"    - matchArgs: [{index: 1, operator: Prefix, values: [/etc/]}, {«index: 1, operator: Equal, values: [/usr, /etc]}]\n", "never matches"},
		"prefix and not":    {"    - matchArgs: [{index: 1, operator: Prefix, values: [/etc/a]}, {«index: 1, operator: NotPrefix, values: [/etc]}]\n", "never matches"},
		"return value":      {"    - matchReturnArgs: [{index: 0, operator: LT, values: ['0']}, {«index: 0, operator: Equal, values: ['0']}]\n", "matchReturnArgs[0]"},
		"pids":              {"    - matchPIDs: [{operator: In, values: [1]}, {«operator: In, values: [2]}]\n", "matchPIDs[0]"},
		"pids In and NotIn": {"    - matchPIDs: [{operator: In, values: [1]}, {operator: In, isNamespacePID: true, values: [2]}, {«operator: NotIn, values: [1, 2]}]\n", "matchPIDs[0]"},
		"binaries":          {"    - matchBinaries: [{operator: In, values: [/bin/a]}, {«operator: NotPrefix, values: [/bin/]}]\n", "matchBinaries[0]"},
		"parents":           {"    - matchParentBinaries: [{operator: In, values: [/bin/a]}, {«operator: In, values: [/bin/b]}]\n", "matchParentBinaries[0]"},
		"followed sets":     {"    - «matchPIDs: [{operator: In, followForks: true, values: [1]}, {operator: NotIn, followForks: true, values: [1]}]\n", "never matches"},
		"namespaces": {"    - matchNamespaces: [{namespace: Mnt, operator: In, values: ['1']}, {namespace: Pid, operator: In, values: ['1']}, {«namespace: Mnt, operator: NotIn, values: ['1', '2']}]\n",
			"matchNamespaces[0]"},
		"capabilities": {"    - matchCapabilities: [{operator: In, values: [CAP_CHOWN]}, {«operator: NotIn, values: [CAP_CHOWN, CAP_SYS_ADMIN]}]\n", "matchCapabilities[0]"},
		"changes of all namespaces": {"    - matchNamespaceChanges: [{«operator: NotIn, values: [Uts, Ipc, Mnt, Pid, PidForChildren, Net, Time, TimeForChildren, Cgroup, User]}]\n",
			"no value satisfies this"},
		"after no filters":      {"    - {label: a}\n    - «label: b\n", "never reached: selectors[0]"},
		"after the same":        {"    - matchArgs: [{index: 0, operator: Equal, values: ['1']}]\n    - «matchArgs: [{index: 0, operator: Equal, values: ['1']}]\n      matchPIDs: [{operator: In, values: [1]}]\n", "selectors[0]"},
		"after a range":         {"    - matchArgs: [{index: 0, operator: LT, values: ['0']}]\n    - matchArgs: [{index: 0, operator: GT, values: ['3']}]\n    - «matchArgs: [{index: 0, operator: InRange, values: ['5:6', '8:9']}]\n", "selectors[1]"},
		"after a prefix":        {"    - matchArgs: [{index: 1, operator: Prefix, values: [/etc]}]\n    - «matchArgs: [{index: 1, operator: Equal, values: [/etc/a, /etc/b]}]\n", "selectors[0]"},
		"after a set of binary": {"    - matchBinaries: [{operator: Postfix, values: [sh]}]\n    - «matchBinaries: [{operator: Postfix, values: [bash]}]\n", "selectors[0]"},
		"after capabilities":    {"    - matchCapabilities: [{operator: In, values: [CAP_CHOWN, CAP_SYS_ADMIN]}]\n    - «matchCapabilities: [{operator: In, values: [CAP_CHOWN]}]\n", "selectors[0]"},
		"after return values": {"    - matchReturnArgs: [{index: 0, operator: LT, values: ['0']}]\n    - «matchArgs: [{index: 0, operator: Equal, values: ['1']}]\n",
			"its matchReturnArgs do not count"},
	} {
		t.Run(name, func(t *testing.T) {
			found, line, column := review(t, test.selectors)
			if len(found) != 1 || !strings.Contains(found[0].Text(), test.want) {
				t.Fatalf("found %+v, want %q", found, test.want)
			}
			d := found[0]
			if d.Severity != policy.SeverityWarning || d.Pos.Line != line || d.Pos.Column != column && d.Pos.Column != column-1 {
				t.Errorf("%s %q at %d:%d, want %d:%d", d.Severity, d.Message, d.Pos.Line, d.Pos.Column, line, column)
			}
		})
	}
}

func TestNothingToReview(t *testing.T) {
	for name, selectors := range map[string]string{
		"alternatives":     "    - matchArgs: [{index: 0, operator: Equal, values: ['1']}]\n    - matchArgs: [{index: 0, operator: Equal, values: ['2']}]\n    - {}\n",
		"a common value":   "    - matchArgs: [{index: 0, operator: Equal, values: ['1', '2']}, {index: 0, operator: Equal, values: ['2', '3']}]\n",
		"the ends":         "    - matchArgs: [{index: 2, operator: InRange, values: ['0:255']}, {index: 0, operator: LT, values: ['0']}]\n",
		"more than before": "    - matchArgs: [{index: 1, operator: Equal, values: [/etc/a]}]\n    - matchArgs: [{index: 1, operator: Prefix, values: [/etc]}]\n",
		"other filters":    "    - matchPIDs: [{operator: In, values: [1]}]\n    - matchArgs: [{index: 0, operator: Equal, values: ['1']}]\n",
		"prefix, postfix":  "    - matchArgs: [{index: 1, operator: Prefix, values: [/a]}, {index: 1, operator: Postfix, values: [b]}, {index: 1, operator: NotEqual, values: [/ab]}]\n",
		"some capability":  "    - matchCapabilities: [{operator: In, values: [CAP_CHOWN]}]\n    - matchCapabilities: [{operator: In, values: [CAP_CHOWN, CAP_SYS_ADMIN]}]\n",
		"two capabilities": "    - matchCapabilities: [{operator: In, values: [CAP_CHOWN]}, {operator: In, values: [CAP_SYS_ADMIN]}]\n    - matchCapabilities: [{operator: In, values: [CAP_CHOWN]}]\n",
		"long values":      "    - matchArgs: [{index: 1, operator: Prefix, values: [/" + strings.Repeat("a", 300) + "]}]\n    - matchArgs: [{index: 1, operator: Prefix, values: [/" + strings.Repeat("a", 260) + "]}]\n",
	} {
		t.Run(name, func(t *testing.T) {
			if found, _, _ := review(t, selectors); len(found) > 0 {
				t.Errorf("found %+v", found)
			}
		})
	}
}

// TestReviewIsRight checks on random policies that a selector which is warned
// of never acts.
func TestReviewIsRight(t *testing.T) {
	sets := uint64(1500)
	if testing.Short() {
		sets = 300
	}
	warned := 0
	for seed := range sets {
		s := corpus.NewAll(seed)
		plan, err := compile.Compile(s.Input())
		if err != nil {
			t.Fatal(err)
		}
		paths := map[string]map[string]bool{}
		for _, one := range s.Policies {
			in := s.Input()
			for i := range in.Policies {
				if in.Policies[i].Policy == one {
					in.Policies = in.Policies[i : i+1]
					break
				}
			}
			alone, err := compile.Compile(in)
			if err != nil {
				t.Fatal(err)
			}
			of := map[string]bool{}
			for _, d := range alone.Review(in) {
				path, _, _ := strings.Cut(d.Path, ".match")
				// What is known only at the return does not keep a selector from acting.
				if !strings.Contains(d.Path, "matchReturnArgs") {
					of[path] = true
					warned++
				}
			}
			paths[one.Metadata.Name] = of
		}
		for _, e := range s.Events {
			for _, v := range verdicts(plan, e) {
				path := policy.ItemPath(policy.ItemPath("spec."+v.Section, v.Entry)+".selectors", v.Selector)
				if paths[s.Policies[v.Policy].Metadata.Name][path] {
					t.Fatalf("seed %d: %s of policy %d acts on %+v\npolicies:\n%s", seed, path, v.Policy, *e, describe(s))
				}
			}
		}
	}
	if warned == 0 {
		t.Error("no warning on any policy")
	}
	t.Logf("%d warnings", warned)
}
