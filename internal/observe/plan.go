// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"fmt"
	"slices"

	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
)

// HookPlan says how the records of one generation of a hook's program are read. It is plain data; a
// plan that was given to [Observer.SetPlan] must not be changed any more.
type HookPlan struct {
	// Hook is the number of the hook, Generation that of its program.
	Hook, Generation uint32
	// Kind is the kind of the events, one of those of hooks.
	Kind   event.Kind
	Groups []GroupPlan
	Rules  []RulePlan
}

// GroupPlan is one entry of one policy on the hook.
type GroupPlan struct {
	PolicyName string
	// FunctionName names a kprobe and an LSM hook; Subsystem and Event name a tracepoint.
	FunctionName     string
	Subsystem, Event string
	// Place is where a uprobe or a static probe is.
	Place   Place
	Message string
	Tags    []string
	// Args are the arguments that the event shows, in the order of the policy.
	Args []SlotRef
	// Data are what the event shows beside the arguments.
	Data []SlotRef
	// HasReturn says that the event shows the return value, as ReturnType.
	HasReturn  bool
	ReturnType record.ValueType
	// ReturnSlot is the slot that has a return value which is not just the register.
	ReturnSlot uint8
	// TrackBit is the policy's number in the masks of tracked sockets, or -1: the process of events
	// with a socket that it tracks is the socket's owner.
	TrackBit int
}

// Place is a place in a program.
type Place struct {
	Path string
	// Symbol is empty where the policy names the place otherwise.
	Symbol string
	// Offset and RefCtrOffset are in the file, in bytes.
	Offset, RefCtrOffset uint64
	// Provider and Name are those of a static probe.
	Provider, Name string
}

// SlotRef is an argument of an event: the slot of the record that has its value, and its label, which
// events of tracepoints do not show.
type SlotRef struct {
	Slot  uint8
	Label string
}

// RulePlan is one bit of the records' rule vector.
type RulePlan struct {
	Bit uint16
	// Group is the index of the rule's group in HookPlan.Groups.
	Group uint16
	// Action is what the event says was done, ReturnAction what was when the call returned; 0 is nothing.
	Action, ReturnAction event.Action
	// NoPost says that the rule makes no event.
	NoPost bool
	// Quiet says that there are records for it all the same: its return is waited for.
	Quiet bool
	// KernelStack and UserStack say that the event shows these stacks.
	KernelStack, UserStack bool
	// Request is what is asked for when the event is there, ReturnRequest what is if the call has returned;
	// their kinds are 0 for nothing.
	Request, ReturnRequest Request
}

// plan is a HookPlan made for looking up.
type plan struct {
	HookPlan
	rules     []rule // by bit
	ancestors bool
	// retired is when the plan was replaced or withdrawn, in nanoseconds since boot; 0: it was not.
	retired uint64
	// detached says that nothing sees the hook's returns any more.
	detached bool
}

type rule struct {
	group *GroupPlan
	quiet bool // makes no event, though there are records for it
	// The others are as in RulePlan.
	action, returnAction   event.Action
	kernelStack, userStack bool
	request, returnRequest Request
}

type planKey struct{ hook, generation uint32 }

func (h *HookPlan) key() planKey { return planKey{h.Hook, h.Generation} }

// newPlan checks a plan and makes it ready.
func newPlan(h HookPlan) (*plan, error) {
	switch h.Kind {
	case event.KindKprobe, event.KindTracepoint, event.KindLSM, event.KindUprobe, event.KindUsdt:
	default:
		return nil, fmt.Errorf("plan of hook %d: kind %v is not that of a hook", h.Hook, h.Kind)
	}
	for i := range h.Groups {
		for _, arg := range slices.Concat(h.Groups[i].Args, h.Groups[i].Data) {
			if arg.Slot >= record.MaxSlots {
				return nil, fmt.Errorf("plan of hook %d: group %d: slot %d exceeds %d", h.Hook, i, arg.Slot, record.MaxSlots-1)
			}
		}
		if slot := h.Groups[i].ReturnSlot; slot >= record.MaxSlots {
			return nil, fmt.Errorf("plan of hook %d: group %d: slot %d of the return value exceeds %d", h.Hook, i, slot, record.MaxSlots-1)
		}
	}
	p := &plan{HookPlan: h}
	for _, r := range h.Rules {
		if err := p.addRule(r); err != nil {
			return nil, fmt.Errorf("plan of hook %d: rule %d: %w", h.Hook, r.Bit, err)
		}
	}
	return p, nil
}

func (p *plan) addRule(r RulePlan) error {
	if int(r.Group) >= len(p.Groups) {
		return fmt.Errorf("group %d of %d", r.Group, len(p.Groups))
	}
	if r.Bit >= record.MaxWords*64 {
		return fmt.Errorf("bit exceeds %d", record.MaxWords*64-1)
	}
	if n := int(r.Bit) + 1 - len(p.rules); n > 0 {
		p.rules = append(p.rules, make([]rule, n)...)
	}
	if r.NoPost {
		p.rules[r.Bit].quiet = r.Quiet
		return nil
	}
	if p.rules[r.Bit].group != nil {
		return fmt.Errorf("given twice")
	}
	p.rules[r.Bit] = rule{
		group: &p.Groups[r.Group], action: r.Action, kernelStack: r.KernelStack, userStack: r.UserStack, request: r.Request,
		returnAction: r.ReturnAction, returnRequest: r.ReturnRequest,
	}
	return nil
}

const (
	// planGrace is how long a retired plan is kept for records that are still in the rings, in
	// nanoseconds.
	planGrace = 10e9
	// maxGenerations is how many plans of one hook are kept at most.
	maxGenerations = 8
)

// SetPlan makes the records of a generation of a hook readable. It must be set before the program is
// attached. Older generations of the hook are retired: they are still known for some seconds.
func (o *Observer) SetPlan(h HookPlan) error {
	p, err := newPlan(h)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.retire(h.Hook)
	p.ancestors = o.ancestors[h.Kind]
	o.plans[h.key()] = p
	o.limitGenerations(h.Hook)
	return nil
}

// RetireHook retires all plans of a hook, which is no longer attached.
func (o *Observer) RetireHook(hook uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.retire(hook)
	for _, p := range o.plans {
		p.detached = p.detached || p.Hook == hook
	}
}

func (o *Observer) retire(hook uint32) {
	for _, p := range o.plans {
		if p.Hook == hook && p.retired == 0 {
			p.retired = max(o.now, 1)
		}
	}
}

func (o *Observer) limitGenerations(hook uint32) {
	var oldest *plan
	n := 0
	for _, p := range o.plans {
		if p.Hook != hook {
			continue
		}
		n++
		if p.retired != 0 && (oldest == nil || p.Generation < oldest.Generation) {
			oldest = p
		}
	}
	if n > maxGenerations {
		delete(o.plans, oldest.key())
	}
}

func (o *Observer) forgetPlans() {
	for key, p := range o.plans {
		if p.retired != 0 && p.retired+planGrace < o.now {
			delete(o.plans, key)
			if p.detached {
				o.calls.dropOf(key)
			}
		}
	}
}
