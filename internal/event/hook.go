// SPDX-License-Identifier: Apache-2.0

package event

import "github.com/vedette-io/vedette/api/tetragon"

// Action is what was done when a rule matched.
type Action = tetragon.KprobeAction

// ActionOmitted is an action that is not encoded at all. It is found only in events that came from a
// message without one; where the agent leaves an action 0, KPROBE_ACTION_POST is encoded.
const ActionOmitted Action = -1

// Hook is what a hook of a policy saw. Kprobes, tracepoints, uprobes, USDT probes and LSM hooks
// differ only in what names them.
type Hook struct {
	// Function is the kernel function of a kprobe or the name of an LSM hook.
	Function string
	// Subsystem and Event name a tracepoint.
	Subsystem, Event string
	// Path is the binary of a uprobe or USDT probe.
	Path string
	// Symbol, Offset and RefCtrOffset locate a uprobe in Path; offsets are file offsets in bytes.
	Symbol               string
	Offset, RefCtrOffset uint64
	// Provider and Name name a USDT probe, Flags are its event's flags.
	Provider, Name, Flags string

	// PolicyName, Message and Tags are those of the policy whose rule matched.
	PolicyName string
	Message    string
	Tags       []string

	// Args are the captured arguments in the order of the policy.
	Args []Arg
	// Data are the values captured from elsewhere (kprobe and uprobe).
	Data []Arg
	// Return is the return value, nil when not captured (kprobe).
	Return *Arg
	// Action is the last action carried out, ReturnAction that of the return rule (kprobe). 0 is
	// encoded as KPROBE_ACTION_POST.
	Action, ReturnAction Action

	// KernelStack and UserStack are stack traces, innermost frame first (kprobe).
	KernelStack, UserStack []StackFrame
	// IMAHash is "algorithm:hex digest" of the file concerned (LSM).
	IMAHash string
}

// StackFrame is one frame of a stack trace.
type StackFrame struct {
	// Address is 0 unless the agent is configured to expose addresses.
	Address uint64
	// Offset is in bytes from the start of Symbol, or in Module for a frame in user space.
	Offset uint64
	Symbol string
	Module string
}

func (h *Hook) reset() Hook {
	return Hook{
		Tags:        h.Tags[:0],
		Args:        h.Args[:0],
		Data:        h.Data[:0],
		KernelStack: h.KernelStack[:0],
		UserStack:   h.UserStack[:0],
	}
}
