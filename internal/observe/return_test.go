// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
)

// returnPlan is that of readPlan with actions at the return.
func returnPlan() HookPlan {
	p := readPlan()
	p.Rules[2].ReturnAction = event.Action(3)
	p.Rules[2].Request, p.Rules[2].ReturnRequest = Request{Kind: RequestURL, Target: "http://a"}, Request{Kind: RequestName, Target: "b"}
	return p
}

func TestReturnAction(t *testing.T) {
	var asked []Request
	for _, test := range []struct {
		name        string
		kind        event.Kind
		returned    bool
		action, ret event.Action
		asked       int
	}{
		{"kprobe", event.KindKprobe, true, 1, 3, 2},
		{"uprobe", event.KindUprobe, true, 3, 0, 2},
		{"no return", event.KindKprobe, false, 1, 0, 1},
	} {
		asked = nil
		r := newRig(t, func(o *Options) { o.Request = func(q Request) { asked = append(asked, q) } })
		p := returnPlan()
		p.Kind = test.kind
		r.mustPlan(t, p)
		cat := pid(100, 5)
		r.Handle(r.exec(pid(1, 0), cat, "/bin/cat"))
		r.take()
		entry, ret := r.halves(cat, 5, 200, 0, bit64)
		r.Handle(entry)
		if test.returned {
			r.Handle(ret)
		} else {
			r.Handle(r.hook(bpf.HookRecord{Process: cat, Tid: 5, Pair: 200, Phase: uint8(record.PhaseNoReturn)}, []uint64{0, 0}))
		}
		h := r.mustOne(t).Hook
		if h.Action != test.action || h.ReturnAction != test.ret || len(asked) != test.asked {
			t.Errorf("%s: action %d, at the return %d, %d requests", test.name, h.Action, h.ReturnAction, len(asked))
		}
	}
}

// The stacks of a call are those of its return where that has some.
func TestStacksOfReturn(t *testing.T) {
	var got Stacks
	r := newRig(t, func(o *Options) {
		o.Symbolize = func(_ *event.Event, s Stacks) bool { got = s; return true }
	})
	p := returnPlan()
	p.Rules[2].KernelStack = true
	r.mustPlan(t, p)
	cat := pid(100, 5)
	r.Handle(r.exec(pid(1, 0), cat, "/bin/cat"))
	entry, _ := r.halves(cat, 5, 200, 0, bit64)
	r.Handle(entry)
	r.Handle(r.hook(bpf.HookRecord{Process: cat, Tid: 5, Pair: 200, Phase: uint8(record.PhaseReturn)}, []uint64{0, bit64},
		record.Value{Type: record.ValueS64, Slot: 0xff, Num: 4},
		record.Value{Type: record.ValueStackKernel, Slot: 0xff, Content: []byte("12345678")}))
	if diff := cmp.Diff("12345678", string(got.Kernel)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A return that is evidence is told also where its entry was lost, others are not.
func TestEvidenceOfAReturnAlone(t *testing.T) {
	for ring, events := range map[uint8]int{0: 0, evidenceRing: 1} {
		r, cat := newCallRig(t, nil)
		r.mustPlan(t, returnPlan())
		h := bpf.HookRecord{Process: cat, Tid: 5, Pair: 200, Phase: uint8(record.PhaseReturn)}
		h.Header.Ring, h.Header.Time = ring, 250
		r.Handle(r.hook(h, []uint64{0, bit64}, record.Value{Type: record.ValueS64, Slot: 0xff, Num: 4}))
		r.Tick(200 + callPatience + 2*second)
		var got []*event.Event
		for _, e := range r.take() {
			if e.Kind == event.KindKprobe {
				got = append(got, e)
			}
		}
		if len(got) != events {
			t.Fatalf("ring %d: %d events, want %d", ring, len(got), events)
		}
		if events != 0 && (got[0].Hook.ReturnAction != 3 || got[0].Hook.Return.Int != 4 || got[0].Process.Binary != "/bin/cat") {
			t.Errorf("event %+v", got[0])
		}
	}
}
