// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"

	"github.com/vedette-io/vedette/internal/policy"
)

// fdInstall is the kernel function that gives a process a new descriptor, the
// one function apart from system calls that has an equivalent everywhere.
const fdInstall = "fd_install"

// How many arguments of a hook can be had.
const (
	syscallArgs   = 6
	functionArgs  = 6
	fdInstallArgs = 2
)

// The sections of hooks on functions of the kernel. They say the same; that
// fentries want a trampoline where the kernel has one is what every hook wants.
const (
	sectionKprobes  = "kprobes"
	sectionFentries = "fentries"
)

// kprobe understands one entry of spec.kprobes or spec.fentries: one hook, or
// one for each call of a list.
func (f *frontend) kprobe(k *policy.Kprobe, section string, index int) []*entry {
	path := policy.ItemPath("spec."+section, index)
	targets, missing := f.targets(k, path)
	var found []target
	for _, t := range targets {
		t.hook = f.kprobeContext(k, t.key)
		if err := f.describe(t.hook); err != nil {
			missing = append(missing, notFound{t.function, t.path, err})
			continue
		}
		found = append(found, t)
	}
	f.skip(k, section, index, missing, len(found) > 0)
	if len(found) == 0 { // what else is wrong is told all the same
		in, unknown := *f.in, *f
		in.Types, unknown.in = nil, &in
		unknown.kprobeEntry(k, unknown.kprobeContext(k, HookKey{Kind: f.kprobeKind(k)}), section, index, path)
		f.diags = unknown.diags
	}
	return f.kprobeEntries(k, found, section, index, path)
}

// kprobeEntries makes an entry for each hook. Where nothing depends on the
// function, they are the same.
func (f *frontend) kprobeEntries(k *policy.Kprobe, found []target, section string, index int, path string) []*entry {
	var entries []*entry
	for i, t := range found {
		var one entry
		if i == 0 || dependsOnTypes(k) {
			one = *f.kprobeEntry(k, t.hook, section, index, path)
		} else {
			one = *entries[0]
			t.hook.declared, t.hook.numArgs = k.Args, len(k.Args)
			f.checkPrototype(t.hook, path+".args")
		}
		one.key, one.group.FunctionName = t.key, t.function
		one.noMulti = f.policy.IsSet(policy.OptionDisableKprobeMulti)
		if _, ok := policy.ListReference(k.Call); ok {
			one.group.List, one.many = k.Call, section == sectionKprobes && len(found) > FewFunctions
		}
		entries = append(entries, &one)
	}
	return entries
}

// dependsOnTypes reports whether the types of the args are those of the
// function.
func dependsOnTypes(k *policy.Kprobe) bool {
	return k.ReturnArg != nil && isAuto(k.ReturnArg.Type) ||
		slices.ContainsFunc(k.Args, func(a policy.Arg) bool { return isAuto(a.Type) || a.Resolve != "" && a.BTFType == "" })
}

// notFound is a function of an entry that the kernel does not have.
type notFound struct {
	function, path string
	err            error
}

// skip reports the functions that the kernel does not have, or that they are
// left out where the policy says so.
func (f *frontend) skip(k *policy.Kprobe, section string, index int, missing []notFound, partial bool) {
	for _, m := range missing {
		if k.Ignore == nil || !k.Ignore.CallNotFound {
			f.errorf(m.path, "%v", m.err)
			continue
		}
		f.skipped = append(f.skipped, Skipped{
			Policy: f.index, Section: section, Entry: index, Function: m.function, Partial: partial, Reason: m.err.Error(),
		})
	}
}

// kprobeKind is the kind of the hooks of an entry.
func (f *frontend) kprobeKind(k *policy.Kprobe) HookKind {
	if f.isFunction(k) {
		return HookFunction
	}
	return HookSyscall
}

// kprobeContext is what is known of a hook before it is described.
func (f *frontend) kprobeContext(k *policy.Kprobe, key HookKey) *hookContext {
	switch {
	case key.Kind.IsSyscall():
		return &hookContext{kind: key.Kind, key: key, args: syscallArgs}
	case k.Call == fdInstall:
		return &hookContext{kind: HookFunction, key: key, args: fdInstallArgs}
	}
	return &hookContext{kind: HookFunction, key: key, args: functionArgs}
}

// kprobeEntry understands everything but the call.
func (f *frontend) kprobeEntry(k *policy.Kprobe, hook *hookContext, section string, index int, path string) *entry {
	e := &entry{path: path, group: Group{
		Section: section, Entry: index, Message: k.Message, Tags: k.Tags, FollowBit: f.follow, TrackBit: f.track, NoticeBit: f.enforce,
	}}
	switch {
	case k.Return && hook.kind == HookFunction && k.Call == fdInstall:
		f.errorf(path+".return", "%s returns nothing", fdInstall)
	case k.Return:
		f.returnArg(e, hook, k.ReturnArg, path)
	}
	f.returnTracking(e, k, path)
	hook.returns = e.group.HasReturn
	f.args(e, hook, k.Args, path)
	f.data(e, hook, k.Data, path)
	f.selectors(e, hook, k.Selectors, path)
	return e
}

// returnArg understands the returnArg of an entry with return: true.
func (f *frontend) returnArg(e *entry, hook *hookContext, a *policy.Arg, path string) {
	if a == nil {
		f.errorf(path+".return", "return needs a returnArg")
		return
	}
	path += ".returnArg"
	e.group.HasReturn = true
	declared := a.Type
	if isAuto(declared) {
		if declared = f.autoReturn(hook, path); declared == "" {
			return
		}
	}
	t, ok := slotTypes[declared]
	if t.isSock() && (hook.kind.IsSyscall() || hook.kind.InUserSpace()) {
		f.errorf(path+".type", "only functions of the kernel return a %s", declared)
		return
	}
	if !ok {
		f.errorf(path+".type", "a return value cannot be of type %s", quote(declared))
		return
	}
	e.group.ReturnType = t
	if !t.IsInteger() && !t.isSock() || t == TypeSyscall64 {
		f.returnSlot(e, declared, t, hook, path)
	}
	for _, field := range []struct{ name, value string }{{"resolve", a.Resolve}, {"source", a.Source}, {"btfType", a.BTFType}} {
		if field.value != "" {
			f.errorf(path+"."+field.name, "a return value cannot have %s", field.name)
		}
	}
	if a.ReturnCopy || a.MaxData || a.SizeArgIndex != 0 {
		f.errorf(path, "a return value cannot have sizeArgIndex, returnCopy or maxData")
	}
}

// autoReturn returns the type of the return value, "" where it is not known
// or has been reported.
func (f *frontend) autoReturn(hook *hookContext, path string) policy.ArgType {
	switch {
	case hook.prototype == nil && f.in.Types == nil && !hook.kind.InUserSpace():
		return ""
	case hook.prototype == nil:
		f.errorf(path+".type", "the type of the return value is not known: give one")
		return ""
	}
	t := hook.prototype.Result.argType()
	if t == "" {
		f.errorf(path+".type", "auto has no type for the return value: give one%s", hook.shown())
	}
	return t
}

// target is a hook that a call stands for.
type target struct {
	key      HookKey
	function string
	path     string // where the policy names it
	hook     *hookContext
}

// targets finds the hooks of an entry, and what there is no hook of.
func (f *frontend) targets(k *policy.Kprobe, path string) ([]target, []notFound) {
	path += ".call"
	if name, ok := policy.ListReference(k.Call); ok {
		return f.listTargets(k, name, path)
	}
	if !f.isFunction(k) && k.Call == fdInstall {
		f.errorf(path, "%s is not a system call, it needs syscall: false", fdInstall)
		return nil, nil
	}
	return f.callTarget(k, k.Call, path)
}

// callTarget finds the hook of a call.
func (f *frontend) callTarget(k *policy.Kprobe, call, path string) ([]target, []notFound) {
	if f.isFunction(k) {
		return f.functionTarget(call, path), nil
	}
	return f.syscall(call, path)
}

// listTargets finds the hooks of the calls of a list.
func (f *frontend) listTargets(k *policy.Kprobe, name, path string) (all []target, missing []notFound) {
	list := f.policy.Spec.List(name)
	if list == nil {
		f.errorf(path, "there is no list %s in spec.lists", quote(name))
		return nil, nil
	}
	listPath := policy.ItemPath("spec.lists", slices.IndexFunc(f.policy.Spec.Lists, func(l policy.List) bool { return l.Name == name }))
	switch list.Type {
	case policy.ListTypeGeneratedSyscalls:
		return f.everySyscall(listPath), nil
	case policy.ListTypeGeneratedFtrace:
		return f.matchingFunctions(list, listPath), nil
	}
	seen := map[HookKey]bool{}
	for i, call := range list.Values {
		found, not := f.callTarget(k, call, policy.ItemPath(listPath+".values", i))
		missing = append(missing, not...)
		for _, t := range found {
			if !seen[t.key] {
				all = append(all, t)
			}
			seen[t.key] = true
		}
	}
	return all, missing
}

// isFunction reports whether a kprobe is on functions that are not those of
// system calls.
func (f *frontend) isFunction(k *policy.Kprobe) bool {
	name, ok := policy.ListReference(k.Call)
	if !ok {
		return !k.Syscall
	}
	list := f.policy.Spec.List(name)
	return list != nil && (list.Type == policy.ListTypeGeneratedFtrace || list.Type == policy.ListTypePlain && !k.Syscall)
}

// functionTarget finds the hook of a function of the kernel. Whether there is
// such a function the kernel knows.
func (f *frontend) functionTarget(call, path string) []target {
	if name, ok := policy.SyscallName(call); ok {
		f.errorf(path, "%s is a system call: it needs syscall: true and the name sys_%s", quote(call), name)
		return nil
	}
	return []target{{key: HookKey{HookFunction, call}, function: call, path: path}}
}
