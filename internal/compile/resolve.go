// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"
	"strings"

	"github.com/vedette-io/vedette/internal/policy"
)

func isAuto(t policy.ArgType) bool { return t == policy.TypeAuto || t == "" }

// taskStruct is where the paths of data from the current task begin.
const taskStruct = "task_struct"

// data understands the data of an entry. Its args come before.
func (f *frontend) data(e *entry, hook *hookContext, data []policy.Arg, path string) {
	path += ".data"
	if len(hook.declared)+len(data) > MaxArgs {
		f.errorf(path, "%d args and data are too many, the limit is %d", len(hook.declared)+len(data), MaxArgs)
		return
	}
	hook.declared = append(slices.Clip(hook.declared), data...)
	for i := range data {
		e.args = append(e.args, f.datum(hook, &data[i], uint8(hook.numArgs+i), policy.ItemPath(path, i)))
		e.group.Labels = append(e.group.Labels, data[i].Label)
	}
}

// datum understands one of the data.
func (f *frontend) datum(hook *hookContext, a *policy.Arg, position uint8, path string) Slot {
	var s Slot
	switch {
	case a.ReturnCopy:
		f.errorf(path+".returnCopy", "data is read when the hook is reached, not at its return")
	case a.Resolve == "":
		f.errorf(path+".resolve", "data needs resolve: the path from %s", a.Source)
	case a.Source == policy.SourceCurrentTask:
		s.From, s.Resolve = FromTask, a.Resolve
		f.resolve(&s, hook, Origin{Struct: taskStruct}, a, position, path)
	case a.Source == policy.SourcePtRegs:
		s.From, s.Resolve = FromRegister, a.Resolve
		f.register(&s, hook, a, position, path)
	default:
		f.errorf(path+".source", "data is from %s or %s, not from %s", policy.SourceCurrentTask, policy.SourcePtRegs, quote(a.Source))
	}
	f.finish(&s, hook, a, path)
	return s
}

// register finds the register that a datum is in.
func (f *frontend) register(s *Slot, hook *hookContext, a *policy.Arg, position uint8, path string) {
	switch hook.kind {
	case HookFunction, HookSyscall, HookCompatSyscall, HookUprobe:
	default:
		f.errorf(path+".source", "there are no registers here: %s is for kprobes and uprobes", policy.SourcePtRegs)
		return
	}
	declared := a.Type
	if f.in.Types == nil {
		hook.unknown[position] = isAuto(declared)
		if isAuto(declared) {
			declared = policy.TypeUint64
		}
		s.Type = f.slotType(declared, hook, path)
		return
	}
	var err error
	if s.Register, err = f.in.Types.Register(a.Resolve); err != nil {
		f.errorf(path+".resolve", "%v", err)
		return
	}
	if isAuto(declared) {
		declared = integers[int(s.Register.Width)].unsigned
	}
	s.Type = f.slotType(declared, hook, path)
}

// hasCompatLayout reports whether a structure of the kernel is laid out as
// 32-bit programs do: those made for them, and socket addresses.
func hasCompatLayout(name string) bool {
	return strings.HasPrefix(name, "compat_") || strings.HasPrefix(name, "sockaddr")
}

// resolveArg understands the path of an argument.
func (f *frontend) resolveArg(s *Slot, hook *hookContext, a *policy.Arg, position uint8, path string) {
	s.Resolve = a.Resolve
	origin := Origin{Hook: hook.key, Param: uint8(a.Index), Struct: a.BTFType, Module: a.BTFTypeModule, File: hook.btfPath}
	if hook.kind == HookCompatSyscall && !hasCompatLayout(a.BTFType) {
		f.errorf(path+".resolve", "32-bit programs lay out structures otherwise than the kernel's own: the btfType can be one named compat_ or sockaddr, which are theirs too")
		return
	}
	if a.BTFType == "" {
		switch {
		case hook.kind.IsSyscall(), hook.kind == HookTracepoint, hook.kind.InUserSpace():
			f.errorf(path+".resolve", "the type that the path begins at is not known here: give a btfType")
			return
		case hook.prototype == nil && hook.undescribed != nil:
			f.errorf(path+".resolve", "the type that the path begins at is not known (%v): give a btfType", hook.undescribed)
			return
		}
	}
	f.resolve(s, hook, origin, a, position, path)
}

// resolve goes the path of a slot, and finds the type of what is at its end.
func (f *frontend) resolve(s *Slot, hook *hookContext, from Origin, a *policy.Arg, position uint8, path string) {
	declared := a.Type
	if f.in.Types == nil {
		hook.unknown[position] = isAuto(declared)
		if isAuto(declared) {
			declared = policy.TypeUint64
		}
		s.Type = f.resolvedType(s, declared, hook, path)
		return
	}
	if hook.prototype != nil && from.Struct == "" && int(a.Index) >= len(hook.prototype.Params) {
		return // reported with the prototype
	}
	way, info, err := f.in.Types.Resolve(from, a.Resolve)
	if err != nil {
		f.errorf(path+".resolve", "%v%s", err, hook.shown())
		return
	}
	s.Way = way
	if declared = f.chooseType(a, &info, path); declared != "" {
		s.Type = f.resolvedType(s, declared, hook, path)
	}
}

// resolvedType returns the type by which what is at the end of a path is
// fetched. What the kernel has of a task can be of any type at any hook.
func (f *frontend) resolvedType(s *Slot, declared policy.ArgType, hook *hookContext, path string) SlotType {
	if t, ok := slotTypes[declared]; ok && s.From == FromTask && t != TypeDataLoc && t != TypeSyscall64 && t != TypeConstBuf {
		return t
	}
	return f.slotType(declared, hook, path)
}

// chooseType returns the argument type of what is at the end of a path: what
// BTF says it is, and the declared one where BTF does not say it or leaves
// the choice; "" after an error.
func (f *frontend) chooseType(a *policy.Arg, info *TypeInfo, path string) policy.ArgType {
	described := info.argType()
	auto := isAuto(a.Type)
	switch {
	case auto && a.SizeArgIndex > 0 && info.Kind == KindPointer && (info.Text || info.Struct == ""):
		return policy.TypeCharBuf
	case auto && described == "":
		f.errorf(path+".type", "%s is %s, for which auto has no type: give one%s", a.Resolve, info.CType, goOn(info))
		return ""
	case auto:
		return described
	case described == "" && !info.fits(a.Type):
		f.warnf(path+".type", "%s is %s, which is no %s", a.Resolve, info.CType, a.Type)
		return a.Type
	case described == "":
		return a.Type
	case a.Type.IsInteger() && described.IsInteger() && !isSpecial(a.Type):
		if slotTypes[a.Type] != slotTypes[described] {
			f.warnf(path+".type", "%s is %s: it is told as %s, not as %s", a.Resolve, info.CType, described, a.Type)
		}
		return described
	case info.fits(a.Type):
		return a.Type
	}
	f.warnf(path+".type", "%s is %s: it is told as %s, not as %s", a.Resolve, info.CType, described, a.Type)
	return described
}

// goOn is the part of a message that says what can be done about a struct.
func goOn(info *TypeInfo) string {
	if info.Kind == KindStruct {
		return ", or go on to one of its members"
	}
	return ""
}

// isSpecial reports whether an integer type says what the number means.
func isSpecial(t policy.ArgType) bool {
	return t == policy.TypeBpfCmd || t == policy.TypeSyscall64 || t == policy.TypeCapability
}
