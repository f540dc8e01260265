// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"math/bits"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/process"
	"github.com/vedette-io/vedette/internal/record"
)

// call is what the records of one call say.
type call struct {
	plan    *plan
	process *process.Process
	id      process.ID
	tid     uint32
	time    uint64

	slots [record.MaxSlots]record.Value
	have  uint16 // bit n: slots[n] is there
	ret   record.Value
	// returned says that ret is there.
	returned bool
	retArg   event.Arg
	objects  [record.MaxSlots]objects
	stacks   Stacks
	hash     string // of the file that an LSM hook is about
	// net is what the event tells of sockets and the like: of the slots, and of the return value.
	net    [record.MaxSlots]netDetail
	retNet netDetail
}

// handleHook takes a hook record, which was decoded from raw.
func (o *Observer) handleHook(h *record.Hook, raw []byte) {
	if record.Phase(h.Phase) != record.PhaseEntry {
		o.handleHalf(h, raw)
		return
	}
	p := o.planOf(h)
	if p == nil {
		return
	}
	if o.holdEarly(h, raw) || o.holdForData(h, raw) {
		return
	}
	o.emitEntry(p, h)
}

// planOf returns the plan by which the record is read. Without one the event is lost.
func (o *Observer) planOf(h *record.Hook) *plan {
	p := o.plans[planKey{h.Hook, h.Generation}]
	if p == nil {
		o.loss.add(lossDecode, "hook is not known", 1)
	}
	return p
}

func (c *call) begin(p *plan, h *record.Hook) {
	c.plan = p
	c.id = process.IDOf(h.Process)
	c.tid = h.Tid
	c.time = h.Header.Time
	c.have = 0
	c.returned = false
	c.stacks = Stacks{}
	c.hash = ""
}

// addValues takes the values of a record; those that came at the return replace placeholders.
func (c *call) addValues(h *record.Hook, atReturn bool) {
	first := atReturn
	for value := range h.Values() {
		switch {
		case first:
			c.ret, c.returned = value, value.Type != record.ValueNone
		case value.Slot < record.MaxSlots:
			c.slots[value.Slot] = value
			c.have |= 1 << value.Slot
		case value.Type == record.ValueIMAHash:
			c.hash = hashText(&value)
		default:
			c.stacks.add(&value)
		}
		first = false
	}
}

// emitCall emits one event for every rule in the vector.
func (o *Observer) emitCall(vector []uint64) {
	c := &o.call
	c.process = o.opts.Tree.Lookup(c.id)
	for word, set := range vector {
		for ; set != 0; set &= set - 1 {
			bit := word*64 + bits.TrailingZeros64(set)
			if bit < len(c.plan.rules) && c.plan.rules[bit].quiet {
				continue
			}
			if bit >= len(c.plan.rules) || c.plan.rules[bit].group == nil {
				o.loss.add(lossDecode, "rule is not known", 1)
				continue
			}
			o.emitRule(&c.plan.rules[bit])
		}
	}
}

func (o *Observer) emitRule(r *rule) {
	c := &o.call
	o.begin(c.plan.Kind, c.time)
	o.addOwner(r.group)
	h := &o.ev.Hook
	h.Function = r.group.FunctionName
	h.Subsystem, h.Event = r.group.Subsystem, r.group.Event
	h.Path, h.Symbol, h.Offset, h.RefCtrOffset = r.group.Place.Path, r.group.Place.Symbol, r.group.Place.Offset, r.group.Place.RefCtrOffset
	h.Provider, h.Name = r.group.Place.Provider, r.group.Place.Name
	h.PolicyName = r.group.PolicyName
	h.Message = r.group.Message
	h.Tags = append(h.Tags, r.group.Tags...)
	h.Action = r.action
	h.IMAHash = c.hash
	h.Args = o.addValues(h.Args, r.group.Args)
	h.Data = o.addValues(h.Data, r.group.Data)
	if r.group.HasReturn && c.returned {
		c.retArg = o.returned(r.group)
		if c.plan.Kind == event.KindUprobe {
			h.Args = append(h.Args, c.retArg) // its events have no field for it
		} else {
			h.Return = &c.retArg
		}
	}
	o.request(r.request)
	if c.returned {
		o.actReturned(r)
	}
	if !o.symbolize(r) {
		o.emit()
	}
}

// actReturned says what was done when the call returned. The events of uprobes have no field of their own
// for it.
func (o *Observer) actReturned(r *rule) {
	o.request(r.returnRequest)
	h := &o.ev.Hook
	switch {
	case r.returnAction == 0:
	case o.call.plan.Kind == event.KindUprobe:
		h.Action = r.returnAction
	default:
		h.ReturnAction = r.returnAction
	}
}

// addValues appends the values of slots.
func (o *Observer) addValues(to []event.Arg, refs []SlotRef) []event.Arg {
	c := &o.call
	for _, ref := range refs {
		if c.have>>ref.Slot&1 == 0 {
			o.stats.MissingArguments++
			to = append(to, errorArg(notInRecord))
			continue
		}
		value := &c.slots[ref.Slot]
		if value.Type == record.ValueNop {
			continue
		}
		if isCut(value) {
			o.stats.TruncatedArguments++
		}
		if value.Type == record.ValueConstBuf && value.Status&record.StatusFailed == 0 {
			to = appendElements(to, value)
			continue
		}
		arg := o.argument(value, &c.net[ref.Slot])
		if c.plan.Kind != event.KindTracepoint {
			arg.Label = ref.Label
		}
		to = append(to, arg)
	}
	return to
}

// argument returns what events show of a slot's value.
func (o *Observer) argument(v *record.Value, detail *netDetail) event.Arg {
	if isNet(v.Type) {
		return detail.arg(v, o.cookies)
	}
	return o.call.arg(v)
}

// arg returns what events show of a slot's value that is no socket and the like.
func (c *call) arg(v *record.Value) event.Arg {
	if v.Status&(record.StatusAtReturn|record.StatusFailed) == 0 {
		if arg, ok := c.objects[v.Slot].arg(v); ok {
			return arg
		}
	}
	return argOf(v)
}

// returned returns what events show of the return value: a socket, the register, or what a slot has of
// the object that it leads to.
func (o *Observer) returned(g *GroupPlan) event.Arg {
	c := &o.call
	switch {
	case g.ReturnType == record.ValueSock || g.ReturnType == record.ValueSocket:
		return c.retNet.arg(&c.ret, o.cookies)
	case isRegister(g.ReturnType):
		return returnArg(&c.ret, g.ReturnType)
	case c.have>>g.ReturnSlot&1 == 0:
		return errorArg(notInRecord)
	}
	return o.argument(&c.slots[g.ReturnSlot], &c.retNet)
}

// isUnknown reports whether the kernel itself did not know the process of the record.
func isUnknown(h *record.Hook) bool {
	return h.ProcessFlags&uint32(bpf.ContractVdProcessFlagsVD_PROCESS_UNKNOWN) != 0
}
