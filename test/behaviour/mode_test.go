// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/api/tetragon"
)

// changing is a policy that tests change while it is in force: its row acts without one of its own.
var changing = register(table{name: "changing", rows: []row{{name: "calls", act: seek(4, 5, 6)}}})

// changed is the test of a policy that changes.
type changed struct {
	*stage
	t *testing.T
}

// newChanged loads the policy with these selectors.
func newChanged(t *testing.T, selectors string) changed {
	t.Helper()
	r := mustRig(t)
	c := changed{&stage{rig: r, dir: mustDir(t)}, t}
	r.mustAdd(t, document("changing", "kprobes:\n- call: sys_lseek\n  args: [{index: 0, type: int}]\n  selectors:\n"+selectors), "changing")
	return c
}

// acts lets an actor act, and compares its events and its end.
func (c changed) acts(want []string, ends unix.Signal) {
	c.t.Helper()
	c.perform(c.t, mustStart(c.t, nil), changing.rowName(0), "changing", want, ends)
}

func (c changed) configure(request *tetragon.ConfigureTracingPolicyRequest) {
	c.t.Helper()
	request.Name = "changing"
	if _, err := c.ConfigureTracingPolicy(context.Background(), request); err != nil {
		c.t.Fatal(err)
	}
}

// killFive kills who calls with the descriptor number 5, in processes of the test only.
const killFive = `  - matchPIDs: [{operator: In, followForks: true, values: [$TESTPID]}]
    matchArgs: [{index: 0, operator: Equal, values: ["5"]}]
    matchActions: [{action: Sigkill}]
`

// ofTest puts the id of the test's process into selectors.
func ofTest(selectors string) string {
	return strings.ReplaceAll(selectors, "$TESTPID", fmt.Sprint(os.Getpid()))
}

// TestModes checks that the mode of a policy can be changed while it is in force, and that it can be disabled.
func TestModes(t *testing.T) {
	c := newChanged(t, ofTest(killFive))
	kill := []string{"SIGKILL " + five}
	mode := func(m tetragon.TracingPolicyMode) {
		c.configure(&tetragon.ConfigureTracingPolicyRequest{Mode: &m})
		if got := c.mustPolicy(t, "changing").Mode; got != m {
			t.Errorf("mode %v, want %v", got, m)
		}
	}
	enable := func(on bool, state tetragon.TracingPolicyState) {
		c.configure(&tetragon.ConfigureTracingPolicyRequest{Enable: &on})
		if got := c.mustPolicy(t, "changing").State; got != state {
			t.Errorf("state %v, want %v", got, state)
		}
	}
	c.acts(kill, unix.SIGKILL)
	mode(tetragon.TracingPolicyMode_TP_MODE_MONITOR)
	c.acts(kill, 0)
	mode(tetragon.TracingPolicyMode_TP_MODE_ENFORCE)
	c.acts(kill, unix.SIGKILL)
	enable(false, tetragon.TracingPolicyState_TP_STATE_DISABLED)
	if p := c.mustPolicy(t, "changing"); p.KernelMemoryBytes != 0 || len(p.HookStatuses) != 0 {
		t.Errorf("disabled, but it has %d bytes in the kernel and hooks %v", p.KernelMemoryBytes, p.HookStatuses)
	}
	c.acts(nil, 0)
	enable(true, tetragon.TracingPolicyState_TP_STATE_ENABLED)
	if c.mustPolicy(t, "changing").KernelMemoryBytes == 0 {
		t.Error("enabled, but it has no memory in the kernel")
	}
	c.acts(kill, unix.SIGKILL)
	stats := c.mustPolicy(t, "changing").Stats.ActionCounters
	if stats.Signal != 3 || stats.MonitorSignal != 1 || stats.Post != 4 {
		t.Errorf("counters %v, want 3 signals, 1 of monitor mode, 4 events", stats)
	}
}

// TestMonitorOnly checks that a policy that enforces nothing has no mode to set.
func TestMonitorOnly(t *testing.T) {
	c := newChanged(t, "  - matchArgs: [{index: 0, operator: Equal, values: ['5']}]\n")
	if got := c.mustPolicy(t, "changing").Mode; got != tetragon.TracingPolicyMode_TP_MODE_MONITOR_ONLY {
		t.Errorf("mode %v", got)
	}
	mode := tetragon.TracingPolicyMode_TP_MODE_MONITOR
	_, err := c.ConfigureTracingPolicy(context.Background(), &tetragon.ConfigureTracingPolicyRequest{Name: "changing", Mode: &mode})
	if err == nil {
		t.Error("a mode was set")
	}
}

// TestCounters checks what is counted of each selector.
func TestCounters(t *testing.T) {
	c := newChanged(t, ofTest(`  - label: quiet
    matchPIDs: [{operator: In, followForks: true, values: [$TESTPID]}]
    matchArgs: [{index: 0, operator: Equal, values: ["4"]}]
    matchActions: [{action: NoPost}]
  - label: deadly
    matchPIDs: [{operator: In, followForks: true, values: [$TESTPID]}]
    matchArgs: [{index: 0, operator: Equal, values: ["6"]}]
    matchActions: [{action: Sigkill}]
  - label: told
    matchPIDs: [{operator: In, followForks: true, values: [$TESTPID]}]
    matchArgs: [{index: 0, operator: InRange, values: ["4:6"]}]
`))
	for range 2 {
		c.acts([]string{five, "SIGKILL " + six}, unix.SIGKILL)
	}
	var got []string
	for _, s := range c.mustPolicy(t, "changing").Stats.SelectorActionCounters {
		n := s.ActionCounters
		got = append(got, fmt.Sprintf("%d %s: post %d signal %d nopost %d", s.SelectorIndex.GetValue(), s.SelectorLabel, n.Post, n.Signal, n.Nopost))
	}
	want := []string{
		"0 quiet: post 0 signal 0 nopost 2",
		"1 deadly: post 2 signal 2 nopost 0",
		"2 told: post 2 signal 0 nopost 0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counters (- expected, + told):\n%s", diff)
	}
}

// TestRateLimitOfAnotherPolicy checks that a policy that is added anew does not fall under the limit of the old one.
func TestRateLimitOfAnotherPolicy(t *testing.T) {
	const selector = "  - matchArgs: [{index: 0, operator: Equal, values: ['5']}]\n    matchActions: [{action: Post, rateLimit: 5m, rateLimitScope: global}]\n"
	for range 2 {
		t.Run("", func(t *testing.T) { newChanged(t, selector).acts([]string{five}, 0) })
	}
}

// TestChangesBesideEachOther checks that changes of other policies on the hook leave a policy alone: between two calls
// of one process others come and go.
func TestChangesBesideEachOther(t *testing.T) {
	c := newChanged(t, "  - matchArgs: [{index: 0, operator: Equal, values: ['5']}]\n")
	for i := range 4 {
		t.Run("", func(t *testing.T) {
			c.mustAdd(t, document(fmt.Sprintf("beside-%d", i), filtered("matchArgs: [{index: 0, operator: GT, values: ['"+fmt.Sprint(i)+"']}]")), fmt.Sprintf("beside-%d", i))
			c.acts([]string{five}, 0)
		})
	}
	got := c.mustPolicy(t, "changing").Stats.ActionCounters
	if got.Post != 4 {
		t.Errorf("%d events are counted, want 4", got.Post)
	}
	all, err := c.ListTracingPolicies(context.Background(), &tetragon.ListTracingPoliciesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(all.Policies, func(p *tetragon.TracingPolicyStatus) bool { return p.Name == "beside-0" }) {
		t.Error("a deleted policy is listed")
	}
}
