// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

// selectorHook compiles one selector, given in YAML's flow style.
func selectorHook(tb testing.TB, selector string) (*compile.Plan, *compile.Hook) {
	tb.Helper()
	plan := mustCompile(tb, readPolicy(tb, "process", "[]", "["+selector+"]"))
	return plan, mustHook(tb, plan, "read")
}

// satisfied reports whether a process satisfies a hook's only rule.
func satisfied(h *compile.Hook, p compile.ProcessValues) bool {
	return h.Match(&compile.Values{Process: p})[0] == 1
}

func TestMatchPIDs(t *testing.T) {
	host := func(pid uint32) compile.ProcessValues { return compile.ProcessValues{PID: pid} }
	inside := func(nspid uint32) compile.ProcessValues {
		return compile.ProcessValues{PID: 1000 + nspid, NSPID: nspid, Flags: compile.FlagInContainerPIDNS}
	}
	for _, test := range []struct {
		filters string
		yes, no []compile.ProcessValues
	}{
		{"{operator: In, values: [5, 7]}", []compile.ProcessValues{host(5), host(7)}, []compile.ProcessValues{host(6), inside(5)}},
		{"{operator: NotIn, values: [5, 7]}", []compile.ProcessValues{host(6), host(4294967295)}, []compile.ProcessValues{host(5)}},
		{"{operator: In, isNamespacePID: true, values: [1]}", []compile.ProcessValues{inside(1)}, []compile.ProcessValues{inside(2), host(1)}},
		{"{operator: NotIn, isNamespacePID: true, values: [1]}", []compile.ProcessValues{inside(2), host(1)}, []compile.ProcessValues{inside(1)}},
		{"{operator: NotIn, isNamespacePID: true, followForks: true, values: [0]}", []compile.ProcessValues{inside(1)}, []compile.ProcessValues{host(5)}},
		{"{operator: NotIn, values: [5]}, {operator: NotIn, values: [6]}, {operator: NotIn, values: [7]}",
			[]compile.ProcessValues{host(4)}, []compile.ProcessValues{host(5), host(6), host(7)}},
	} {
		_, h := selectorHook(t, "{matchPIDs: ["+test.filters+"]}")
		for _, p := range test.yes {
			if !satisfied(h, p) {
				t.Errorf("%s: %+v does not match", test.filters, p)
			}
		}
		for _, p := range test.no {
			if satisfied(h, p) {
				t.Errorf("%s: %+v matches", test.filters, p)
			}
		}
	}
}

// TestFollowForks checks the sets that processes pass on, which policies with
// the same values share.
func TestFollowForks(t *testing.T) {
	first := readPolicy(t, "first", "[]", "[{matchPIDs: [{operator: In, followForks: true, values: [9, 5]}]}, {matchPIDs: [{operator: NotIn, followForks: true, isNamespacePID: true, values: [0, 5]}]}]")
	second := readPolicy(t, "second", "[]", "[{matchPIDs: [{operator: NotIn, followForks: true, values: [5, 9, 5]}]}]")
	plan := mustCompile(t, first, second)
	want := []compile.PIDSet{{PID: 5, Sets: 1}, {PID: 9, Sets: 1}, {PID: 5, Namespace: true, Sets: 2}}
	if !slices.Equal(plan.Process.PIDSets, want) {
		t.Fatalf("pid sets %+v, want %+v", plan.Process.PIDSets, want)
	}
	h := mustHook(t, plan, "read")
	for _, test := range []struct {
		process compile.ProcessValues
		want    []int
	}{
		{compile.ProcessValues{Sets: 1}, []int{0}},
		{compile.ProcessValues{}, []int{3}},
		{compile.ProcessValues{Flags: compile.FlagInContainerPIDNS}, []int{1, 3}},
		{compile.ProcessValues{Flags: compile.FlagInContainerPIDNS, Sets: 3}, []int{0}},
	} {
		if got := bits(h.Match(&compile.Values{Process: test.process})); !slices.Equal(got, test.want) {
			t.Errorf("%+v: rules %v, want %v", test.process, got, test.want)
		}
	}
}

func TestMatchBinaries(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, test := range []struct {
		filters string
		yes, no []string
	}{
		{"{operator: In, values: [/bin/a, /bin/b]}", []string{"/bin/a", "/bin/b"}, []string{"/bin", "/bin/ab", ""}},
		{"{operator: NotIn, values: [/bin/a]}", []string{"/bin/b", ""}, []string{"/bin/a"}},
		{"{operator: Prefix, values: [/bin/]}", []string{"/bin/", "/bin/a"}, []string{"/bin"}},
		{"{operator: NotPrefix, values: [/bin/]}", []string{"/bin"}, []string{"/bin/a"}},
		{"{operator: Postfix, values: [sh]}", []string{"/bin/sh", "/bin/bash"}, []string{"/bin/shx", "h"}},
		{"{operator: NotPostfix, values: [sh]}", []string{"/bin/cat"}, []string{"/bin/bash"}},
		{"{operator: In, values: [/" + long + "]}", []string{"/" + long}, []string{long, "/" + long + "x"}},
		{"{operator: Prefix, values: [/bin/]}, {operator: NotIn, values: [/bin/a]}, {operator: NotPostfix, values: [b]}",
			[]string{"/bin/c"}, []string{"/bin/a", "/bin/b", "/usr/c"}},
	} {
		plan, h := selectorHook(t, "{matchBinaries: ["+test.filters+"]}")
		for want, paths := range map[bool][]string{true: test.yes, false: test.no} {
			for _, path := range paths {
				class, end, _ := plan.Process.Classify(path)
				if class >= plan.Process.Classes || end >= plan.Process.EndClasses {
					t.Errorf("%q has classes %d and %d of %d and %d", path, class, end, plan.Process.Classes, plan.Process.EndClasses)
				}
				if got := satisfied(h, compile.ProcessValues{Binary: class, BinaryEnd: end}); got != want {
					t.Errorf("%s: %.20q: %v, want %v", test.filters, path, got, want)
				}
			}
		}
		for _, unknown := range []compile.ProcessValues{
			{Binary: compile.UnknownClass, BinaryEnd: compile.UnknownClass},
			{Binary: plan.Process.Classes, BinaryEnd: plan.Process.EndClasses},
		} {
			if satisfied(h, unknown) {
				t.Errorf("%s: a binary that is not known matches", test.filters)
			}
		}
	}
}

func TestFollowChildren(t *testing.T) {
	plan, h := selectorHook(t, "{matchBinaries: [{operator: In, followChildren: true, values: [/bin/sh, /bin/bash]}]}")
	for path, want := range map[string]uint64{"/bin/sh": 1, "/bin/bash": 1, "/bin/shx": 0, "/bin": 0} {
		if _, _, sets := plan.Process.Classify(path); sets != want {
			t.Errorf("%s joins sets %b, want %b", path, sets, want)
		}
	}
	if !satisfied(h, compile.ProcessValues{Sets: 1}) || satisfied(h, compile.ProcessValues{}) {
		t.Error("the filter does not follow the set")
	}
}

func TestMatchNamespaces(t *testing.T) {
	in := func(mnt, pid uint32) compile.ProcessValues {
		var p compile.ProcessValues
		p.Namespaces[policy.NamespaceMnt], p.Namespaces[policy.NamespacePid] = mnt, pid
		return p
	}
	_, h := selectorHook(t, "{matchNamespaces: [{namespace: Mnt, operator: NotIn, values: [host_ns, '77']}, {namespace: Pid, operator: In, values: [host_ns]}]}")
	if !satisfied(h, in(5, 4026531836)) {
		t.Error("another mount namespace does not match")
	}
	for _, p := range []compile.ProcessValues{in(4026531841, 4026531836), in(77, 4026531836), in(5, 5)} {
		if satisfied(h, p) {
			t.Errorf("namespaces %v match", p.Namespaces)
		}
	}
}

func TestMatchCapabilities(t *testing.T) {
	const chown, sysAdmin, checkpoint = 1 << 0, 1 << 21, 1 << 40
	for _, test := range []struct {
		filters string
		process compile.ProcessValues
		want    bool
	}{
		{"{operator: In, values: [CAP_CHOWN, CAP_SYS_ADMIN]}", compile.ProcessValues{Caps: [3]uint64{sysAdmin, 0, 0}}, true},
		{"{operator: In, values: [CAP_CHOWN]}", compile.ProcessValues{Caps: [3]uint64{sysAdmin, chown, chown}}, false},
		{"{operator: NotIn, values: [CAP_CHOWN, CAP_SYS_ADMIN]}", compile.ProcessValues{Caps: [3]uint64{sysAdmin, 0, 0}}, false},
		{"{operator: NotIn, values: [CAP_CHOWN]}", compile.ProcessValues{Caps: [3]uint64{sysAdmin, 0, 0}}, true},
		{"{type: Permitted, operator: In, values: [CAP_CHECKPOINT_RESTORE]}", compile.ProcessValues{Caps: [3]uint64{0, checkpoint, 0}}, true},
		{"{type: Inheritable, operator: In, values: [CAP_CHOWN]}", compile.ProcessValues{Caps: [3]uint64{0, 0, chown}}, true},
		{"{operator: In, isNamespaceCapability: true, values: [CAP_CHOWN]}", compile.ProcessValues{Caps: [3]uint64{chown, 0, 0}}, false},
		{"{operator: In, isNamespaceCapability: true, values: [CAP_CHOWN]}", compile.ProcessValues{Caps: [3]uint64{chown, 0, 0}, Flags: compile.FlagInUserNS}, true},
		{"{operator: In, values: [CAP_CHOWN]}, {type: Permitted, operator: NotIn, values: [CAP_CHOWN]}", compile.ProcessValues{Caps: [3]uint64{chown, chown, 0}}, false},
	} {
		_, h := selectorHook(t, "{matchCapabilities: ["+test.filters+"]}")
		if got := satisfied(h, test.process); got != test.want {
			t.Errorf("%s: %+v: %v, want %v", test.filters, test.process, got, test.want)
		}
	}
}

// TestNoBinaries checks that nothing is to be looked up at exec where no
// policy asks for binaries.
func TestNoBinaries(t *testing.T) {
	plan, _ := selectorHook(t, "{matchPIDs: [{operator: In, values: [1]}]}")
	if len(plan.Process.Strings) != 0 || plan.Process.Classes != 1 || plan.Process.EndClasses != 1 {
		t.Errorf("tables %+v", plan.Process)
	}
	if class, end, sets := plan.Process.Classify("/bin/sh"); class != 0 || end != 0 || sets != 0 {
		t.Errorf("classes %d and %d, sets %b", class, end, sets)
	}
}
