// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"strconv"
	"strings"

	"github.com/vedette-io/vedette/internal/policy"
)

// checkPlace refuses the types that no argument of the hook can have.
func (f *frontend) checkPlace(declared policy.ArgType, t SlotType, hook *hookContext, path string) bool {
	switch {
	case hook.kind.IsSyscall() && t.isKernelObject():
		f.errorf(path, "no argument of a system call is a %s%s", declared, insteadOf(t))
	case hook.kind.InUserSpace() && t.isKernelObject():
		f.errorf(path, "no argument of a program is a %s, which only the kernel has%s", declared, insteadOf(t))
	case hook.ofProcess() && t.isKernelObject():
		f.errorf(path, "no field of %s/%s is a %s: its addresses are those of the process%s",
			hook.subsystem, hook.event, declared, insteadOf(t))
	case t == TypeConstBuf && hook.kind != HookTracepoint:
		f.errorf(path, "a %s is an array in the record of a tracepoint, this hook has none", declared)
	default:
		return true
	}
	return false
}

// ofProcess reports whether the hook is a tracepoint with the arguments of a
// system call, which the process has chosen.
func (h *hookContext) ofProcess() bool {
	return h.kind == HookTracepoint && (h.subsystem == "syscalls" || h.subsystem == "raw_syscalls")
}

// insteadOf says which type to use where only the process's memory is at
// hand.
func insteadOf(t SlotType) string {
	switch t {
	case TypeFile, TypePath, TypeFilename, TypeDentry, TypeBinprm, TypeKiocb:
		return ": use string for text, fd for a descriptor"
	case TypeSock, TypeSocket, TypeSkb:
		return ": use sockaddr for an address"
	case TypeIovIter:
		return ": use char_iovec for a struct iovec, char_buf for a buffer"
	}
	return ": hook a function of the kernel that has it"
}

// checkSized checks the size argument of a buffer that cannot be read
// without one.
func (f *frontend) checkSized(a *policy.Arg, t SlotType, path string) {
	if t == TypeCharIovec && a.SizeArgIndex == 0 {
		f.errorf(path, "a char_iovec needs a sizeArgIndex: the argument, counted from 1, that says how many elements there are")
	}
}

// array completes the slot of an array in a tracepoint's record.
func (f *frontend) array(s *Slot, a *policy.Arg, hook *hookContext, path string) {
	if f.in.Fields == nil {
		return
	}
	field, err := f.in.Fields.TracepointField(hook.subsystem, hook.event, a.Index)
	if err != nil {
		return // told already
	}
	s.Max = uint32(min(field.Size, MaxString))
	s.Element, s.Signed = field.element()
	if s.Element == 0 {
		f.errorf(path+".type", "field %s of type %s is no array of integers or characters", quote(field.Name), quote(field.CType))
	}
}

// elementSizes are the sizes in bytes of the elements of arrays, by the names
// that the formats of tracepoints use.
var elementSizes = map[string]uint8{
	"char": 1, "u8": 1, "__u8": 1, "s8": 1, "short": 2, "u16": 2, "__u16": 2, "__be16": 2,
	"int": 4, "u32": 4, "__u32": 4, "__be32": 4, "s32": 4, "long": 8, "u64": 8, "__u64": 8, "s64": 8, "__s64": 8,
}

// element is the size in bytes of an element of an array, 0 if the field is
// none of numbers.
func (f FieldInfo) element() (size uint8, signed bool) {
	name, length, ok := strings.Cut(f.CType, "[")
	if !ok {
		return 0, false
	}
	words := strings.Fields(name)
	for _, w := range words {
		if n := elementSizes[w]; n != 0 {
			size = n
		}
		signed = signed || w == "s8" || w == "s16" || w == "s32" || w == "s64" || w == "__s64"
	}
	if len(words) == 1 && (words[0] == "int" || words[0] == "long" || words[0] == "short") {
		signed = true
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, "]"))
	if err == nil && n > 0 && size != 1 && f.Size%n == 0 {
		size = uint8(min(f.Size/n, 8)) // of a long this machine has
	}
	switch size {
	case 1, 2, 4, 8:
		return size, signed
	}
	return 0, false
}

// returnSlot understands the type of a return value that is no integer.
func (f *frontend) returnSlot(e *entry, declared policy.ArgType, t SlotType, hook *hookContext, path string) {
	switch {
	case t == TypeNop || t == TypeDataLoc || t == TypeSyscall64 || t == TypeConstBuf || t == TypeNone:
		f.errorf(path+".type", "no call returns a %s", declared)
		return
	case t.isBuffer() || t == TypeBPFAttr:
		f.errorf(path+".type", "a call does not return a %s: use returnCopy for a buffer that it fills", declared)
		return
	case !f.checkPlace(declared, t, hook, path+".type"):
		return
	}
	e.ret = &Slot{Type: t, Max: slotMax(t, false), From: FromReturn, ReturnCopy: true}
}

// objectFilter understands a filter on an argument that is neither a string
// nor an integer, and those on the object behind a path.
func (f *frontend) objectFilter(e *entry, hook *hookContext, position uint8, a *policy.ArgFilter, path string) []condition {
	slot, declared := &e.args[position], hook.declared[position].Type
	switch {
	case slot.Type.IsCapSet():
		return f.capSetFilter(position, a, path)
	case slot.Type == TypeNop:
		f.errorf(path, "an argument of type nop has no value to filter")
	case slot.Type != TypeNone:
		f.errorf(path, "an argument of type %s cannot be filtered: use resolve for one of its fields", declared)
	}
	return nil
}

// capSetFilter understands a filter that compares a set of capabilities.
func (f *frontend) capSetFilter(position uint8, a *policy.ArgFilter, path string) []condition {
	if a.Operator != policy.OpEqual && a.Operator != policy.OpNotEqual {
		f.errorf(path+".operator", "operator %s is not for sets of capabilities: they can be Equal, NotEqual or CapabilitiesGained", a.Operator)
		return nil
	}
	var spans []span
	for i, v := range a.Values {
		set, err := policy.ParseCapabilitySet(v)
		if err != nil {
			f.errorf(policy.ItemPath(path+".values", i), "%v", err)
		}
		spans = append(spans, span{set, set})
	}
	return []condition{{kind: DimInterval, source: SourceArg, index: position, keys: keysOf(spans, a.Operator.IsNegated())}}
}

// gainedFilter understands CapabilitiesGained: its args are the old and the
// new set.
func (f *frontend) gainedFilter(e *entry, hook *hookContext, a *policy.ArgFilter, path string) []condition {
	if len(a.Args) != 2 {
		f.errorf(path+".args", "operator %s compares two args: the position of the old set and that of the new one", a.Operator)
		return nil
	}
	for i, position := range a.Args {
		switch {
		case int64(position) >= int64(len(e.args)):
			f.errorf(path+".args", "there are only %d args, position %d is not one of them", len(hook.declared), position)
			return nil
		case !e.args[position].Type.IsCapSet():
			if e.args[position].Type != TypeNone {
				f.errorf(policy.ItemPath(path+".args", i), "the arg at position %d is no set of capabilities but %s", position, hook.declared[position].Type)
			}
			return nil
		}
	}
	return []condition{{
		kind: DimMask, source: SourceCapsGained, index: uint8(a.Args[0]), other: uint8(a.Args[1]), mask: ^uint64(0),
	}}
}

// fileTypeFilter understands a filter on the type of a file.
func (f *frontend) fileTypeFilter(slot *Slot, position uint8, a *policy.ArgFilter, path string) []condition {
	if !slot.Type.isPath() {
		f.errorf(path+".operator", "operator %s is for files, the argument is none", a.Operator)
		return nil
	}
	var spans []span
	for i, v := range a.Values {
		mode, err := policy.ParseFileType(v)
		if err != nil {
			f.errorf(policy.ItemPath(path+".values", i), "%v", err)
		}
		spans = append(spans, span{uint64(mode), uint64(mode)})
	}
	return []condition{{kind: DimInterval, source: SourceFileType, index: position, keys: keysOf(spans, a.Operator.IsNegated())}}
}
