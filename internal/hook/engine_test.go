// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
)

// readers are policies on three kinds of hooks.
const readers = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: readers}
spec:
  kprobes:
  - call: sys_pread64
    return: true
    returnArg: {index: 0, type: int}
    args: [{index: 0, type: fd}]
  tracepoints:
  - {subsystem: syscalls, event: sys_enter_pread64}
  - {subsystem: sched, event: sched_process_exit, raw: true}
`

// TestApplySwapsAndKeeps follows the generations of programs through
// changes of the plan.
func TestApplySwapsAndKeeps(t *testing.T) {
	_, e := mustEngine(t, Options{})
	first := generations(mustApply(t, e, mustPlan(t, readers)))
	if len(first) != 3 {
		t.Fatalf("%d hooks, want 3", len(first))
	}
	// The same again: nothing is loaded.
	second := generations(mustApply(t, e, mustPlan(t, readers)))
	for key, g := range first {
		if second[key] != g {
			t.Errorf("hook %s was loaded again", key.Name)
		}
	}
	// One more policy on one hook: only that one is exchanged.
	third := generations(mustApply(t, e, mustPlan(t, append([]string{readers}, preadPolicies(1)...)...)))
	for key, g := range first {
		if changed := third[key] != g; changed != (key.Kind == compile.HookTracepoint) {
			t.Errorf("hook %s: exchanged %v", key.Name, changed)
		}
	}
	mustApply(t, e, &compile.Plan{})
	if n := len(e.hooks); n != 0 {
		t.Errorf("%d hooks are left of an empty plan", n)
	}
	if e.dispatch.enter != nil || e.dispatch.exit != nil {
		t.Error("system calls are watched with no policy in force")
	}
}

func generations(loaded []Loaded) map[compile.HookKey]uint32 {
	out := map[compile.HookKey]uint32{}
	for _, l := range loaded {
		out[l.Hook.Key] = l.Generation
	}
	return out
}

// modes is a policy that has actions to carry out, in a mode.
const modes = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: modes}
spec:
  options: [{name: policy-mode, value: MODE}]
  kprobes:
  - call: sys_pread64
    syscall: true
    args: [{index: 0, type: fd}]
    selectors:
    - matchArgs: [{index: 0, operator: Equal, values: [/no/such/file]}]
      matchActions: [{action: Sigkill}]
  - call: sys_mkdir
    syscall: true
    args: [{index: 0, type: string}]
    selectors:
    - matchArgs: [{index: 0, operator: Equal, values: [/no/such/directory]}]
      matchActions: [{action: Signal, argSig: 10}]
`

// modesOfFunctions are its hooks on kernels whose functions can be hooked.
const modesOfFunctions = `  - call: security_file_permission
    syscall: false
    args: [{index: 0, type: file}]
    selectors:
    - matchArgs: [{index: 0, operator: Equal, values: [/no/such/file]}]
      matchActions: [{action: Sigkill}]
`

// TestModeChangesTablesOnly changes the mode of a policy: its hooks stay where
// they stand, and their programs too.
func TestModeChangesTablesOnly(t *testing.T) {
	_, e := mustEngine(t, Options{})
	text := modes
	if kernel.Offered().Check(kernel.FeatureKprobe) == nil {
		text += modesOfFunctions
	}
	in := func(mode string) map[compile.HookKey]installed {
		mustApply(t, e, mustPlan(t, strings.ReplaceAll(text, "MODE", mode)))
		out := map[compile.HookKey]installed{}
		for key, h := range e.hooks {
			out[key] = *h
		}
		return out
	}
	first := in("enforce")
	for _, mode := range []string{"monitor", "enforce"} {
		for key, now := range in(mode) {
			if was := first[key]; now.post != was.post || now.program != was.program {
				t.Errorf("%s: %s has another attachment or program: %s, before %s", mode, key.Name, now.place.attachment, was.place.attachment)
			}
		}
	}
}

// TestFailedApplyChangesNothing puts a plan into force of which one hook
// does not exist.
func TestFailedApplyChangesNothing(t *testing.T) {
	_, e := mustEngine(t, Options{})
	before := generations(mustApply(t, e, mustPlan(t, preadPolicies(1)...)))
	bad := mustPlan(t, append(preadPolicies(2), strings.ReplaceAll(readers, "sched_process_exit, raw: true", "no_such_event"))...)
	if err := e.Apply(bad, nil, func([]Loaded) { t.Error("announced") }); err == nil || !strings.Contains(err.Error(), "no_such_event") {
		t.Fatalf("error %v", err)
	}
	for key, p := range e.hooks {
		if before[key] != p.program.tables().generation {
			t.Errorf("hook %s has changed", key.Name)
		}
	}
	if len(e.hooks) != len(before) || len(e.ids) != len(before) {
		t.Errorf("%d hooks and %d numbers, want %d", len(e.hooks), len(e.ids), len(before))
	}
}

// TestCountersSurviveSwaps counts reads over generations of the program.
func TestCountersSurviveSwaps(t *testing.T) {
	_, e := mustEngine(t, Options{})
	file, err := os.CreateTemp(t.TempDir(), "read")
	mustNil(t, err)
	defer file.Close()
	_, err = file.WriteString("x")
	mustNil(t, err)
	policy := strings.ReplaceAll(strings.ReplaceAll(preadPolicies(1)[0], "/no/such/directory/0/", file.Name()), "NotEqual", "Equal")
	policy = strings.ReplaceAll(policy, "100000", "1")
	read := func(n int) {
		for range n {
			_, err := file.ReadAt(make([]byte, 1), 0)
			mustNil(t, err)
		}
	}
	mustApply(t, e, mustPlan(t, policy))
	read(3)
	mustApply(t, e, mustPlan(t, append([]string{policy}, preadPolicies(4)...)...))
	read(4)
	counters, err := e.Counters()
	mustNil(t, err)
	key := RuleKey{Policy: "policy0", Hook: compile.HookKey{Kind: compile.HookTracepoint, Name: "syscalls/sys_enter_pread64"}, Section: "tracepoints"}
	if got := counters[key].Post; got != 7 {
		t.Errorf("%d events counted, want 7", got)
	}
	e.Forget("policy0")
	mustApply(t, e, &compile.Plan{})
	e.Forget("policy0")
	counters, err = e.Counters()
	mustNil(t, err)
	if c, ok := counters[key]; ok {
		t.Errorf("a forgotten policy has counts: %+v", c)
	}
}

// childrenOf is a policy about what a binary and its descendants read.
func childrenOf(name, binary string) string {
	return "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: " + name + "}\n" + `spec:
  tracepoints:
  - subsystem: syscalls
    event: sys_enter_pread64
    selectors:
    - matchBinaries: [{operator: In, values: ["` + binary + `"], followChildren: true}]
`
}

// TestSetsOutliveChangesOfPolicies has a process whose ancestor with the
// binary is gone when other policies come: it stays a descendant.
func TestSetsOutliveChangesOfPolicies(t *testing.T) {
	base, e := mustEngine(t, Options{})
	shell, err := filepath.EvalSymlinks("/bin/sh")
	mustNil(t, err)
	mustApply(t, e, mustPlan(t, childrenOf("a", shell)))
	out, err := exec.Command("/bin/sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!").Output()
	mustNil(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	mustNil(t, err)
	t.Cleanup(func() { mustNil(t, syscall.Kill(pid, syscall.SIGKILL)) })
	sets := func() uint64 {
		var p bpf.Process
		mustNil(t, base.shared["vd_processes"].Lookup(uint32(pid), &p))
		return p.Sets[e.process.generation]
	}
	if got := sets(); got != 1 {
		t.Fatalf("sets %b of an orphan of the shell, want 1", got)
	}
	// The set has another bit in the new plan.
	for _, policies := range [][]string{
		{childrenOf("b", "/no/such/binary"), childrenOf("a", shell)},
		{childrenOf("a", shell), childrenOf("b", "/no/such/binary")},
	} {
		plan := mustPlan(t, policies...)
		mustApply(t, e, plan)
		want := uint64(1) << slices.IndexFunc(plan.Process.Sets, func(s string) bool { return strings.Contains(s, shell) })
		if got := sets(); got != want {
			t.Errorf("sets %b of the orphan, want %b", got, want)
		}
	}
	mustApply(t, e, mustPlan(t, childrenOf("b", "/no/such/binary")))
	if got := sets(); got != 0 {
		t.Errorf("sets %b when nobody asks for the shell's descendants", got)
	}
}
