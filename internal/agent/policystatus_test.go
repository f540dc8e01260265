// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"slices"
	"testing"

	"github.com/vedette-io/vedette/internal/hook"
	"github.com/vedette-io/vedette/internal/policy"
)

// statusPolicy has an entry in each of three sections and an enforcer.
const statusPolicy = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: status}
spec:
  enforcers: [{calls: [sys_mkdir]}]
  kprobes: [{call: sys_read, selectors: [{label: probe}]}, {call: sys_write}]
  fentries: [{call: sys_read, selectors: [{label: trampoline}]}]
  tracepoints:
  - subsystem: raw_syscalls
    event: sys_enter
    selectors: [{label: notes, matchActions: [{action: NotifyEnforcer, argSig: 9}]}]
`

// TestStatusOfSections tells entries of different sections apart, whose
// numbers are the same.
func TestStatusOfSections(t *testing.T) {
	policies, diags := policy.Parse("status.yaml", []byte(statusPolicy))
	if policy.HasErrors(diags) {
		t.Fatal(diags)
	}
	e := &policyEntry{policy: policies[0]}
	if got, want := sensorsOf(e), []string{"__enforcer__", "generic_kprobe", "generic_fentry", "generic_tracepoint"}; !slices.Equal(got, want) {
		t.Errorf("sensors %q, want %q", got, want)
	}
	for section, want := range map[string]string{"kprobes": "probe", "fentries": "trampoline", "tracepoints": "notes", "lsmhooks": ""} {
		if got := selectorLabel(e, hook.RuleKey{Section: section}); got != want {
			t.Errorf("%s: label %q, want %q", section, got, want)
		}
	}
	if !enforces(&e.policy.Spec) {
		t.Error("a policy that notifies an enforcer does not enforce")
	}
	c := actionCounters(hook.Counters{Notify: 3, MonitorNotify: 4})
	if c.GetNotifyEnforcer() != 3 || c.GetMonitorNotifyEnforcer() != 4 {
		t.Errorf("counters %v", c)
	}
}
