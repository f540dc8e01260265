// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"math"

	"github.com/vedette-io/vedette/internal/policy"
)

// hookContext is what arguments and selectors must know of their hook.
type hookContext struct {
	kind             HookKind
	key              HookKey // empty for hooks in programs
	args             int     // how many arguments there can be
	subsystem, event string
	returns          bool
	// btfPath is the file with the types of a program.
	btfPath string
	// prototype is nil where it is not known; undescribed says why, where a
	// kernel was asked.
	prototype   *Prototype
	undescribed error
	// declared are the policy's args, numArgs of them, and then its data;
	// their slots are in entry.args.
	declared []policy.Arg
	numArgs  int
	// unknown has the positions of args whose type only the kernel knows,
	// and none is at hand.
	unknown map[uint8]bool
}

// isTracepoint reports whether the hook is a tracepoint of either kind.
func (h *hookContext) isTracepoint() bool {
	return h.kind == HookTracepoint || h.kind == HookRawTracepoint
}

// args understands the args of an entry.
func (f *frontend) args(e *entry, hook *hookContext, args []policy.Arg, path string) {
	path += ".args"
	if len(args) > MaxArgs {
		f.errorf(path, "%d arguments are too many, the limit is %d", len(args), MaxArgs)
		return
	}
	hook.declared, hook.numArgs, hook.unknown = args, len(args), make(map[uint8]bool)
	e.numArgs = len(args)
	for i := range args {
		e.args = append(e.args, f.arg(hook, &args[i], uint8(i), policy.ItemPath(path, i)))
		e.group.Labels = append(e.group.Labels, args[i].Label)
	}
	f.checkPrototype(hook, path)
}

// arg understands one of the args.
func (f *frontend) arg(hook *hookContext, a *policy.Arg, position uint8, path string) Slot {
	s := Slot{Index: uint8(a.Index), ReturnCopy: a.ReturnCopy}
	if int64(a.Index) >= int64(hook.args) {
		f.errorf(path+".index", "argument %d does not exist here, the last one is %d", a.Index, hook.args-1)
	}
	switch {
	case a.Source != "":
		f.errorf(path+".source", "source is for data only, not for args")
	case a.Resolve != "":
		f.resolveArg(&s, hook, a, position, path)
	default:
		if a.BTFType != "" || a.BTFTypeModule != "" {
			f.warnf(path, "btfType is where resolve begins: it does nothing without")
		}
		s.Type = f.argType(a, hook, position, path)
	}
	f.finish(&s, hook, a, path)
	return s
}

// finish understands what depends on the type.
func (f *frontend) finish(s *Slot, hook *hookContext, a *policy.Arg, path string) {
	s.SizeArg = f.sizeArg(a, s.Type, hook, path)
	s.Max = slotMax(s.Type, a.MaxData)
	if s.Type == TypeConstBuf {
		f.array(s, a, hook, path)
	}
	f.checkSized(a, s.Type, path)
	f.checkBuffer(a, s.Type, hook, path)
}

// argType returns the type of an argument, TypeNone after an error.
func (f *frontend) argType(a *policy.Arg, hook *hookContext, position uint8, path string) SlotType {
	if hook.kind == HookTracepoint {
		return f.tracepointType(a, slotTypes[a.Type], hook, position, path)
	}
	declared := a.Type
	if isAuto(declared) {
		var known bool
		if declared, known = f.autoType(a, hook, path); !known {
			hook.unknown[position] = f.in.Types == nil && !hook.kind.InUserSpace()
			if hook.unknown[position] {
				return TypeU64
			}
			return TypeNone
		}
	}
	return f.slotType(declared, hook, path)
}

// slotType returns the type by which an argument that is declared so is
// fetched, TypeNone after an error.
func (f *frontend) slotType(declared policy.ArgType, hook *hookContext, path string) SlotType {
	typePath := path + ".type"
	t, ok := slotTypes[declared]
	switch {
	case !ok:
		f.errorf(typePath, "an argument cannot be of type %s", quote(declared))
	case !f.checkPlace(declared, t, hook, typePath):
	case t == TypeDataLoc && hook.kind != HookTracepoint, t == TypeSyscall64 && !hook.isTracepoint():
		f.errorf(typePath, "no argument of this hook is a %s", declared)
	default:
		return t
	}
	return TypeNone
}

// tracepointType returns the type of a tracepoint's field.
func (f *frontend) tracepointType(a *policy.Arg, t SlotType, hook *hookContext, position uint8, path string) SlotType {
	auto := a.Type == policy.TypeAuto || a.Type == ""
	if !auto && t == TypeNone {
		f.errorf(path+".type", "a field of a tracepoint cannot be of type %s", quote(a.Type))
		return TypeNone
	}
	if !auto && !f.checkPlace(a.Type, t, hook, path+".type") {
		return TypeNone
	}
	if f.in.Fields == nil {
		if auto {
			hook.unknown[position] = true
			return TypeU64
		}
		return t
	}
	field, err := f.in.Fields.TracepointField(hook.subsystem, hook.event, a.Index)
	switch {
	case err != nil:
		f.errorf(path+".index", "field %d of tracepoint %s/%s: %v", a.Index, hook.subsystem, hook.event, err)
		return TypeNone
	case auto:
		t, _ = f.fieldType(a, field, path+".type")
	case t == TypeDataLoc && !field.DataLoc:
		f.errorf(path+".type", "field %s is no data_loc but %s", quote(field.Name), quote(field.CType))
	}
	return t
}

// sizeArg returns the number of the argument with the size of a buffer.
func (f *frontend) sizeArg(a *policy.Arg, t SlotType, hook *hookContext, path string) uint8 {
	switch {
	case a.SizeArgIndex == 0:
		return 0
	case t == TypeConstBuf:
		return 0 // the format says how long an array is
	case t == TypeSockaddrUn && int64(a.SizeArgIndex) <= int64(hook.args):
		return uint8(a.SizeArgIndex)
	case t != TypeCharBuf && t != TypeCharIovec:
		// A field of unknown type may turn out to be a buffer.
		if t != TypeNone && len(hook.unknown) == 0 {
			f.errorf(path+".sizeArgIndex", "only a char_buf and a char_iovec have a sizeArgIndex")
		}
		return 0
	case int64(a.SizeArgIndex) > min(int64(hook.args), math.MaxUint8):
		f.errorf(path+".sizeArgIndex", "argument %d does not exist here; sizeArgIndex counts from 1, the last one is %d",
			a.SizeArgIndex, min(hook.args, math.MaxUint8))
		return 0
	}
	return uint8(a.SizeArgIndex)
}

// checkBuffer checks what only buffers can have.
func (f *frontend) checkBuffer(a *policy.Arg, t SlotType, hook *hookContext, path string) {
	if a.MaxData && !t.isBuffer() && t != TypeNone {
		f.errorf(path+".maxData", "only a char_buf, a char_iovec and an iov_iter have maxData")
	}
	if !a.ReturnCopy {
		return
	}
	switch {
	case t == TypeIovIter:
		f.errorf(path+".returnCopy", "the kernel moves an iov_iter on while it fills the memory: use returnCopy with the char_buf or char_iovec of the system call")
	case t != TypeCharBuf && t != TypeCharIovec && t != TypeNone:
		f.errorf(path+".returnCopy", "only a char_buf and a char_iovec have returnCopy")
	case a.Resolve != "":
		f.errorf(path+".returnCopy", "what is found by resolve cannot be copied at return")
	case !hook.kind.IsSyscall():
		f.errorf(path+".returnCopy", "only the arguments of system calls can be copied at return")
	}
}
