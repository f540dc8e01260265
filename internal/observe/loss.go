// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"strings"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
)

// lossStage is where events are lost.
type lossStage uint8

const (
	lossRing    lossStage = iota // the rings were full
	lossKernel                   // the kernel program could not make a record
	lossDecode                   // a record could not be read
	lossMerge                    // a record lacked its other half
	lossStack                    // an event went without its stack traces
	lossMapping                  // a mapped file was not told
	lossStages
)

var stageNames = [lossStages]string{"kernel ring", "kernel", "decode", "merge", "stack traces", "mapped files"}

// ringCauses are the causes of stage lossRing, by ring.
var ringCauses = [2]string{"bulk ring is full", "evidence ring is full"}

// maxCauses is how many causes one lost event names.
const maxCauses = 4

// loss gathers what is lost until a lost event tells it.
type loss struct {
	stages [lossStages]stageLoss
	rings  [2]ringLoss
	last   [bpf.ContractVdCounterVD_COUNTERS]uint64 // the kernel's counters
}

type stageLoss struct {
	count  uint64
	causes []string
	told   uint64 // when, in nanoseconds since boot
}

// ringLoss is what is known of the records of one ring that are missing: the kernel counts them, and
// the numbers of later records show them. Both speak of the same records.
type ringLoss struct {
	gaps    int64 // by the numbers of records
	settled int64 // gaps at the last tick: a record that was overtaken has come since
	kernel  int64 // by the kernel's counter
	told    int64
}

func (l *loss) add(stage lossStage, cause string, count uint64) {
	if count == 0 {
		return
	}
	s := &l.stages[stage]
	s.count += count
	if len(s.causes) >= maxCauses {
		return
	}
	for _, c := range s.causes {
		if c == cause {
			return
		}
	}
	s.causes = append(s.causes, cause)
}

func (l *loss) gaps(h *bpf.Header, missing int64) {
	if missing != 0 {
		l.rings[h.Ring].gaps += missing
	}
}

// kernelCauses are the kernel's counters that stand for events, parts of them or actions that were
// lost outside of the rings. The others count what events show themselves.
var kernelCauses = map[bpf.ContractVdCounter]string{
	bpf.ContractVdCounterVD_COUNT_SCRATCH_BUSY:     "nested too deep on one CPU",
	bpf.ContractVdCounterVD_COUNT_PENDING_FULL:     "too many calls await their return: their events lack it",
	bpf.ContractVdCounterVD_COUNT_PROCESS_MAP_FULL: "too many processes for the kernel's table",
	bpf.ContractVdCounterVD_COUNT_FOLLOW_FULL:      "too many followed descriptors",
	bpf.ContractVdCounterVD_COUNT_EXEC_DATA_LOST:   "long arguments did not fit in the ring",
	bpf.ContractVdCounterVD_COUNT_SIGNAL_FAILED:    "a signal could not be sent",
	bpf.ContractVdCounterVD_COUNT_COMPAT_SYSCALL:   "32-bit system calls with the number of a hooked one are not seen by its hook",
	bpf.ContractVdCounterVD_COUNT_VERDICT_FULL:     "too many calls are to be refused at once",
	bpf.ContractVdCounterVD_COUNT_RETURN_LATE:      "a call returned after its policies had changed: its event lacks the return",
	bpf.ContractVdCounterVD_COUNT_RETURN_MISSED:    "the kernel missed returns of functions",
	bpf.ContractVdCounterVD_COUNT_SET_FAILED:       "an argument of a static probe could not be written",
	bpf.ContractVdCounterVD_COUNT_REGISTERS_FAILED: "registers could not be written for an override",
	bpf.ContractVdCounterVD_COUNT_SKIPPED:          "the kernel skipped programs that were running already",
}

func (l *loss) kernel(counters [bpf.ContractVdCounterVD_COUNTERS]uint64) {
	l.rings[0].kernel = int64(counters[bpf.ContractVdCounterVD_COUNT_LOST_BULK])
	l.rings[1].kernel = int64(counters[bpf.ContractVdCounterVD_COUNT_LOST_EVIDENCE])
	for counter, cause := range kernelCauses {
		if counters[counter] > l.last[counter] {
			l.add(lossKernel, cause, counters[counter]-l.last[counter])
		}
	}
	l.last = counters
}

func (l *loss) addRings() {
	for i := range l.rings {
		r := &l.rings[i]
		missing := max(min(r.gaps, r.settled), r.kernel)
		r.settled = r.gaps
		if missing > r.told {
			l.add(lossRing, ringCauses[i], uint64(missing-r.told))
			r.told = missing
		}
	}
}

// emitLoss tells what was lost, at most once a second of each stage.
func (o *Observer) emitLoss() {
	o.loss.addRings()
	for i := range o.loss.stages {
		s := &o.loss.stages[i]
		if s.count == 0 || s.told != 0 && o.now < s.told+second {
			continue
		}
		o.begin(event.KindLost, o.now)
		o.ev.Lost = event.Lost{Stage: stageNames[i], Cause: strings.Join(s.causes, "; "), Count: s.count}
		o.emit()
		o.stats.Lost += s.count
		*s = stageLoss{causes: s.causes[:0], told: o.now}
	}
}
