// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/vedette-io/vedette/internal/compile"
)

// TestReturnActions checks what a rule does at the entry and at the return.
func TestReturnActions(t *testing.T) {
	const waits = compile.RuleReturn | compile.RuleReturnActions
	second := uint64(time.Second)
	for _, test := range []struct {
		selector    string
		entry, want compile.Rule
	}{
		{"matchReturnActions: [{action: Sigkill}]",
			compile.Rule{Flags: compile.RulePost | waits, Action: "KPROBE_ACTION_POST"},
			compile.Rule{Flags: compile.RulePost | compile.RuleKill, Action: "KPROBE_ACTION_SIGKILL"}},
		{"matchActions: [{action: Sigkill}], matchReturnActions: [{action: NoPost}]",
			compile.Rule{Flags: compile.RulePost | compile.RuleKill | waits, Action: "KPROBE_ACTION_SIGKILL"},
			compile.Rule{Flags: compile.RuleNoPost, Action: "KPROBE_ACTION_NOPOST"}},
		{"matchActions: [{action: NoPost}], matchReturnActions: [{action: Signal, argSig: 10}]",
			compile.Rule{Flags: compile.RuleNoPost | waits, Action: "KPROBE_ACTION_NOPOST"},
			compile.Rule{Flags: compile.RuleNoPost | compile.RuleSignal, Signal: 10, Action: "KPROBE_ACTION_SIGNAL"}},
		// A limit of events is one of what is told when the call returns.
		{"matchActions: [{action: Post, rateLimit: '2', rateLimitScope: global}], matchReturnActions: [{action: Sigkill}]",
			compile.Rule{Flags: compile.RulePost | waits, Action: "KPROBE_ACTION_POST"},
			compile.Rule{Flags: compile.RulePost | compile.RuleKill, RateInterval: 2 * second, RateScope: compile.RateGlobal, Action: "KPROBE_ACTION_SIGKILL"}},
		{"matchActions: [{action: Post, rateLimit: '2'}], matchReturnActions: [{action: Post, rateLimit: '3', rateLimitScope: process}]",
			compile.Rule{Flags: compile.RulePost | waits, Action: "KPROBE_ACTION_POST"},
			compile.Rule{Flags: compile.RulePost, RateInterval: 3 * second, RateScope: compile.RateProcess, Action: "KPROBE_ACTION_POST"}},
		{"matchReturnActions: [{action: Post, kernelStackTrace: true}, {action: TrackSock, argSock: 0}]",
			compile.Rule{Flags: compile.RulePost | waits, Action: "KPROBE_ACTION_POST"},
			compile.Rule{Flags: compile.RulePost | compile.RuleStackKernel | compile.RuleTrackSock, Track: 1, Action: "KPROBE_ACTION_TRACKSOCK"}},
	} {
		other := spec("other", "  kprobes:\n  - call: tcp_connect\n    syscall: false\n    args: [{index: 1, type: int}]\n")
		in := input(mustParse(t, other), mustParse(t, spec("returns", `  kprobes:
  - call: tcp_connect
    syscall: false
    return: true
    returnArg: {index: 0, type: int}
    args: [{index: 0, type: sock}]
    selectors: [{`+test.selector+"}]\n")))
		in.Policies[1].FollowBit = 0
		plan, err := compile.Compile(in)
		if err != nil {
			t.Fatalf("%s: %v", test.selector, err)
		}
		got := plan.Hooks[0].Rules[1]
		if got.Return == nil {
			t.Fatalf("%s: nothing is done at the return", test.selector)
		}
		at := *got.Return
		got = compile.Rule{Flags: got.Flags, RateInterval: got.RateInterval, RateScope: got.RateScope, Action: got.Action}
		if !reflect.DeepEqual(got, test.entry) || !reflect.DeepEqual(at, test.want) {
			t.Errorf("%s: rule %+v, at the return %+v, want %+v and %+v", test.selector, got, at, test.entry, test.want)
		}
	}
}

// TestFollowAtReturn checks that a policy that follows descriptors only when
// calls return is one that follows descriptors, and that slots are named.
func TestFollowAtReturn(t *testing.T) {
	other := readPolicy(t, "other", "[{index: 3, type: int}]", "[{}]")
	p := mustParse(t, spec("follow", `  kprobes:
  - call: sys_read
    return: true
    returnArg: {index: 0, type: int}
    args: [{index: 1, type: string}, {index: 2, type: int}]
    selectors: [{matchReturnActions: [{action: FollowFD, argFd: 1, argName: 0}, {action: UnfollowFD, argFd: 1}]}]
`))
	if !compile.Follows(p) {
		t.Error("the policy does not follow descriptors")
	}
	in := input(other, p)
	in.Policies[1].FollowBit = 3
	plan, err := compile.Compile(in)
	if err != nil {
		t.Fatal(err)
	}
	want := []compile.FDOp{{Kind: compile.FDFollow, FD: 2, Other: 1}, {Kind: compile.FDUnfollow, FD: 2}}
	if got := mustHook(t, plan, "read").Rules[1].Return.FDOps; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
