// SPDX-License-Identifier: Apache-2.0

package observe

import "github.com/vedette-io/vedette/internal/record"

const (
	// callPatience is how long a half waits for the other one, in nanoseconds: longer than the kernel
	// side does (hook.CallPatience).
	callPatience = 12 * 60 * second
	// maxHalfBytes is how many bytes of records wait for the other half of their call at most.
	maxHalfBytes = 16 << 20
	// maxSpare and maxSpareBytes are how many halves are kept for reuse, and how long their buffers
	// may be.
	maxSpare      = 256
	maxSpareBytes = 8 << 10
)

// calls keeps the first half of calls whose entry and return come in two records. The halves can come
// in any order: a kill puts the entry into the ring for evidence, which is read later.
type calls struct {
	most   int
	halves map[halfKey]*half
	// oldest and newest are the ends of the list of halves.
	oldest, newest *half
	bytes          int
	spare          *half // a list by next
	spares         int
	// alone takes the halves that wait no longer.
	alone func(*half)
	// unmatched counts halves that went without the other one, reported how many of them a lost event
	// has told of.
	unmatched, reported uint64
}

type halfKey struct {
	pair             uint64
	tid              uint32
	hook, generation uint32
}

type half struct {
	key        halfKey
	plan       *plan
	phase      record.Phase
	raw        []byte
	prev, next *half
}

func newCalls(most int, alone func(*half)) calls {
	return calls{most: most, halves: make(map[halfKey]*half), alone: alone}
}

// take returns the other half of a call, which is kept no longer, or nil. It must be given back.
func (c *calls) take(key halfKey, phase record.Phase) *half {
	h := c.halves[key]
	if h == nil || isEntry(h.phase) == isEntry(phase) {
		return nil
	}
	c.remove(h)
	return h
}

// keep keeps a copy of the half of a call that came first.
func (c *calls) keep(key halfKey, p *plan, phase record.Phase, raw []byte) {
	if same := c.halves[key]; same != nil {
		c.drop(same)
	}
	h := c.newHalf()
	h.key, h.plan, h.phase = key, p, phase
	h.raw = append(h.raw[:0], raw...)
	c.halves[key] = h
	h.prev, h.next = c.newest, nil
	if c.newest == nil {
		c.oldest = h
	} else {
		c.newest.next = h
	}
	c.newest = h
	c.bytes += cap(h.raw)
	for len(c.halves) > c.most || c.bytes > maxHalfBytes {
		c.drop(c.oldest)
	}
}

// drop gives up waiting for the other half.
func (c *calls) drop(h *half) {
	c.unmatched++
	c.remove(h)
	c.alone(h)
	c.giveBack(h)
}

// dropBefore gives up what began to wait with a call before the time, in nanoseconds since boot.
func (c *calls) dropBefore(time uint64) {
	for c.oldest != nil && c.oldest.key.pair < time {
		c.drop(c.oldest)
	}
}

// dropOf gives up what waits of a generation of a hook, and of those before.
func (c *calls) dropOf(last planKey) {
	for h := c.oldest; h != nil; {
		next := h.next
		if h.key.hook == last.hook && h.key.generation <= last.generation {
			c.drop(h)
		}
		h = next
	}
}

func (c *calls) remove(h *half) {
	delete(c.halves, h.key)
	if h.prev == nil {
		c.oldest = h.next
	} else {
		h.prev.next = h.next
	}
	if h.next == nil {
		c.newest = h.prev
	} else {
		h.next.prev = h.prev
	}
	h.prev, h.next = nil, nil
	c.bytes -= cap(h.raw)
}

func (c *calls) newHalf() *half {
	h := c.spare
	if h == nil {
		return &half{}
	}
	c.spare, h.next = h.next, nil
	c.spares--
	return h
}

// giveBack takes a half that is no longer used.
func (c *calls) giveBack(h *half) {
	h.plan = nil
	if c.spares == maxSpare || cap(h.raw) > maxSpareBytes {
		return
	}
	h.next = c.spare
	c.spare = h
	c.spares++
}

// report tells of the halves that went alone since the last report.
func (c *calls) report(l *loss) {
	l.add(lossMerge, "entry or return of a call is missing", c.unmatched-c.reported)
	c.reported = c.unmatched
}

func isEntry(phase record.Phase) bool { return phase == record.PhaseEntryAwaitsReturn }

// handleHalf takes the record of an entry or return. When both are there it emits what the return
// says, with the time and process of the entry.
func (o *Observer) handleHalf(h *record.Hook, raw []byte) {
	phase := record.Phase(h.Phase)
	key := keyOf(h)
	other := o.calls.take(key, phase)
	if other == nil {
		if p := o.planOf(h); p != nil {
			o.calls.keep(key, p, phase, raw[:h.Header.Size])
		}
		return
	}
	defer o.calls.giveBack(other)
	if o.again.Decode(other.raw, &o.half) != nil {
		return // not possible: it was decoded before
	}
	entry, ret := &o.half.Hook, h
	if isEntry(phase) {
		entry, ret = ret, entry
	}
	if record.Phase(ret.Phase) == record.PhaseNoReturn {
		o.emitEntry(other.plan, entry)
		return
	}
	o.call.begin(other.plan, entry)
	o.call.addValues(entry, false)
	o.call.addValues(ret, true)
	o.buffers.join(key, &o.call)
	o.emitCall(ret.Vector())
}

// emitAlone emits the event of an entry whose return does not come: what the return would have
// filtered is told all the same. Of a return whose entry is lost there is an event, without arguments,
// if it is evidence.
func (o *Observer) emitAlone(h *half) {
	if o.again.Decode(h.raw, &o.half) != nil {
		return
	}
	r := &o.half.Hook
	switch {
	case isEntry(h.phase):
		o.emitEntry(h.plan, r)
	case h.phase == record.PhaseReturn && r.Header.Ring == evidenceRing:
		o.call.begin(h.plan, r)
		o.call.addValues(r, true)
		o.emitCall(r.Vector())
	}
}

// emitEntry emits the event that an entry is, without a return value.
func (o *Observer) emitEntry(p *plan, entry *record.Hook) {
	o.call.begin(p, entry)
	o.call.addValues(entry, false)
	o.buffers.join(keyOf(entry), &o.call)
	o.emitCall(entry.Vector())
}
