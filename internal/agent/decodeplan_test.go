// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/hook"
	"github.com/vedette-io/vedette/internal/observe"
	"github.com/vedette-io/vedette/internal/policy"
)

// TestNamesOfHooks checks what events call the hooks of every section.
func TestNamesOfHooks(t *testing.T) {
	const text = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: names}
spec:
  kprobes: [{call: vfs_read, syscall: false}]
  tracepoints: [{subsystem: sched, event: sched_switch}]
  lsmhooks: [{hook: file_open}]
  uprobes:
  - {path: lib/c.so, symbols: [open+0x10], refCtrOffsets: [0x20]}
  - {path: /lib/c.so, addrs: [0x1000]}
  usdts: [{path: /lib/c.so, provider: p, name: n}]
`
	policies, diags := policy.Parse("p", []byte(text))
	if policy.HasErrors(diags) {
		t.Fatal(diags)
	}
	plan, err := compile.Compile(compile.Input{Policies: []compile.InputPolicy{{Policy: policies[0], FollowBit: -1}}})
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Abs("lib/c.so")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]observe.GroupPlan{}
	kinds := map[string]event.Kind{}
	for _, h := range plan.Hooks {
		p := decodePlan(hook.Loaded{Hook: h, Offset: 0x5000}, []string{"names"})
		g := p.Groups[0]
		got[h.Key.Name] = observe.GroupPlan{FunctionName: g.FunctionName, Subsystem: g.Subsystem, Event: g.Event, Place: g.Place}
		kinds[h.Key.Name] = p.Kind
	}
	const counted = "lib/c.so:open+0x10 (reference counter at 0x20)"
	want := map[string]observe.GroupPlan{
		"vfs_read":                 {FunctionName: "vfs_read"},
		"sched/sched_switch":       {Subsystem: "sched", Event: "sched_switch"},
		"file_open":                {FunctionName: "file_open"},
		counted:                    {Place: observe.Place{Path: relative, Symbol: "open+0x10", Offset: 0x5000, RefCtrOffset: 0x20}},
		"/lib/c.so:address 0x1000": {Place: observe.Place{Path: "/lib/c.so", Offset: 0x5000}},
		"/lib/c.so:p:n":            {Place: observe.Place{Path: "/lib/c.so", Provider: "p", Name: "n"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	group := decodeGroup(compile.Group{Args: []uint8{3, 1}, Data: []uint8{2, 0}, Labels: []string{"a", "", "", "d"}}, nil)
	wantArgs, wantData := []observe.SlotRef{{Slot: 3, Label: "a"}, {Slot: 1}}, []observe.SlotRef{{Slot: 2}, {Slot: 0, Label: "d"}}
	if diff := cmp.Diff([][]observe.SlotRef{wantArgs, wantData}, [][]observe.SlotRef{group.Args, group.Data}); diff != "" {
		t.Errorf("args and data (-want +got):\n%s", diff)
	}
	wantKinds := map[string]event.Kind{
		"vfs_read": event.KindKprobe, "sched/sched_switch": event.KindTracepoint, "file_open": event.KindLSM,
		counted: event.KindUprobe, "/lib/c.so:address 0x1000": event.KindUprobe, "/lib/c.so:p:n": event.KindUsdt,
	}
	if diff := cmp.Diff(wantKinds, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}
