// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
)

// enforcing is a policy with an enforcer and two selectors that notify it.
func enforcing(calls string) string {
	return `  enforcers: [{calls: [` + calls + `]}]
  lists:
  - {name: some, type: syscalls, values: [sys_mkdir, x64/sys_read, i386/sys_read]}
  - {name: plain, values: [sys_rmdir, security_file_open]}
  tracepoints:
  - subsystem: raw_syscalls
    event: sys_enter
    raw: true
    args: [{index: 1, type: syscall64}]
    selectors:
    - matchArgs: [{index: 1, operator: Equal, values: ["1"]}]
      matchActions: [{action: NotifyEnforcer, argError: -17, argSig: 9}]
    - matchArgs: [{index: 1, operator: Equal, values: ["2"]}]
      matchActions: [{action: CleanupEnforcerNotification}, {action: NotifyEnforcer, argError: -17}]
    - matchActions: [{action: NotifyEnforcer, argSig: 15}]
`
}

// TestEnforcer checks which calls an enforcer is compiled to, and what the
// rules note for it.
func TestEnforcer(t *testing.T) {
	const compat = compile.CompatCall
	for calls, want := range map[string][]string{
		"sys_read, __x64_sys_read, sys_newuname": {"read 0", "uname 63"},
		`"list:some"`:                            {"mkdir 83", "read 0", fmt.Sprint("read ", uint32(compat|3))},
		`"list:plain", security_file_open`:       {"rmdir 84", "security_file_open 0"},
	} {
		plan := mustCompile(t, mustParse(t, spec("other", "  kprobes: [{call: sys_read}]\n")), mustParse(t, spec("enforcing", enforcing(calls))))
		if len(plan.Enforcers) != 1 {
			t.Fatalf("%s: enforcers %+v", calls, plan.Enforcers)
		}
		e := plan.Enforcers[0]
		var got []string
		for _, c := range e.Calls {
			if (c.Key.Kind == compile.HookFunction) != strings.HasPrefix(c.Key.Name, "security_") {
				t.Errorf("%s: key %+v", calls, c.Key)
			}
			got = append(got, fmt.Sprint(c.Key.Name, " ", c.Number))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: calls %q, want %q", calls, got, want)
		}
		if e.Policy != 1 || e.Bit != 1 || !slices.Equal(e.Errors, []int32{-17}) {
			t.Errorf("%s: enforcer %+v", calls, e)
		}
		h := mustHook(t, plan, "sys_enter")
		type note struct {
			flags  compile.RuleFlags
			error  int32
			signal uint32
			action string
		}
		var notes []note
		for _, r := range h.Rules {
			notes = append(notes, note{r.Flags, r.NoticeError, r.NoticeSignal, r.Action})
		}
		const posts, action = compile.RulePost | compile.RuleNotify, "KPROBE_ACTION_NOTIFYENFORCER"
		if want := []note{{posts, -17, 9, action}, {posts | compile.RuleCleanNotify, -17, 0, action}, {posts, 0, 15, action}}; !reflect.DeepEqual(notes, want) {
			t.Errorf("%s: rules %+v, want %+v", calls, notes, want)
		}
		if h.Groups[0].NoticeBit != 1 {
			t.Errorf("%s: bit %d", calls, h.Groups[0].NoticeBit)
		}
	}
}

// TestEnforcerAtRest has nothing to do in monitor mode, and where nothing
// notifies it.
func TestEnforcerAtRest(t *testing.T) {
	in := input(mustParse(t, spec("enforcing", enforcing("sys_read"))))
	in.Policies[0].Monitor = true
	plan, err := compile.Compile(in)
	if err != nil || len(plan.Enforcers) != 0 {
		t.Errorf("enforcers %+v, error %v", plan.Enforcers, err)
	}
	if r := mustHook(t, plan, "sys_enter").Rules[0]; r.Flags&compile.RuleMonitor == 0 || r.Flags&compile.RuleNotify == 0 {
		t.Errorf("flags %b", r.Flags)
	}
	plan = mustCompile(t, mustParse(t, spec("idle", "  enforcers: [{calls: [sys_read]}]\n  kprobes: [{call: sys_read}]\n")))
	if len(plan.Enforcers) != 0 || len(plan.Warnings[0]) != 1 || !strings.Contains(plan.Warnings[0][0].Message, "no action NotifyEnforcer") {
		t.Errorf("enforcers %+v, warnings %+v", plan.Enforcers, plan.Warnings)
	}
}

// TestFentries compiles the same entries as kprobes, on the same hooks, with
// what tells them apart.
func TestFentries(t *testing.T) {
	const entries = `
  - call: sys_read
    return: true
    returnArg: {index: 0, type: int}
    args: [{index: 0, type: int}]
    selectors: [{matchArgs: [{index: 0, operator: Equal, values: ["1"]}], matchActions: [{action: Sigkill}]}]
  - call: vfs_read
    syscall: false
  - call: sys_nothing
    ignore: {callNotFound: true}
`
	plan := mustCompile(t, mustParse(t, spec("both", "  kprobes:"+entries+"  fentries:"+entries)))
	for _, name := range []string{"read", "vfs_read"} {
		h := mustHook(t, plan, name)
		if len(h.Groups) != 2 || h.Groups[0].Section != "kprobes" || h.Groups[1].Section != "fentries" || h.Groups[0].Entry != h.Groups[1].Entry {
			t.Errorf("%s: groups %+v", name, h.Groups)
		}
		if a, b := h.Rules[0], h.Rules[1]; a.Flags != b.Flags || a.Action != b.Action {
			t.Errorf("%s: rules %+v, %+v", name, a, b)
		}
	}
	if len(plan.Skipped) != 2 || plan.Skipped[0].Section != "kprobes" || plan.Skipped[1].Section != "fentries" {
		t.Errorf("skipped %+v", plan.Skipped)
	}
}

// TestFentriesFollow finds the actions of fentries that need a number.
func TestFentriesFollow(t *testing.T) {
	p := mustParse(t, spec("tracks", `  fentries:
  - call: sk_alloc
    syscall: false
    return: true
    returnArg: {index: 0, type: sock}
    returnArgAction: TrackSock
`))
	if !compile.Follows(p) {
		t.Error("a policy that tracks returned sockets has no number")
	}
	if g := mustHook(t, mustCompile(t, p), "sk_alloc").Groups[0]; g.TrackBit != 0 {
		t.Errorf("bit %d", g.TrackBit)
	}
}
