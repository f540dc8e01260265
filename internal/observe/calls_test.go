// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
)

const bit64 = 1 // the rule of the group with a return is bit 64: the first of the second word

// halves makes the entry and the return of a call that reads "root".
func (r *rig) halves(process bpf.ProcessID, tid uint32, pair uint64, ring uint8, word uint64) (entry, ret []byte) {
	h := bpf.HookRecord{Process: process, Tid: tid, Pair: pair, Phase: uint8(record.PhaseEntryAwaitsReturn)}
	h.Header.Ring, h.Header.Time = ring, pair
	entry = r.hook(h, []uint64{0, bit64},
		record.Value{Type: record.ValueFD, Slot: 0, Content: []byte("/etc/passwd")},
		record.Value{Type: record.ValueCharBuf, Slot: 1, Status: record.StatusAtReturn})
	h.Phase = uint8(record.PhaseReturn)
	h.Header.Ring, h.Header.Time = 0, pair+50
	ret = r.hook(h, []uint64{0, word},
		record.Value{Type: record.ValueS64, Slot: 0xff, Num: 4},
		record.Value{Type: record.ValueCharBuf, Slot: 1, Num: 4, Content: []byte("root")})
	return entry, ret
}

func newCallRig(t *testing.T, change func(*Options)) (*rig, bpf.ProcessID) {
	r := newRig(t, change)
	r.mustPlan(t, readPlan())
	cat := pid(100, 5)
	r.Handle(r.exec(pid(1, 0), cat, "/bin/cat"))
	r.take()
	return r, cat
}

func checkMerged(t *testing.T, e *event.Event, pair uint64) {
	t.Helper()
	if e.Time != boot+int64(pair) || e.Hook.PolicyName != "second" || e.Process.Binary != "/bin/cat" {
		t.Errorf("event %+v of %+v", e, e.Process)
	}
	if diff := cmp.Diff([]event.Arg{{Kind: event.ArgBytes, Bytes: []byte("root")}}, e.Hook.Args); diff != "" {
		t.Errorf("args (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&event.Arg{Kind: event.ArgLong, Int: 4}, e.Hook.Return); diff != "" {
		t.Errorf("return (-want +got):\n%s", diff)
	}
}

func TestEntryAndReturn(t *testing.T) {
	r, cat := newCallRig(t, nil)
	entry, ret := r.halves(cat, 5, 200, 0, bit64)
	r.Handle(entry)
	if events := r.take(); events != nil || r.Stats().AwaitingReturn != 1 {
		t.Fatalf("an entry alone emits %+v", events)
	}
	clear(entry) // the ring is reused
	r.Handle(ret)
	checkMerged(t, r.mustOne(t), 200)
	if s := r.Stats(); s.AwaitingReturn != 0 || s.Unmatched != 0 {
		t.Errorf("stats %+v", s)
	}
}

// The entry of a killed call is evidence; its return is in the other ring and is read first.
func TestReturnBeforeEntry(t *testing.T) {
	r, cat := newCallRig(t, nil)
	entry, ret := r.halves(cat, 5, 200, 1, bit64)
	r.Handle(ret)
	if events := r.take(); events != nil {
		t.Fatalf("a return alone emits %+v", events)
	}
	r.Handle(entry)
	checkMerged(t, r.mustOne(t), 200)
}

func TestReturnThatNoRuleWants(t *testing.T) {
	r, cat := newCallRig(t, nil)
	entry, ret := r.halves(cat, 5, 200, 0, 0)
	r.Handle(entry)
	r.Handle(ret)
	if events := r.take(); events != nil || r.Stats().AwaitingReturn != 0 || r.Stats().Unmatched != 0 {
		t.Errorf("emits %+v, stats %+v", events, r.Stats())
	}
}

func TestHalvesOfDifferentCalls(t *testing.T) {
	r, cat := newCallRig(t, nil)
	entry, ret := r.halves(cat, 5, 200, 0, bit64)
	otherEntry, otherReturn := r.halves(cat, 6, 200, 0, bit64) // another thread at the same time
	_, laterReturn := r.halves(cat, 5, 300, 0, bit64)
	r.Handle(entry)
	r.Handle(otherReturn)
	r.Handle(laterReturn)
	if events := r.take(); events != nil {
		t.Errorf("halves of different calls give %+v", events)
	}
	r.Handle(otherEntry)
	if e := r.mustOne(t); e.TID != 6 {
		t.Errorf("thread %d, want 6", e.TID)
	}
	r.Handle(ret)
	checkMerged(t, r.mustOne(t), 200)
}

// noReturn makes the record that the call's return is not told.
func (r *rig) noReturn(tid uint32, pair uint64) []byte {
	return r.hook(bpf.HookRecord{Tid: tid, Pair: pair, Phase: uint8(record.PhaseNoReturn)}, nil)
}

// checkAlone checks the event of an entry whose return is not told.
func checkAlone(t *testing.T, e *event.Event, pair uint64) {
	t.Helper()
	if e.Time != boot+int64(pair) || e.Kind != event.KindKprobe || e.Hook.PolicyName != "second" || e.Process.Binary != "/bin/cat" || e.Hook.Return != nil {
		t.Errorf("event %+v, return %+v", e, e.Hook.Return)
	}
}

func TestEntryWhoseReturnIsNotTold(t *testing.T) {
	for _, first := range []string{"entry", "return"} {
		r, cat := newCallRig(t, nil)
		entry, _ := r.halves(cat, 5, 200, 0, bit64)
		records := [][]byte{entry, r.noReturn(5, 200)}
		if first == "return" {
			slices.Reverse(records)
		}
		r.Handle(records[0])
		if events := r.take(); events != nil {
			t.Fatalf("half of a call, the %s, emits %+v", first, events)
		}
		r.Handle(records[1])
		checkAlone(t, r.mustOne(t), 200)
		if s := r.Stats(); s.AwaitingReturn != 0 || s.Unmatched != 0 {
			t.Errorf("stats %+v", s)
		}
	}
}

// A call can return long after its policies have changed: what it belongs to is known as long as it waits.
func TestReturnAfterItsPlan(t *testing.T) {
	r, cat := newCallRig(t, nil)
	entry, ret := r.halves(cat, 5, 200, 0, bit64)
	r.Handle(entry)
	next := readPlan()
	next.Generation = 2
	r.mustPlan(t, next)
	r.Tick(200 + 2*planGrace)
	if n := r.Stats().Plans; n != 1 || r.take() != nil {
		t.Fatalf("%d plans, want the one in force and no event", n)
	}
	r.Handle(ret)
	checkMerged(t, r.mustOne(t), 200)
}

func TestEntryWhoseHookIsGone(t *testing.T) {
	r, cat := newCallRig(t, nil)
	entry, _ := r.halves(cat, 5, 200, 0, bit64)
	r.Handle(entry)
	r.RetireHook(1)
	next := readPlan() // another hook can get its number
	next.Generation = 2
	r.mustPlan(t, next)
	r.Tick(200 + planGrace/2)
	if events := r.take(); events != nil {
		t.Fatalf("emits %+v while the return can still be in the rings", events)
	}
	r.seq[0]-- // the return was not sent
	r.Tick(200 + 2*planGrace)
	events := r.take()
	if len(events) != 2 || events[1].Kind != event.KindLost {
		t.Fatalf("events %+v, want the entry and what it lacks", events)
	}
	checkAlone(t, events[0], 200)
}

func TestEntryThatWaitsAtTheEnd(t *testing.T) {
	r, cat := newCallRig(t, nil)
	entry, _ := r.halves(cat, 5, 200, 0, bit64)
	r.Handle(entry)
	r.End()
	events := r.take()
	if len(events) != 2 || events[1].Kind != event.KindLost {
		t.Fatalf("events %+v, want the entry and what it lacks", events)
	}
	checkAlone(t, events[0], 200)
}

func TestEntryThatWaitsTooLong(t *testing.T) {
	r, cat := newCallRig(t, nil)
	entry, _ := r.halves(cat, 5, 200, 0, bit64)
	r.Handle(entry)
	r.Tick(200 + callPatience)
	if events := r.take(); events != nil {
		t.Fatalf("emits %+v too early", events)
	}
	r.Tick(300 + callPatience)
	events := r.take()
	if len(events) == 0 || r.Stats().Unmatched != 1 {
		t.Fatalf("events %+v, stats %+v", events, r.Stats())
	}
	checkAlone(t, events[0], 200)
}

func TestUnmatchedHalvesAreBoundedAndTold(t *testing.T) {
	r, cat := newCallRig(t, func(o *Options) { o.Returns = 10 })
	for i := range uint64(15) {
		entry, _ := r.halves(cat, 5, 200+i, 0, bit64)
		r.Handle(entry)
	}
	r.seq[0] = 0 // the returns were not sent
	if s := r.Stats(); s.AwaitingReturn != 10 || s.Unmatched != 5 {
		t.Errorf("stats %+v, want 10 waiting and 5 given up", s)
	}
	if r.calls.halves[halfKey{pair: 204, tid: 5, hook: 1, generation: 1}] != nil {
		t.Error("not the oldest were given up")
	}
	for i, e := range r.take() {
		checkAlone(t, e, 200+uint64(i))
	}
	r.loss.rings = [2]ringLoss{}
	r.Tick(1000)
	want := event.Lost{Stage: "merge", Cause: "entry or return of a call is missing", Count: 5}
	if diff := cmp.Diff(want, r.mustOne(t).Lost); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHalvesAreBoundedInBytes(t *testing.T) {
	c := newCalls(1<<20, func(*half) {})
	raw := make([]byte, 60<<10)
	for i := range uint64(1000) {
		c.keep(halfKey{pair: i}, nil, record.PhaseReturn, raw)
	}
	if c.bytes > maxHalfBytes || len(c.halves) < 200 {
		t.Errorf("%d halves of %d bytes are kept", len(c.halves), c.bytes)
	}
	for c.oldest != nil {
		c.drop(c.oldest)
	}
	if c.bytes != 0 || len(c.halves) != 0 || c.newest != nil || c.spares != 0 {
		t.Errorf("left: %d bytes, %d halves, %d spare ones of 60 KiB", c.bytes, len(c.halves), c.spares)
	}
}

func TestSameHalfTwice(t *testing.T) {
	c := newCalls(10, func(*half) {})
	c.keep(halfKey{pair: 1}, nil, record.PhaseReturn, []byte("a"))
	c.keep(halfKey{pair: 1}, nil, record.PhaseReturn, []byte("b"))
	if h := c.take(halfKey{pair: 1}, record.PhaseReturn); h != nil {
		t.Error("a half is the other half of itself")
	}
	if h := c.take(halfKey{pair: 1}, record.PhaseEntryAwaitsReturn); h == nil || string(h.raw) != "b" || c.unmatched != 1 {
		t.Errorf("half %+v, %d unmatched; want the later one and 1", h, c.unmatched)
	}
}
