// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
)

func lostOf(events []*event.Event) []event.Lost {
	var lost []event.Lost
	for _, e := range events {
		if e.Kind == event.KindLost {
			lost = append(lost, e.Lost)
		}
	}
	return lost
}

func TestGapsAreTold(t *testing.T) {
	const second = uint64(1e9)
	r := newRig(t, nil)
	r.seq[0] = 7
	r.Handle(r.fork(pid(1, 0), pid(10, 5)))
	r.Tick(1 * second)
	r.Tick(2 * second)
	want := []event.Lost{{Stage: "kernel ring", Cause: "bulk ring is full", Count: 7}}
	if diff := cmp.Diff(want, lostOf(r.take())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// The kernel's counter speaks of the same records, and of one at the end that no later one shows.
	var counters [bpf.ContractVdCounterVD_COUNTERS]uint64
	counters[bpf.ContractVdCounterVD_COUNT_LOST_BULK] = 8
	r.KernelCounters(counters)
	r.Tick(3 * second)
	want[0].Count = 1
	if diff := cmp.Diff(want, lostOf(r.take())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.Tick(4 * second)
	r.Tick(5 * second)
	if got := lostOf(r.take()); got != nil {
		t.Errorf("told again: %+v", got)
	}
	if s := r.Stats(); s.Missing != [2]uint64{7, 0} || s.Lost != 8 {
		t.Errorf("stats %+v", s)
	}
}

func TestOvertakenRecordsAreNotLost(t *testing.T) {
	r := newRig(t, nil)
	first, second := r.fork(pid(1, 0), pid(10, 5)), r.fork(pid(1, 0), pid(2e9, 6))
	r.Handle(second) // a second of the clock passes
	r.Handle(first)
	r.Tick(5e9)
	r.Tick(9e9)
	if got := lostOf(r.take()); got != nil {
		t.Errorf("told as lost: %+v", got)
	}
}

func TestCorruptRecordsAreTold(t *testing.T) {
	r := newRig(t, nil)
	raw := r.fork(pid(1, 0), pid(10, 5))
	r.Handle(raw[:len(raw)-1])
	r.Handle(nil)
	r.Handle(r.fork(pid(1, 0), pid(11, 6)))
	r.Tick(2e9)
	lost := lostOf(r.take())
	if len(lost) != 1 || lost[0].Stage != "decode" || lost[0].Count != 2 ||
		!strings.Contains(lost[0].Cause, "size 64 exceeds the 63 bytes") || !strings.Contains(lost[0].Cause, "header is cut off") {
		t.Errorf("told %+v", lost)
	}
	if s := r.Stats(); s.Corrupt != 2 || s.Records != 1 || s.Tree.Running != 1 {
		t.Errorf("stats %+v: what follows a corrupt record must not be lost", s)
	}
}

func TestLossIsToldOnceASecond(t *testing.T) {
	r := newRig(t, nil)
	for i := range uint64(50) { // 5 seconds, ten records each
		r.Handle(nil)
		r.Tick(1e9 + i*1e8)
	}
	lost := lostOf(r.take())
	if len(lost) != 5 {
		t.Fatalf("%d lost events in 5 seconds, want 5", len(lost))
	}
	total := uint64(0)
	for _, l := range lost {
		total += l.Count
	}
	if pending := r.loss.stages[lossDecode].count; total+pending != 50 {
		t.Errorf("%d told and %d pending of 50", total, pending)
	}
}

func TestKernelCounters(t *testing.T) {
	r := newRig(t, nil)
	var counters [bpf.ContractVdCounterVD_COUNTERS]uint64
	counters[bpf.ContractVdCounterVD_COUNT_SCRATCH_BUSY] = 3
	counters[bpf.ContractVdCounterVD_COUNT_ARG_FAILED] = 100
	counters[bpf.ContractVdCounterVD_COUNT_LOST_EVIDENCE] = 2
	r.KernelCounters(counters)
	r.KernelCounters(counters)
	r.Tick(1e9)
	want := []event.Lost{
		{Stage: "kernel ring", Cause: "evidence ring is full", Count: 2},
		{Stage: "kernel", Cause: "nested too deep on one CPU", Count: 3},
	}
	if diff := cmp.Diff(want, lostOf(r.take())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Records alone move the time on: loss is told though nobody ticks.
func TestRecordsMoveTheTimeOn(t *testing.T) {
	r := newRig(t, nil)
	r.Handle(nil)
	r.Handle(r.fork(pid(1, 0), pid(1e9, 5)))
	if lost := lostOf(r.take()); len(lost) != 1 {
		t.Errorf("told %+v, want one lost event", lost)
	}
}
