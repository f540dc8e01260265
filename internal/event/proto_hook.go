// SPDX-License-Identifier: Apache-2.0

package event

import "github.com/vedette-io/vedette/api/tetragon"

func protoKprobe(e *Event) *tetragon.ProcessKprobe {
	h := &e.Hook
	m := &tetragon.ProcessKprobe{
		Process:          protoProcess(e.Process, e.TID),
		Parent:           protoProcess(e.Parent, 0),
		FunctionName:     valid(h.Function),
		Args:             convert(h.Args, protoArg),
		Action:           protoAction(h.Action),
		KernelStackTrace: convert(h.KernelStack, protoFrame),
		PolicyName:       valid(h.PolicyName),
		ReturnAction:     protoAction(h.ReturnAction),
		Message:          valid(h.Message),
		Tags:             convert(h.Tags, validAt),
		UserStackTrace:   convert(h.UserStack, protoFrame),
		Ancestors:        protoAncestors(e.Ancestors),
		Data:             convert(h.Data, protoArg),
	}
	if h.Return != nil {
		m.Return = protoArg(h.Return)
	}
	return m
}

func protoTracepoint(e *Event) *tetragon.ProcessTracepoint {
	h := &e.Hook
	return &tetragon.ProcessTracepoint{
		Process:    protoProcess(e.Process, e.TID),
		Parent:     protoProcess(e.Parent, 0),
		Subsys:     valid(h.Subsystem),
		Event:      valid(h.Event),
		Args:       convert(h.Args, protoArg),
		PolicyName: valid(h.PolicyName),
		Action:     protoAction(h.Action),
		Message:    valid(h.Message),
		Tags:       convert(h.Tags, validAt),
		Ancestors:  protoAncestors(e.Ancestors),
	}
}

func protoUprobe(e *Event) *tetragon.ProcessUprobe {
	h := &e.Hook
	return &tetragon.ProcessUprobe{
		Process:      protoProcess(e.Process, e.TID),
		Parent:       protoProcess(e.Parent, 0),
		Path:         valid(h.Path),
		Symbol:       valid(h.Symbol),
		PolicyName:   valid(h.PolicyName),
		Message:      valid(h.Message),
		Args:         convert(h.Args, protoArg),
		Tags:         convert(h.Tags, validAt),
		Ancestors:    protoAncestors(e.Ancestors),
		Offset:       h.Offset,
		RefCtrOffset: h.RefCtrOffset,
		Action:       protoAction(h.Action),
		Data:         convert(h.Data, protoArg),
	}
}

func protoUsdt(e *Event) *tetragon.ProcessUsdt {
	h := &e.Hook
	return &tetragon.ProcessUsdt{
		Process:    protoProcess(e.Process, e.TID),
		Parent:     protoProcess(e.Parent, 0),
		Path:       valid(h.Path),
		Provider:   valid(h.Provider),
		Name:       valid(h.Name),
		PolicyName: valid(h.PolicyName),
		Message:    valid(h.Message),
		Args:       convert(h.Args, protoArg),
		Tags:       convert(h.Tags, validAt),
		Ancestors:  protoAncestors(e.Ancestors),
		Action:     protoAction(h.Action),
		Flags:      valid(h.Flags),
	}
}

func protoLSM(e *Event) *tetragon.ProcessLsm {
	h := &e.Hook
	return &tetragon.ProcessLsm{
		Process:      protoProcess(e.Process, e.TID),
		Parent:       protoProcess(e.Parent, 0),
		FunctionName: valid(h.Function),
		PolicyName:   valid(h.PolicyName),
		Message:      valid(h.Message),
		Args:         convert(h.Args, protoArg),
		Action:       protoAction(h.Action),
		Tags:         convert(h.Tags, validAt),
		Ancestors:    protoAncestors(e.Ancestors),
		ImaHash:      valid(h.IMAHash),
	}
}

func protoAction(a Action) tetragon.KprobeAction {
	if a == ActionOmitted {
		return tetragon.KprobeAction_KPROBE_ACTION_UNKNOWN
	}
	return orPost(a)
}

func protoFrame(f *StackFrame) *tetragon.StackTraceEntry {
	return &tetragon.StackTraceEntry{
		Address: f.Address,
		Offset:  f.Offset,
		Symbol:  valid(f.Symbol),
		Module:  valid(f.Module),
	}
}

func validAt(s *string) string { return valid(*s) }
