// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"regexp"
	"slices"
	"strings"
)

// The values of source of a datum.
const (
	SourceCurrentTask = "current_task"
	SourcePtRegs      = "pt_regs"
)

var dataSources = []string{SourceCurrentTask, SourcePtRegs}

// maxResolveDepth is how many steps a resolve path can have.
const maxResolveDepth = 10

var (
	resolveStep  = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)?(\[[0-9]+\])*$`)
	registerName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
)

// maxArgIndex returns the largest index of an argument that a hook of the
// section can have.
func (h hook) maxArgIndex() uint32 {
	switch {
	case h.section == sectionTracepoint:
		return 255 // the number of a field in the event's format
	case h.section == sectionRawTracepoint, h.section == sectionUsdt:
		return 11 // MAX_BPF_FUNC_ARGS and USDT have 12
	case h.syscall && h.section.isFunction():
		return 5
	}
	return MaxArgs - 1
}

func (v *validator) validateArgs(h hook) {
	if n := len(h.args) + len(h.data); n > MaxArgs {
		path := h.path + ".data"
		if len(h.args) > MaxArgs {
			path = ItemPath(h.path+".args", MaxArgs)
		}
		v.errorf(path, "%d args and data, the limit is %d", n, MaxArgs)
		v.failed.add(h.path + ".args")
		return
	}
	type key struct {
		index   uint32
		resolve string
	}
	seen := make(map[key]bool)
	for i, a := range h.args {
		path := ItemPath(h.path+".args", i)
		if limit := h.maxArgIndex(); a.Index > limit {
			v.errorf(path+".index", "index %d is out of range, %s has at most index %d", a.Index, h.describe(), limit)
		}
		if a.Source != "" {
			v.errorf(path+".source", "source is for data only, not for args")
		}
		if k := (key{a.Index, a.Resolve}); seen[k] && !v.failed.covers(path+".index") {
			v.warnf(path+".index", "", "argument %d is listed twice", a.Index)
		} else {
			seen[k] = true
		}
		v.validateArg(h, path, a)
	}
	for i, a := range h.data {
		path := ItemPath(h.path+".data", i)
		v.validateData(path, a)
		v.validateArg(h, path, a)
	}
}

// validateArg judges what args and data have in common.
func (v *validator) validateArg(h hook, path string, a Arg) {
	v.validateArgType(h, path, a)
	if a.Resolve != "" && a.Source != SourcePtRegs {
		v.validateResolve(path+".resolve", a.Resolve)
	}
	v.validateBuffer(h, path, a)
	v.validateSizeArg(h, path, a)
}

func (v *validator) validateArgType(h hook, path string, a Arg) {
	at := path + ".type"
	switch t := a.Type; {
	case !slices.Contains(argTypes, t):
		v.suggestf(at, oneOf(string(t), argTypes), "unknown argument type %s", quote(t))
	case t == TypeAuto && a.Resolve == "" && h.section.needsType():
		v.errorf(at, "type auto is not supported in a %s, the type must be given", h.section)
	case (t == TypeSyscall64 || t == TypeConstBuf || t == TypeDataLoc) && !h.section.isTracepoint():
		v.errorf(at, "type %s is for tracepoints only", t)
	}
}

// needsType reports whether nothing but the policy says what types the
// arguments of the hook have.
func (s section) needsType() bool { return s == sectionUprobe || s == sectionUsdt }

func (v *validator) validateResolve(path, resolve string) {
	steps := strings.Split(resolve, ".")
	if len(steps) > maxResolveDepth {
		v.errorf(path, "resolve path has %d steps, the limit is %d", len(steps), maxResolveDepth)
	}
	for _, step := range steps {
		if step == "" || !resolveStep.MatchString(step) {
			v.errorf(path, "%s is not a path of fields such as a.b[12].c", quote(resolve))
			return
		}
	}
}

func (v *validator) validateData(path string, a Arg) {
	switch {
	case a.Source == "":
		v.suggestf(path+".source", oneOf("", dataSources), "data needs a source")
	case !isOneOf(a.Source, dataSources):
		v.suggestf(path+".source", oneOf(a.Source, dataSources), "unknown source %s", quote(a.Source))
	case a.Resolve == "":
		v.errorf(path+".resolve", "data needs resolve: the path from %s", a.Source)
	case a.Source == SourcePtRegs && !registerName.MatchString(a.Resolve):
		v.errorf(path+".resolve", "%s is not the name of a register", quote(a.Resolve))
	}
}

func (v *validator) validateBuffer(h hook, path string, a Arg) {
	if a.MaxData && !a.Type.IsBuffer() {
		v.errorf(path+".maxData", "maxData is for char_buf, char_iovec and iov_iter, not for %s", a.Type)
	}
	switch {
	case a.ReturnCopy && (h.section.isTracepoint() || h.section == sectionLsm || h.section == sectionUsdt):
		v.errorf(path+".returnCopy", "a %s has no return to copy at", h.section)
	case a.Type == TypeCharBuf && !a.ReturnCopy && a.SizeArgIndex == 0 && a.Resolve == "":
		v.warnf(path, "give sizeArgIndex (counts from 1) or returnCopy", "char_buf without a size is read as empty")
	}
}

// validateSizeArg judges sizeArgIndex, which counts the arguments from 1
// where every other index counts from 0.
func (v *validator) validateSizeArg(h hook, path string, a Arg) {
	if a.SizeArgIndex == 0 {
		return
	}
	at, size := path+".sizeArgIndex", a.SizeArgIndex-1
	switch {
	case size > h.maxArgIndex():
		v.errorf(at, "sizeArgIndex %d is out of range, %s has at most %d arguments", a.SizeArgIndex, h.describe(), h.maxArgIndex()+1)
		return
	case size == a.Index && a.Source == "":
		v.suggestf(at, "it counts from 1: the argument with index 2 is sizeArgIndex 3",
			"sizeArgIndex %d names the argument itself, index %d", a.SizeArgIndex, a.Index)
		return
	case !a.Type.IsBuffer() && a.Type != TypeAuto && a.Type != TypeConstBuf && a.Type != TypeSockaddrUn:
		v.warnf(at, "", "sizeArgIndex has no effect on an argument of type %s", a.Type)
	}
	i := slices.IndexFunc(h.args, func(other Arg) bool { return other.Index == size && other.Resolve == "" })
	if i < 0 {
		return
	}
	if t := h.args[i].Type; !t.IsInteger() && t != TypeAuto && t != TypeNop && slices.Contains(argTypes, t) {
		v.suggestf(at, "it counts from 1: the argument with index 2 is sizeArgIndex 3",
			"sizeArgIndex %d names the argument with index %d, which is no integer but %s", a.SizeArgIndex, size, t)
	}
}
