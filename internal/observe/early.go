// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"github.com/vedette-io/vedette/internal/process"
	"github.com/vedette-io/vedette/internal/record"
)

const (
	// earlyWait is how long a record waits for its process to become known, in nanoseconds.
	earlyWait = 200e6
	// maxEarly and maxEarlyBytes are how many records wait at most, and how long they are together.
	maxEarly      = 1024
	maxEarlyBytes = 4 << 20
)

// evidenceRing is the number of the ring for evidence in a record's header.
const evidenceRing = 1

// early keeps the records of the ring for evidence that were read before the record of their process
// in the other ring was.
type early struct {
	records []earlyRecord // oldest first
	bytes   int
	replay  bool // the record at hand has waited already
}

type earlyRecord struct {
	id   process.ID
	time uint64
	raw  []byte
}

// holdEarly keeps the hook record if the kernel knew its process and the tree does not yet.
func (o *Observer) holdEarly(h *record.Hook, raw []byte) bool {
	id := process.IDOf(h.Process)
	if o.early.replay || h.Header.Ring != evidenceRing || isUnknown(h) || o.opts.Tree.Lookup(id) != nil {
		return false
	}
	raw = raw[:h.Header.Size]
	if len(o.early.records) >= maxEarly || o.early.bytes+len(raw) > maxEarlyBytes {
		return false
	}
	o.early.records = append(o.early.records, earlyRecord{id, h.Header.Time, append([]byte(nil), raw...)})
	o.early.bytes += len(raw)
	return true
}

// emitEarly emits the events that waited for the process, which has become known.
func (o *Observer) emitEarly(id process.ID) {
	o.release(func(r *earlyRecord) bool { return r.id == id })
}

// emitLate emits the events whose process did not become known in time.
func (o *Observer) emitLate() {
	o.release(func(r *earlyRecord) bool { return r.time+earlyWait < o.now })
}

// release handles again, in their order, the records that are chosen.
func (o *Observer) release(chosen func(*earlyRecord) bool) {
	if len(o.early.records) == 0 {
		return
	}
	kept := o.early.records[:0]
	o.early.replay = true
	for i := range o.early.records {
		r := o.early.records[i]
		if !chosen(&r) {
			kept = append(kept, r)
			continue
		}
		o.early.bytes -= len(r.raw)
		if o.again.Decode(r.raw, &o.held) == nil {
			o.handleHook(&o.held.Hook, r.raw)
		}
	}
	o.early.replay = false
	clear(o.early.records[len(kept):])
	o.early.records = kept
}
