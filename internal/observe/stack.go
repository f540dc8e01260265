// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"bytes"

	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/process"
	"github.com/vedette-io/vedette/internal/record"
)

// Stacks are the stack traces of an event as the kernel has walked them.
type Stacks struct {
	// Process is whose stack that of user space is.
	Process process.ID
	// Kernel and User are addresses of 8 bytes each in the byte order of the machine, the innermost
	// frame first.
	Kernel, User []byte
	// Files has the frames of User as [bpf.BuildIDFrame] each: which file they are in and where.
	Files []byte
}

// add takes a value if it is a stack trace.
func (s *Stacks) add(v *record.Value) {
	switch v.Type {
	case record.ValueStackKernel:
		s.Kernel = v.Content
	case record.ValueStackUser:
		s.User = v.Content
	case record.ValueStackBuildID:
		s.Files = v.Content
	}
}

// symbolize hands the event at hand on if it shows stack traces, and reports whether it did.
func (o *Observer) symbolize(r *rule) bool {
	stacks := Stacks{Process: o.call.id}
	if r.kernelStack {
		stacks.Kernel = bytes.Clone(o.call.stacks.Kernel)
	}
	if r.userStack {
		stacks.User, stacks.Files = bytes.Clone(o.call.stacks.User), bytes.Clone(o.call.stacks.Files)
	}
	if o.opts.Symbolize == nil || len(stacks.Kernel)+len(stacks.User) == 0 {
		return false
	}
	if o.opts.Symbolize(o.ev.Clone(), stacks) {
		return true
	}
	o.loss.add(lossStack, "too many events wait for the symbols of their stacks", 1)
	return false
}

// Resume emits an event that was handed out for its stack traces or its build id, with or without them.
func (o *Observer) Resume(e *event.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stats.Events++
	o.opts.Emit(e)
}
