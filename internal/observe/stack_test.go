// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/process"
	"github.com/vedette-io/vedette/internal/record"
)

// handed is what an observer hands out to be named.
type handed struct {
	event  *event.Event
	stacks Stacks
}

func stackValues() []record.Value {
	return append(readValues(),
		record.Value{Type: record.ValueStackKernel, Slot: 0xff, Content: []byte("kernel88")},
		record.Value{Type: record.ValueStackUser, Slot: 0xff, Content: []byte("user8888")},
		record.Value{Type: record.ValueStackBuildID, Slot: 0xff, Content: []byte("0123456789abcdef0123456789abcdef")},
	)
}

func TestStacks(t *testing.T) {
	var out []handed
	full := false
	r := newRig(t, func(o *Options) {
		o.Symbolize = func(e *event.Event, s Stacks) bool {
			if !full {
				out = append(out, handed{e, s})
			}
			return !full
		}
	})
	plan := readPlan()
	plan.Rules[0].KernelStack = true
	plan.Rules[1].UserStack = true
	r.mustPlan(t, plan)
	r.Handle(r.exec(pid(1, 0), pid(100, 5), "/bin/cat"))
	r.take()
	for _, rule := range plan.Rules[:2] {
		vector := make([]uint64, 2)
		vector[rule.Bit/64] = 1 << (rule.Bit % 64)
		raw := r.hook(bpf.HookRecord{Process: pid(100, 5), Tid: 5}, vector, stackValues()...)
		r.Handle(raw)
		clear(raw) // what is handed out must not be in the record
	}
	if events := r.take(); len(events) != 0 {
		t.Fatalf("emitted %v, without their stacks", events)
	}
	id := process.ID{Start: 100, PID: 5}
	want := []Stacks{
		{Process: id, Kernel: []byte("kernel88")},
		{Process: id, User: []byte("user8888"), Files: []byte("0123456789abcdef0123456789abcdef")},
	}
	if len(out) != 2 {
		t.Fatalf("%d events are handed out", len(out))
	}
	if diff := cmp.Diff(want, []Stacks{out[0].stacks, out[1].stacks}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if e := out[0].event; e.Hook.Function != "__x64_sys_read" || e.Process.Binary != "/bin/cat" || string(e.Hook.Args[0].Bytes) != "/etc/passwd" {
		t.Errorf("event %+v", e)
	}
	r.Resume(out[0].event)
	if e := r.mustOne(t); e != out[0].event && e.Hook.Function != "__x64_sys_read" {
		t.Errorf("event %+v", e)
	}

	// Without room the event goes without its stacks, and that is told.
	full = true
	r.Handle(r.hook(bpf.HookRecord{Process: pid(100, 5), Tid: 5}, []uint64{1 << plan.Rules[0].Bit, 0}, stackValues()...))
	if e := r.mustOne(t); len(e.Hook.KernelStack) != 0 {
		t.Errorf("event %+v", e)
	}
	r.Tick(10e9)
	if e := r.mustOne(t); e.Kind != event.KindLost || e.Lost.Stage != "stack traces" || e.Lost.Count != 1 {
		t.Errorf("lost event %+v", e)
	}
}

// A stack that no rule of the event shows is not handed out.
func TestStacksOfOtherRules(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.Symbolize = func(*event.Event, Stacks) bool {
			t.Error("handed out")
			return true
		}
	})
	r.mustPlan(t, readPlan())
	r.Handle(r.exec(pid(1, 0), pid(100, 5), "/bin/cat"))
	r.take()
	r.Handle(r.hook(bpf.HookRecord{Process: pid(100, 5), Tid: 5}, []uint64{1, 0}, stackValues()...))
	r.mustOne(t)
}

func TestRequest(t *testing.T) {
	var got []Request
	r := newRig(t, func(o *Options) { o.Request = func(q Request) { got = append(got, q) } })
	plan := readPlan()
	plan.Rules[0].Request = Request{Kind: RequestName, Target: "a.example"}
	r.mustPlan(t, plan)
	r.Handle(r.exec(pid(1, 0), pid(100, 5), "/bin/cat"))
	for range 2 {
		r.Handle(r.hook(bpf.HookRecord{Process: pid(100, 5), Tid: 5}, []uint64{1 << plan.Rules[0].Bit, 0}, readValues()...))
	}
	want := []Request{{RequestName, "a.example"}, {RequestName, "a.example"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHashText(t *testing.T) {
	digest := make([]byte, 64)
	digest[0], digest[19], digest[31] = 0xab, 0xcd, 0xef
	for _, test := range []struct {
		value record.Value
		want  string
	}{
		{record.Value{Num: 4, Content: digest}, "sha256:ab000000000000000000000000000000000000cd0000000000000000000000ef"},
		{record.Value{Num: 2, Content: digest}, "sha1:ab000000000000000000000000000000000000cd"},
		{record.Value{Num: 4, Content: digest, Status: record.StatusFailed}, ""},
		{record.Value{Num: 1 << 63, Content: digest}, ""},
		{record.Value{Num: 6, Content: digest[:32]}, ""},
	} {
		if got := hashText(&test.value); got != test.want {
			t.Errorf("%+v: %q, want %q", test.value, got, test.want)
		}
	}
}
