// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"slices"
	"testing"
	"time"

	"github.com/vedette-io/vedette/internal/compile"
)

func TestActions(t *testing.T) {
	for _, test := range []struct {
		actions string
		want    compile.Rule
	}{
		{"[]", compile.Rule{Flags: compile.RulePost, Action: "KPROBE_ACTION_POST"}},
		{"[{action: Sigkill}]", compile.Rule{Flags: compile.RulePost | compile.RuleKill, Action: "KPROBE_ACTION_SIGKILL"}},
		{"[{action: Signal, argSig: 10}]", compile.Rule{Flags: compile.RulePost | compile.RuleSignal, Signal: 10, Action: "KPROBE_ACTION_SIGNAL"}},
		{"[{action: NoPost}]", compile.Rule{Flags: compile.RuleNoPost, Action: "KPROBE_ACTION_NOPOST"}},
		{"[{action: NoPost}, {action: Sigkill}]", compile.Rule{Flags: compile.RuleNoPost | compile.RuleKill, Action: "KPROBE_ACTION_SIGKILL"}},
		{"[{action: Sigkill}, {action: Post, rateLimit: 2m, rateLimitScope: global}]", compile.Rule{
			Flags: compile.RulePost | compile.RuleKill, Action: "KPROBE_ACTION_POST",
			RateInterval: uint64(2 * time.Minute), RateScope: compile.RateGlobal,
		}},
		{"[{action: Post, kernelStackTrace: true}]", compile.Rule{Flags: compile.RulePost | compile.RuleStackKernel, Action: "KPROBE_ACTION_POST"}},
		{"[{action: Post, userStackTrace: true}, {action: Sigkill}]", compile.Rule{
			Flags: compile.RulePost | compile.RuleStackUser | compile.RuleKill, Action: "KPROBE_ACTION_SIGKILL",
		}},
		{"[{action: Signal, argSig: 10, userStackTrace: true}]", compile.Rule{Flags: compile.RulePost | compile.RuleSignal, Signal: 10, Action: "KPROBE_ACTION_SIGNAL"}},
		{"[{action: Post}, {action: GetUrl, argUrl: 'http://a.example/x'}]", compile.Rule{
			Flags: compile.RulePost, Action: "KPROBE_ACTION_GETURL", Request: compile.Request{Kind: compile.RequestURL, Target: "http://a.example/x"},
		}},
		{"[{action: DnsLookup, argFqdn: a.example}]", compile.Rule{
			Flags: compile.RulePost, Action: "KPROBE_ACTION_DNSLOOKUP", Request: compile.Request{Kind: compile.RequestName, Target: "a.example"},
		}},
		// Only the last action asks.
		{"[{action: DnsLookup, argFqdn: a.example}, {action: Post}]", compile.Rule{Flags: compile.RulePost, Action: "KPROBE_ACTION_POST"}},
		{"[{action: Post, rateLimit: '5', rateLimitScope: process}]", compile.Rule{
			Flags: compile.RulePost, Action: "KPROBE_ACTION_POST", RateInterval: uint64(5 * time.Second), RateScope: compile.RateProcess,
		}},
	} {
		h := mustHook(t, mustCompile(t, readPolicy(t, "actions", "[]", "[{matchActions: "+test.actions+"}]")), "read")
		got := h.Rules[0]
		if len(got.FDOps) != 0 {
			t.Errorf("%s: descriptor actions %+v", test.actions, got.FDOps)
		}
		got.FDOps = nil
		if got.Flags != test.want.Flags || got.Action != test.want.Action || got.Signal != test.want.Signal ||
			got.Request != test.want.Request || got.RateInterval != test.want.RateInterval || got.RateScope != test.want.RateScope {
			t.Errorf("%s: rule %+v, want %+v", test.actions, got, test.want)
		}
	}
}

func TestMonitorMode(t *testing.T) {
	in := input(readPolicy(t, "monitor", "[]", "[{matchActions: [{action: Sigkill}]}]"))
	in.Policies[0].Monitor = true
	plan, err := compile.Compile(in)
	if err != nil {
		t.Fatal(err)
	}
	if r := plan.Hooks[0].Rules[0]; r.Flags != compile.RulePost|compile.RuleKill|compile.RuleMonitor || r.Action != "KPROBE_ACTION_SIGKILL" {
		t.Errorf("rule %+v", r)
	}
}

// TestFollowActions checks that the actions name slots, which differ from the
// indexes and positions that the policy gives.
func TestFollowActions(t *testing.T) {
	other := readPolicy(t, "other", "[{index: 3, type: int}, {index: 2, type: int}]", "[{}]")
	p := mustParse(t, spec("copy", `  kprobes:
  - call: fd_install
    syscall: false
    args: [{index: 1, type: file}, {index: 0, type: int}]
    selectors: [{matchActions: [{action: FollowFD, argFd: 1, argName: 0}]}]
  - call: sys_read
    args: [{index: 1, type: int}, {index: 0, type: fd}]
    selectors: [{matchActions: [{action: CopyFD, argFd: 1, argName: 0}, {action: UnfollowFD, argFd: 0}]}]
`))
	plan := mustCompile(t, other, p)
	if got := mustHook(t, plan, "fd_install").Rules[0].FDOps; len(got) != 1 || got[0] != (compile.FDOp{Kind: compile.FDFollow, FD: 1}) {
		t.Errorf("follow %+v", got)
	}
	h := mustHook(t, plan, "read")
	want := []compile.FDOp{{Kind: compile.FDCopy, FD: 3, Other: 2}, {Kind: compile.FDUnfollow, FD: 2}}
	if got := h.Rules[1].FDOps; !slices.Equal(got, want) {
		t.Errorf("copy %+v, want %+v", got, want)
	}
	// The descriptor that is copied is of type fd, so it must be followed by
	// this policy; the other policy does not follow any.
	args := make([]compile.Value, len(h.Slots))
	if got := bits(h.Match(&compile.Values{Args: args})); !slices.Equal(got, []int{0}) {
		t.Errorf("not followed: rules %v", got)
	}
	args[3].Followed = 1 << 1
	if got := bits(h.Match(&compile.Values{Args: args})); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("followed: rules %v", got)
	}
	args[3].Failed = true
	if got := bits(h.Match(&compile.Values{Args: args})); !slices.Equal(got, []int{0}) {
		t.Errorf("not readable: rules %v", got)
	}
}

// TestStacksElsewhere checks that only events that have room for stacks make the kernel walk them.
func TestStacksElsewhere(t *testing.T) {
	plan := mustCompile(t, mustParse(t, spec("elsewhere", `  tracepoints:
  - subsystem: s
    event: e
    selectors: [{matchActions: [{action: Post, kernelStackTrace: true, userStackTrace: true}]}]
  uprobes:
  - path: /bin/sh
    symbols: [main]
    selectors: [{matchActions: [{action: Post, kernelStackTrace: true, userStackTrace: true}]}]
`)))
	for _, h := range plan.Hooks {
		if f := h.Rules[0].Flags; f != compile.RulePost {
			t.Errorf("%s: flags %b", h.Key.Name, f)
		}
	}
}

// TestHashes checks that hashes are asked for at the hooks that are about a file.
func TestHashes(t *testing.T) {
	plan := mustCompile(t, mustParse(t, spec("hashes", `  lsmhooks:
  - hook: file_open
    selectors: [{matchActions: [{action: Post, imaHash: true}]}]
  - hook: file_permission
    selectors: [{matchActions: [{action: Post, imaHash: true}]}]
`)))
	for name, want := range map[string]compile.RuleFlags{"file_open": compile.RulePost | compile.RuleIMA, "file_permission": compile.RulePost} {
		if f := mustHook(t, plan, name).Rules[0].Flags; f != want {
			t.Errorf("%s: flags %b, want %b", name, f, want)
		}
	}
}

// TestWrites checks that Set names slots, and what Override at a uprobe writes.
func TestWrites(t *testing.T) {
	plan := mustCompile(t, mustParse(t, spec("writes", `  usdts:
  - path: /p
    provider: p
    name: n
    args: [{index: 3, type: int}, {index: 1, type: int}]
    selectors: [{matchActions: [{action: Set, argIndex: 1, argValue: 7}, {action: Set, argIndex: 0, argValue: 8}]}]
  uprobes:
  - path: /p
    symbols: [f]
    selectors:
    - matchActions: [{action: Override, argError: -5}]
    - matchActions: [{action: Override, argRegs: [rax=1], argNewSymbol: g+0x4}]
    - matchActions: [{action: Override, argNewAddr: 4096}]
`)))
	set := mustHook(t, plan, "/p:p:n").Rules[0]
	if want := []compile.SetOp{{Slot: 1, Value: 7}, {Slot: 0, Value: 8}}; !slices.Equal(set.Sets, want) || set.Flags != compile.RulePost|compile.RuleSet {
		t.Errorf("set %+v, want %+v", set, want)
	}
	rules := mustHook(t, plan, "/p:f").Rules
	for i, want := range []struct {
		writes int
		next   compile.Site
	}{{3, compile.Site{}}, {1, compile.Site{By: compile.SiteSymbol, Symbol: "g", Offset: 4}}, {0, compile.Site{By: compile.SiteAddress, Address: 4096}}} {
		r := rules[i]
		if r.Flags != compile.RulePost|compile.RuleOverride || r.Registers == nil || len(r.Registers.Writes) != want.writes || r.Registers.Goto != want.next {
			t.Errorf("rule %d: %+v %+v", i, r, r.Registers)
		}
	}
}
