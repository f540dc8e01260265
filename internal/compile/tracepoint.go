// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"math"
	"strings"

	"github.com/vedette-io/vedette/internal/policy"
)

// rawArgs is how many arguments of a raw tracepoint can be fetched.
const rawArgs = 5

// tracepoint understands one entry of spec.tracepoints, nil where the kernel
// does not have the raw one.
func (f *frontend) tracepoint(t *policy.Tracepoint, index int) *entry {
	path := policy.ItemPath("spec.tracepoints", index)
	name := t.Subsystem + "/" + t.Event
	e := &entry{
		path: path,
		key:  HookKey{HookTracepoint, name},
		group: Group{
			Section: "tracepoints", Entry: index, FunctionName: name,
			Message: t.Message, Tags: t.Tags, FollowBit: f.follow, TrackBit: f.track, NoticeBit: f.enforce,
		},
	}
	hook := hookContext{kind: HookTracepoint, key: e.key, args: math.MaxUint8 + 1, subsystem: t.Subsystem, event: t.Event}
	if t.Raw {
		e.key = HookKey{HookRawTracepoint, t.Event}
		hook.kind, hook.args, hook.key = HookRawTracepoint, rawArgs, e.key
	}
	if t.Subsystem == "" || t.Event == "" || strings.ContainsAny(name[len(t.Subsystem)+1:], "/") || strings.Contains(t.Subsystem, "/") {
		f.errorf(path, "%s is not the name of a tracepoint", quote(name))
	}
	if t.Raw && f.lookUp(&hook, path+".event") != nil {
		return nil
	}
	f.args(e, &hook, t.Args, path)
	f.selectors(e, &hook, t.Selectors, path)
	return e
}

// fieldType returns the type of a tracepoint's field from its format, for
// arguments of type auto.
func (f *frontend) fieldType(a *policy.Arg, field FieldInfo, path string) (SlotType, bool) {
	isChar := strings.Contains(field.CType, "char *")
	switch {
	case field.DataLoc:
		return TypeDataLoc, true
	case isChar && a.SizeArgIndex > 0:
		return TypeCharBuf, true
	case isChar:
		f.errorf(path, "field %s is a pointer to characters: give the type string, or char_buf with a sizeArgIndex", quote(field.Name))
		return TypeNone, false
	case strings.Contains(field.CType, "["):
		return TypeConstBuf, true
	case field.CType == "size_t":
		return TypeSize, true
	}
	t, ok := integerOf(field.Size, field.Signed)
	if !ok {
		f.errorf(path, "field %s of type %s and %d bytes has no type that auto can choose: give one", quote(field.Name), quote(field.CType), field.Size)
	}
	return t, ok
}

// integerOf returns the integer type of a size in bytes.
func integerOf(size int, signed bool) (SlotType, bool) {
	types := map[int][2]SlotType{1: {TypeU8, TypeS8}, 2: {TypeU16, TypeS16}, 4: {TypeU32, TypeS32}, 8: {TypeU64, TypeS64}}
	pair, ok := types[size]
	if signed {
		return pair[1], ok
	}
	return pair[0], ok
}
