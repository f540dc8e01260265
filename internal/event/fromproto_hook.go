// SPDX-License-Identifier: Apache-2.0

package event

import (
	"slices"

	"github.com/vedette-io/vedette/api/tetragon"
)

// hookMember is what all events of a policy's hook have.
type hookMember interface {
	processMember
	GetArgs() []*tetragon.KprobeArgument
	GetAction() tetragon.KprobeAction
	GetPolicyName() string
	GetMessage() string
	GetTags() []string
}

func (e *Event) fromHook(kind Kind, m hookMember) *Hook {
	e.Kind = kind
	e.fromProcesses(m)
	e.Hook = Hook{
		PolicyName: m.GetPolicyName(),
		Message:    m.GetMessage(),
		Tags:       slices.Clone(m.GetTags()),
		Args:       convert(m.GetArgs(), argOf),
		Action:     actionOf(m.GetAction()),
	}
	return &e.Hook
}

func (e *Event) fromKprobe(m *tetragon.ProcessKprobe) {
	h := e.fromHook(KindKprobe, m)
	h.Function = m.GetFunctionName()
	if m.GetReturn() != nil {
		value := argOf(&m.Return)
		h.Return = &value
	}
	h.ReturnAction = actionOf(m.GetReturnAction())
	h.KernelStack = convert(m.GetKernelStackTrace(), frameOf)
	h.UserStack = convert(m.GetUserStackTrace(), frameOf)
	h.Data = convert(m.GetData(), argOf)
}

func (e *Event) fromTracepoint(m *tetragon.ProcessTracepoint) {
	h := e.fromHook(KindTracepoint, m)
	h.Subsystem, h.Event = m.GetSubsys(), m.GetEvent()
}

func (e *Event) fromUprobe(m *tetragon.ProcessUprobe) {
	h := e.fromHook(KindUprobe, m)
	h.Path, h.Symbol = m.GetPath(), m.GetSymbol()
	h.Offset, h.RefCtrOffset = m.GetOffset(), m.GetRefCtrOffset()
	h.Data = convert(m.GetData(), argOf)
}

func (e *Event) fromUsdt(m *tetragon.ProcessUsdt) {
	h := e.fromHook(KindUsdt, m)
	h.Path, h.Provider, h.Name, h.Flags = m.GetPath(), m.GetProvider(), m.GetName(), m.GetFlags()
}

func (e *Event) fromLSM(m *tetragon.ProcessLsm) {
	h := e.fromHook(KindLSM, m)
	h.Function, h.IMAHash = m.GetFunctionName(), m.GetImaHash()
}

func actionOf(a tetragon.KprobeAction) Action {
	if a == tetragon.KprobeAction_KPROBE_ACTION_UNKNOWN {
		return ActionOmitted
	}
	return a
}

func frameOf(m **tetragon.StackTraceEntry) StackFrame {
	return StackFrame{
		Address: (*m).GetAddress(),
		Offset:  (*m).GetOffset(),
		Symbol:  (*m).GetSymbol(),
		Module:  (*m).GetModule(),
	}
}
