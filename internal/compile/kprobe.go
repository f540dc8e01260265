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

// kprobe understands one entry of spec.kprobes: one hook, or one for each
// call of a list.
func (f *frontend) kprobe(k *policy.Kprobe, index int) []*entry {
	path := policy.ItemPath("spec.kprobes", index)
	f.checkKprobe(k, path)
	targets := f.targets(k, path)
	e := f.kprobeEntry(k, index, path)
	var entries []*entry
	for _, t := range targets {
		one := *e
		one.key = t.key
		one.group.FunctionName = t.function
		entries = append(entries, &one)
	}
	return entries
}

// checkKprobe refuses the fields that are not executed yet.
func (f *frontend) checkKprobe(k *policy.Kprobe, path string) {
	if len(k.Data) > 0 {
		f.named(path+".data", "data")
	}
	if k.ReturnArgAction != "" {
		f.named(path+".returnArgAction", "returnArgAction")
	}
}

// kprobeEntry understands everything but the call.
func (f *frontend) kprobeEntry(k *policy.Kprobe, index int, path string) *entry {
	hook := hookContext{kind: HookSyscall, args: syscallArgs}
	switch {
	case f.isFunction(k) && k.Call == fdInstall:
		hook = hookContext{kind: HookFunction, args: fdInstallArgs}
	case f.isFunction(k):
		hook = hookContext{kind: HookFunction, args: functionArgs}
	}
	e := &entry{path: path, group: Group{
		Section: "kprobes", Entry: index, Message: k.Message, Tags: k.Tags, FollowBit: f.follow,
	}}
	switch {
	case k.Return && hook.kind == HookFunction && k.Call == fdInstall:
		f.errorf(path+".return", "%s returns nothing", fdInstall)
	case k.Return:
		f.returnArg(e, k.ReturnArg, &hook, path)
	}
	hook.returns = e.group.HasReturn
	f.args(e, &hook, k.Args, path)
	f.selectors(e, &hook, k.Selectors, path)
	return e
}

// returnArg understands the returnArg of an entry with return: true.
func (f *frontend) returnArg(e *entry, a *policy.Arg, hook *hookContext, path string) {
	if a == nil {
		f.errorf(path+".return", "return needs a returnArg")
		return
	}
	e.group.HasReturn = true
	t, ok := slotTypes[a.Type]
	if !ok {
		f.unsupported(path+".returnArg.type", "return values of type "+quote(a.Type))
		return
	}
	e.group.ReturnType = t
	if !t.IsInteger() || t == TypeSyscall64 {
		f.returnSlot(e, a, t, hook, path)
	}
	f.checkArgFields(a, path+".returnArg")
	if a.ReturnCopy || a.MaxData || a.SizeArgIndex != 0 {
		f.errorf(path+".returnArg", "a return value cannot have sizeArgIndex, returnCopy or maxData")
	}
}

// target is a hook that a call stands for.
type target struct {
	key      HookKey
	function string
}

// targets finds the hooks of an entry.
func (f *frontend) targets(k *policy.Kprobe, path string) []target {
	path += ".call"
	if name, ok := policy.ListReference(k.Call); ok {
		return f.listTargets(k, name, path)
	}
	if !k.Syscall {
		return f.functionTarget(k.Call, path)
	}
	if k.Call == fdInstall {
		f.errorf(path, "%s is not a system call, it needs syscall: false", fdInstall)
		return nil
	}
	return f.syscall(k.Call, path, k.Ignore)
}

// listTargets finds the hooks of the calls of a list.
func (f *frontend) listTargets(k *policy.Kprobe, name, path string) []target {
	list := f.policy.Spec.List(name)
	if list == nil {
		f.errorf(path, "there is no list %s in spec.lists", quote(name))
		return nil
	}
	listPath := policy.ItemPath("spec.lists", slices.IndexFunc(f.policy.Spec.Lists, func(l policy.List) bool { return l.Name == name }))
	switch list.Type {
	case policy.ListTypePlain, policy.ListTypeSyscalls:
	default:
		f.unsupported(listPath+".type", "lists of type "+quote(list.Type))
		return nil
	}
	var all []target
	for i, call := range list.Values {
		for _, t := range f.listTarget(k, call, policy.ItemPath(listPath+".values", i)) {
			if !slices.Contains(all, t) {
				all = append(all, t)
			}
		}
	}
	return all
}

// listTarget finds the hook of one value of a list.
func (f *frontend) listTarget(k *policy.Kprobe, call, path string) []target {
	if f.isFunction(k) {
		return f.functionTarget(call, path)
	}
	return f.syscall(call, path, k.Ignore)
}

// isFunction reports whether a kprobe is on functions that are not those of
// system calls.
func (f *frontend) isFunction(k *policy.Kprobe) bool {
	name, ok := policy.ListReference(k.Call)
	if !ok {
		return !k.Syscall
	}
	list := f.policy.Spec.List(name)
	return list != nil && list.Type == policy.ListTypePlain && !k.Syscall
}

// functionTarget finds the hook of a function of the kernel. Whether there is
// such a function the kernel knows.
func (f *frontend) functionTarget(call, path string) []target {
	if name, ok := policy.SyscallName(call); ok {
		f.errorf(path, "%s is a system call: it needs syscall: true and the name sys_%s", quote(call), name)
		return nil
	}
	return []target{{HookKey{HookFunction, call}, call}}
}
