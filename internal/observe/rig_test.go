// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"strings"
	"testing"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/process"
	"github.com/vedette-io/vedette/internal/record"
	"github.com/vedette-io/vedette/internal/workload"
)

const boot = 1_700_000_000_000_000_000

// kernel makes records as the kernel's programs do.
type kernel struct{ seq [2]uint64 }

func (k *kernel) header(ring uint8, time uint64) bpf.Header {
	k.seq[ring]++
	return bpf.Header{Ring: ring, Seq: k.seq[ring], Time: time}
}

func pid(start uint64, pid uint32) bpf.ProcessID { return bpf.ProcessID{Start: start, Pid: pid} }

func execOf(parent, self bpf.ProcessID, argv []string) *record.Exec {
	e := &record.Exec{CWD: []byte("/work"), Filename: []byte(argv[0]), Exe: []byte(argv[0])}
	e.Args = []byte(strings.Join(argv, "\x00") + "\x00")
	e.Process, e.Parent = self, parent
	return e
}

func (k *kernel) exec(parent, self bpf.ProcessID, argv ...string) []byte {
	e := execOf(parent, self, argv)
	e.Header = k.header(0, self.Start)
	if parent.Pid != self.Pid {
		e.Flags = uint32(bpf.ContractVdExecFlagsVD_EXEC_CLONE)
	}
	return record.AppendExec(nil, e)
}

// task is read from the iterator, not from a ring: it has no number.
func (k *kernel) task(parent, self bpf.ProcessID, argv ...string) []byte {
	e := execOf(parent, self, argv)
	e.Header.Time = self.Start
	return record.AppendTask(nil, e)
}

func (k *kernel) fork(parent, self bpf.ProcessID) []byte {
	return record.AppendFork(nil, &bpf.Fork{Header: k.header(0, self.Start), Process: self, Parent: parent})
}

func (k *kernel) exit(self bpf.ProcessID, tid, code uint32, time uint64) []byte {
	return record.AppendExit(nil, &bpf.Exit{Header: k.header(0, time), Process: self, Tid: tid, Code: code})
}

// hook makes a record of generation 1 of hook 1.
func (k *kernel) hook(h bpf.HookRecord, vector []uint64, values ...record.Value) []byte {
	if h.Phase == 0 {
		h.Phase = uint8(record.PhaseEntry)
	}
	h.Hook, h.Generation = 1, 1
	h.Header = k.header(h.Header.Ring, h.Header.Time)
	return record.AppendHook(nil, &h, vector, values)
}

// rig is an observer with what it has emitted.
type rig struct {
	*Observer
	kernel
	tree   *process.Tree
	events []*event.Event
}

func newRig(tb testing.TB, change func(*Options)) *rig {
	tb.Helper()
	clock := process.NewClock(boot)
	r := &rig{tree: process.NewTree(process.Options{Clock: clock, Resolver: workload.NewContainers()})}
	opts := Options{
		Tree: r.tree, Clock: clock, NodeName: "n1", ClusterName: "c1",
		Emit: func(e *event.Event) { r.events = append(r.events, e.Clone()) },
	}
	if change != nil {
		change(&opts)
	}
	r.Observer = New(opts)
	return r
}

func (r *rig) mustPlan(tb testing.TB, p HookPlan) {
	tb.Helper()
	if err := r.SetPlan(p); err != nil {
		tb.Fatal(err)
	}
}

// take returns what was emitted since it was called last.
func (r *rig) take() []*event.Event {
	events := r.events
	r.events = nil
	return events
}

func (r *rig) mustOne(tb testing.TB) *event.Event {
	tb.Helper()
	events := r.take()
	if len(events) != 1 {
		tb.Fatalf("%d events, want 1: %+v", len(events), events)
	}
	return events[0]
}

// readPlan is that of hook 1, generation 1: read(fd, buf, count) by two policies.
func readPlan() HookPlan {
	return HookPlan{
		Hook: 1, Generation: 1, Kind: event.KindKprobe,
		Groups: []GroupPlan{
			{PolicyName: "first", FunctionName: "__x64_sys_read", Message: "read it", Tags: []string{"a", "b"},
				Args: []SlotRef{{Slot: 0, Label: "file"}, {Slot: 2}}},
			{PolicyName: "second", FunctionName: "__x64_sys_read", Args: []SlotRef{{Slot: 1}}, HasReturn: true, ReturnType: record.ValueS64},
		},
		Rules: []RulePlan{
			{Bit: 0, Group: 0, Action: event.Action(3)},
			{Bit: 1, Group: 0, Action: event.Action(1)},
			{Bit: 64, Group: 1, Action: event.Action(1)},
			{Bit: 65, Group: 1, NoPost: true},
		},
	}
}
