// SPDX-License-Identifier: Apache-2.0

package observe

import "github.com/vedette-io/vedette/internal/record"

const (
	// maxDataBytes and maxDataCalls are how much of long buffers waits for the records of its calls, and
	// of how many calls, at most.
	maxDataBytes = 16 << 20
	maxDataCalls = 1024
	// dataWait is how long the data of a call wait for its record, in nanoseconds, unless half of the
	// call has come already.
	dataWait = 5e9
	// maxWaiting is how many records of the ring for evidence wait for their data at most, and
	// maxWaitingBytes how long they are together.
	maxWaiting      = 256
	maxWaitingBytes = 4 << 20
)

// buffers keeps the data of long buffers until the hook records that refer to them.
type buffers struct {
	calls map[halfKey]*callData
	bytes int
	// waiting are records of the ring for evidence that were read before their data in the other ring,
	// oldest first.
	waiting      []waitingRecord
	waitingBytes int
	replay       bool // the record at hand has waited already
	// dropped counts buffers whose record did not come, late records whose data did not; reported how
	// many of both a lost event has told of.
	dropped, late, reported uint64
}

// callData are the buffers of one call.
type callData struct {
	time  uint64 // of the first part
	uses  uint8  // how many records refer to them
	slots [record.MaxSlots]*slotData
}

// slotData is a buffer: room for what the hook record has, then what came in records of its own.
type slotData struct {
	bytes []byte
	last  bool // there is no more
	gap   bool // a part is missing: those behind it are dropped
}

// waitingRecord is a hook record that waits for its data.
type waitingRecord struct {
	key  halfKey
	time uint64
	raw  []byte
}

func newBuffers() buffers { return buffers{calls: make(map[halfKey]*callData)} }

// dataKey is that of the call that a part belongs to.
func dataKey(d *record.HookData) halfKey {
	return halfKey{pair: d.Pair, tid: d.Tid, hook: d.Hook, generation: d.Generation}
}

func keyOf(h *record.Hook) halfKey {
	return halfKey{pair: h.Pair, tid: h.Tid, hook: h.Hook, generation: h.Generation}
}

// add takes a part of a buffer, and reports whether it is the last one.
func (b *buffers) add(d *record.HookData) bool {
	key := dataKey(d)
	c := b.calls[key]
	if c == nil {
		c = &callData{time: d.Header.Time}
		b.calls[key] = c
	}
	c.uses = max(c.uses, d.Uses)
	s := c.slots[d.Slot]
	if s == nil {
		s = &slotData{bytes: make([]byte, record.MaxContent, record.MaxContent+len(d.Data))}
		c.slots[d.Slot] = s
		b.bytes += len(s.bytes)
	}
	s.last = s.last || d.Last != 0
	if s.gap || int(d.Offset) != len(s.bytes) || len(s.bytes)+len(d.Data) > record.MaxBuffer {
		s.gap = true
		return s.last
	}
	s.bytes = append(s.bytes, d.Data...)
	b.bytes += len(d.Data)
	for b.bytes > maxDataBytes || len(b.calls) > maxDataCalls {
		b.dropOldest()
	}
	return s.last
}

// dropOldest gives up waiting for the record of the call that has waited longest.
func (b *buffers) dropOldest() {
	var oldest halfKey
	first := true
	for key, c := range b.calls {
		if first || c.time < b.calls[oldest].time {
			oldest, first = key, false
		}
	}
	b.drop(oldest)
}

// drop forgets the data of a call that were not used.
func (b *buffers) drop(key halfKey) {
	if c := b.calls[key]; c != nil {
		b.dropped++
		b.forget(key, c)
	}
}

func (b *buffers) forget(key halfKey, c *callData) {
	for _, s := range c.slots {
		if s != nil {
			b.bytes -= len(s.bytes)
		}
	}
	delete(b.calls, key)
}

// join completes the values of a call whose data came before, and forgets these unless another record
// refers to them too.
func (b *buffers) join(key halfKey, c *call) {
	data := b.calls[key]
	if data == nil {
		return
	}
	for slot, s := range data.slots {
		v := &c.slots[slot]
		if s == nil || c.have>>slot&1 == 0 || v.Status&record.StatusData == 0 || len(v.Content) != record.MaxContent {
			continue
		}
		copy(s.bytes, v.Content)
		v.Content = s.bytes
	}
	data.uses--
	if int8(data.uses) <= 0 {
		b.forget(key, data)
	}
}

// complete reports whether all data of a record have come.
func (b *buffers) complete(h *record.Hook) bool {
	c := b.calls[keyOf(h)]
	for v := range h.Values() {
		if v.Status&record.StatusData == 0 || v.Slot >= record.MaxSlots {
			continue
		}
		if c == nil || c.slots[v.Slot] == nil || !c.slots[v.Slot].last {
			return false
		}
	}
	return true
}

// handleHookData takes a part of a buffer.
func (o *Observer) handleHookData(d *record.HookData) {
	if o.buffers.add(d) {
		key := dataKey(d)
		o.releaseWaiting(func(w *waitingRecord) bool { return w.key == key })
	}
}

// holdForData keeps a record of the ring for evidence whose data have not all come from the other ring.
func (o *Observer) holdForData(h *record.Hook, raw []byte) bool {
	b := &o.buffers
	if h.Header.Ring != evidenceRing || b.replay || b.complete(h) {
		return false
	}
	raw = raw[:h.Header.Size]
	if len(b.waiting) >= maxWaiting || b.waitingBytes+len(raw) > maxWaitingBytes {
		b.late++
		return false
	}
	b.waiting = append(b.waiting, waitingRecord{keyOf(h), h.Header.Time, append([]byte(nil), raw...)})
	b.waitingBytes += len(raw)
	return true
}

// releaseWaiting handles again, in their order, the chosen records that waited for data.
func (o *Observer) releaseWaiting(chosen func(*waitingRecord) bool) {
	b := &o.buffers
	var ready []waitingRecord
	kept := b.waiting[:0]
	for _, w := range b.waiting {
		if chosen(&w) {
			ready = append(ready, w)
			b.waitingBytes -= len(w.raw)
		} else {
			kept = append(kept, w)
		}
	}
	clear(b.waiting[len(kept):])
	b.waiting = kept
	for _, w := range ready {
		if o.again.Decode(w.raw, &o.held) != nil {
			continue // not possible: it was decoded before
		}
		b.replay, o.early.replay = true, true
		if !b.complete(&o.held.Hook) {
			b.late++
		}
		o.handleHook(&o.held.Hook, w.raw)
		b.replay, o.early.replay = false, false
	}
}

// expireData gives up what has waited too long: data whose record was lost, and records whose data were.
func (o *Observer) expireData() {
	o.releaseWaiting(func(w *waitingRecord) bool { return w.time+earlyWait < o.now })
	b := &o.buffers
	for key, c := range b.calls {
		if c.time+dataWait < o.now && o.calls.halves[key] == nil {
			b.drop(key)
		}
	}
	o.loss.add(lossMerge, "a long buffer or its event is missing", b.dropped+b.late-b.reported)
	b.reported = b.dropped + b.late
}
