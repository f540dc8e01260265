// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
)

func readValues() []record.Value {
	return []record.Value{
		{Type: record.ValueFD, Slot: 0, Num: 0o100644, Content: []byte("/etc/passwd")},
		{Type: record.ValueCharBuf, Slot: 1, Num: 4, Content: []byte("root")},
		{Type: record.ValueSize, Slot: 2, Num: 4096},
	}
}

func TestHook(t *testing.T) {
	r := newRig(t, nil)
	r.mustPlan(t, readPlan())
	cat := pid(100, 5)
	r.Handle(r.exec(pid(1, 0), cat, "/bin/cat"))
	r.take()
	h := bpf.HookRecord{Process: cat, Tid: 8}
	h.Header.Time = 200
	r.Handle(r.hook(h, []uint64{1, 0}, readValues()...))
	e := r.mustOne(t)
	if e.Kind != event.KindKprobe || e.Time != boot+200 || e.TID != 8 || e.NodeName != "n1" {
		t.Errorf("event %+v", e)
	}
	if e.Process.Binary != "/bin/cat" || e.Parent.Binary != "<kernel>" {
		t.Errorf("process %+v, parent %+v", e.Process, e.Parent)
	}
	want := event.Hook{
		Function: "__x64_sys_read", PolicyName: "first", Message: "read it", Tags: []string{"a", "b"},
		Args: []event.Arg{
			{Kind: event.ArgFile, Mode: 0o100644, Label: "file", Bytes: []byte("/etc/passwd")},
			{Kind: event.ArgSize, Uint: 4096},
		},
		Action: 3,
	}
	if diff := cmp.Diff(want, e.Hook); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestData checks that what an event has beside its arguments is not among them.
func TestData(t *testing.T) {
	r := newRig(t, nil)
	p := readPlan()
	p.Groups[0].Data = []SlotRef{{Slot: 2, Label: "size"}, {Slot: 9}}
	r.mustPlan(t, p)
	r.Handle(r.exec(pid(1, 0), pid(100, 5), "/bin/cat"))
	r.take()
	r.Handle(r.hook(bpf.HookRecord{Process: pid(100, 5), Tid: 8}, []uint64{1, 0}, readValues()...))
	e := r.mustOne(t)
	want := []event.Arg{{Kind: event.ArgSize, Uint: 4096, Label: "size"}, {Kind: event.ArgError, Bytes: notInRecord}}
	if diff := cmp.Diff(want, e.Hook.Data); diff != "" || len(e.Hook.Args) != 2 {
		t.Errorf("args %v, data (-want +got):\n%s", e.Hook.Args, diff)
	}
	p.Generation++
	p.Groups[0].Data[0].Slot = record.MaxSlots
	if err := r.SetPlan(p); err == nil {
		t.Error("a slot that no record has is accepted")
	}
}

func TestHookOfTheMainThreadHasNoTID(t *testing.T) {
	r := newRig(t, nil)
	r.mustPlan(t, readPlan())
	r.Handle(r.exec(pid(1, 0), pid(100, 5), "/bin/cat"))
	r.take()
	r.Handle(r.hook(bpf.HookRecord{Process: pid(100, 5), Tid: 5}, []uint64{1, 0}))
	if e := r.mustOne(t); e.TID != 0 {
		t.Errorf("thread %d", e.TID)
	}
}

// Every bit of the vector is the winner of its policy: one event each.
func TestHookOfSeveralPolicies(t *testing.T) {
	r := newRig(t, nil)
	r.mustPlan(t, readPlan())
	r.Handle(r.exec(pid(1, 0), pid(100, 5), "/bin/cat"))
	r.take()
	r.Handle(r.hook(bpf.HookRecord{Process: pid(100, 5), Tid: 5}, []uint64{2, 1}, readValues()...))
	var got []string
	for _, e := range r.take() {
		got = append(got, e.Hook.PolicyName+" "+e.Hook.Action.String())
	}
	want := []string{"first KPROBE_ACTION_POST", "second KPROBE_ACTION_POST"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTracepoint(t *testing.T) {
	r := newRig(t, nil)
	p := readPlan()
	p.Kind = event.KindTracepoint
	p.Groups[0].Subsystem, p.Groups[0].Event, p.Groups[0].FunctionName = "syscalls", "sys_enter_read", ""
	r.mustPlan(t, p)
	r.Handle(r.exec(pid(1, 0), pid(100, 5), "/bin/cat"))
	r.take()
	r.Handle(r.hook(bpf.HookRecord{Process: pid(100, 5), Tid: 5}, []uint64{1, 0}, readValues()...))
	e := r.mustOne(t)
	if e.Kind != event.KindTracepoint || e.Hook.Subsystem != "syscalls" || e.Hook.Event != "sys_enter_read" {
		t.Errorf("event %+v", e)
	}
	if e.Hook.Args[0].Label != "" {
		t.Errorf("label %q: tracepoints show none", e.Hook.Args[0].Label)
	}
}

// TestUprobe checks that what a function returns comes behind its arguments.
func TestUprobe(t *testing.T) {
	r := newRig(t, nil)
	p := readPlan()
	p.Kind = event.KindUprobe
	g := &p.Groups[0]
	g.Place = Place{Path: "/bin/sh", Symbol: "main", Offset: 7, RefCtrOffset: 8, Provider: "p", Name: "n"}
	g.Args, g.HasReturn, g.ReturnType = []SlotRef{{Slot: 0}}, true, record.ValueS32
	r.mustPlan(t, p)
	r.Handle(r.exec(pid(1, 0), pid(100, 5), "/bin/sh"))
	r.take()
	r.Handle(r.hook(bpf.HookRecord{Process: pid(100, 5), Tid: 5, Pair: 9, Phase: uint8(record.PhaseEntryAwaitsReturn)}, []uint64{1, 0},
		record.Value{Type: record.ValueU32, Slot: 0, Num: 7}))
	r.Handle(r.hook(bpf.HookRecord{Process: pid(100, 5), Tid: 5, Pair: 9, Phase: uint8(record.PhaseReturn)}, []uint64{1, 0},
		record.Value{Type: record.ValueS32, Slot: 0xff, Num: 0xffffffffffffffff}))
	h := r.mustOne(t).Hook
	want := []event.Arg{{Kind: event.ArgUint, Uint: 7}, {Kind: event.ArgInt, Int: -1}}
	if diff := cmp.Diff(want, h.Args); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if h.Return != nil {
		t.Errorf("return %+v", h.Return)
	}
	if h.Path != "/bin/sh" || h.Symbol != "main" || h.Offset != 7 || h.RefCtrOffset != 8 || h.Provider != "p" || h.Name != "n" {
		t.Errorf("place %+v", h)
	}
}

func TestHookWithMissingAndNopArguments(t *testing.T) {
	r := newRig(t, nil)
	p := readPlan()
	p.Groups[0].Args = []SlotRef{{Slot: 0}, {Slot: 1}, {Slot: 15}}
	r.mustPlan(t, p)
	r.Handle(r.hook(bpf.HookRecord{Process: pid(100, 5)}, []uint64{1, 0},
		record.Value{Type: record.ValueNop, Slot: 0}, record.Value{Type: record.ValueU32, Slot: 1, Num: 7}))
	want := []event.Arg{{Kind: event.ArgUint, Uint: 7}, {Kind: event.ArgError, Bytes: notInRecord}}
	if diff := cmp.Diff(want, r.mustOne(t).Hook.Args); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s := r.Stats(); s.MissingArguments != 1 {
		t.Errorf("%d missing arguments are counted, want 1", s.MissingArguments)
	}
}

func TestUnknownHooksAndRulesAreTold(t *testing.T) {
	r := newRig(t, nil)
	r.Handle(r.hook(bpf.HookRecord{Process: pid(100, 5)}, []uint64{1}))
	r.mustPlan(t, readPlan())
	r.Handle(r.hook(bpf.HookRecord{Process: pid(100, 5)}, []uint64{1 << 9, 2}))
	r.Tick(1000)
	want := event.Lost{Stage: "decode", Cause: "hook is not known; rule is not known", Count: 3}
	if diff := cmp.Diff(want, r.mustOne(t).Lost); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSetPlanErrors(t *testing.T) {
	tests := map[string]struct {
		change func(*HookPlan)
		want   string
	}{
		"kind":      {func(p *HookPlan) { p.Kind = event.KindExec }, "plan of hook 1: kind"},
		"slot":      {func(p *HookPlan) { p.Groups[1].Args = []SlotRef{{Slot: 16}} }, "group 1: slot 16 exceeds 15"},
		"group":     {func(p *HookPlan) { p.Rules[0].Group = 2 }, "rule 0: group 2 of 2"},
		"bit":       {func(p *HookPlan) { p.Rules[0].Bit = 24 * 64 }, "rule 1536: bit exceeds 1535"},
		"bit twice": {func(p *HookPlan) { p.Rules[1].Bit = 0 }, "rule 0: given twice"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := readPlan()
			test.change(&p)
			err := newRig(t, nil).SetPlan(p)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestGenerations(t *testing.T) {
	const second = uint64(1e9)
	r := newRig(t, nil)
	r.mustPlan(t, readPlan())
	next := readPlan()
	next.Generation = 2
	r.Tick(1 * second)
	r.mustPlan(t, next)
	hook := func() int {
		r.Handle(r.hook(bpf.HookRecord{Process: pid(100, 5)}, []uint64{1, 0}))
		n := 0
		for _, e := range r.take() {
			if e.Kind == event.KindKprobe {
				n++
			}
		}
		return n
	}
	r.Tick(11 * second)
	if hook() != 1 {
		t.Error("a record of the generation before is not readable in its grace period")
	}
	r.Tick(11*second + 1)
	if hook() != 0 || r.Stats().Plans != 1 {
		t.Errorf("%d plans after the grace period", r.Stats().Plans)
	}
	r.RetireHook(1)
	r.Tick(22 * second)
	if got := r.Stats().Plans; got != 0 {
		t.Errorf("%d plans of a hook that is gone", got)
	}
	for i := range uint32(100) {
		next.Generation = i
		r.mustPlan(t, next)
	}
	if got := r.Stats().Plans; got != maxGenerations {
		t.Errorf("%d generations are kept, want %d", got, maxGenerations)
	}
	if r.plans[planKey{1, 99}] == nil || r.plans[planKey{1, 92}] == nil {
		t.Error("the latest generations are not those that are kept")
	}
}

// Process 5 is known to the kernel, but its exec is in the other ring and not read yet.
func TestEvidenceBeforeItsProcess(t *testing.T) {
	r := newRig(t, nil)
	r.mustPlan(t, readPlan())
	cat := pid(100, 5)
	h := bpf.HookRecord{Process: cat, Tid: 5}
	h.Header.Ring, h.Header.Time = 1, 200
	for i := range uint64(3) {
		raw := r.hook(h, []uint64{1, 0}, record.Value{Type: record.ValueU64, Slot: 2, Num: i})
		r.Handle(raw)
		clear(raw) // the ring is reused
	}
	if events := r.take(); events != nil {
		t.Fatalf("told before the process is known: %+v", events)
	}
	r.Handle(r.exec(pid(1, 0), cat, "/bin/cat"))
	events := r.take()
	if len(events) != 4 || events[0].Kind != event.KindExec {
		t.Fatalf("%d events, want the exec and three hooks", len(events))
	}
	for i, e := range events[1:] {
		if e.Process.Binary != "/bin/cat" || e.Hook.Args[1].Uint != uint64(i) {
			t.Errorf("event %d: %+v of %+v", i, e.Hook.Args, e.Process)
		}
	}
	if r.early.bytes != 0 || len(r.early.records) != 0 {
		t.Error("records are still waiting")
	}
}

func TestEvidenceOfAnUnknownProcess(t *testing.T) {
	r := newRig(t, nil)
	r.mustPlan(t, readPlan())
	h := bpf.HookRecord{Process: pid(100, 5), Tid: 5}
	h.Header.Ring, h.Header.Time = 1, 200
	r.Handle(r.hook(h, []uint64{1, 0}))
	r.Tick(200 + earlyWait)
	if events := r.take(); events != nil {
		t.Errorf("told before the wait is over: %+v", events)
	}
	r.Tick(201 + earlyWait)
	e := r.mustOne(t)
	if e.Process.Flags != "unknown" || e.Process.PID != 5 || e.Process.StartTime != boot+100 || e.Time != boot+200 {
		t.Errorf("event %+v of %+v", e, e.Process)
	}
	h.ProcessFlags = uint32(bpf.ContractVdProcessFlagsVD_PROCESS_UNKNOWN)
	r.Handle(r.hook(h, []uint64{1, 0}))
	if e := r.mustOne(t); e.Process.Flags != "unknown" {
		t.Error("a process that the kernel does not know is waited for")
	}
	h.ProcessFlags = 0
	for range 2 * maxEarly {
		r.Handle(r.hook(h, []uint64{1, 0}))
	}
	if got := len(r.take()); got != maxEarly || len(r.early.records) != maxEarly {
		t.Errorf("%d told, %d waiting; want %d each", got, len(r.early.records), maxEarly)
	}
}

// A generation that is in use is kept however many others there are.
func TestTheGenerationInUseIsKept(t *testing.T) {
	r := newRig(t, nil)
	next := readPlan()
	for i := range uint32(2 * maxGenerations) {
		next.Generation = 100 - i
		r.mustPlan(t, next)
		if r.plans[next.key()] == nil {
			t.Fatalf("generation %d was forgotten when it was set", next.Generation)
		}
	}
}

func TestPlaceholderValuesAreErrors(t *testing.T) {
	got := argOf(&record.Value{Type: record.ValueCharBuf, Status: record.StatusAtReturn})
	if got.Kind != event.ArgError || string(got.Bytes) != "Return of the call was not seen" {
		t.Errorf("got %+v", got)
	}
}
