// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"

	"github.com/vedette-io/vedette/internal/policy"
)

// fdInstall is the kernel function that gives a process a new descriptor, the
// one function apart from system calls that has an equivalent everywhere.
const fdInstall = "fd_install"

// The numbers of arguments that functions have.
const (
	syscallArgs   = 6
	fdInstallArgs = 2
)

// kprobe understands one entry of spec.kprobes: one hook, or one for each
// call of a list.
func (f *frontend) kprobe(k *policy.Kprobe, index int) []*entry {
	path := policy.ItemPath("spec.kprobes", index)
	f.checkKprobe(k, path)
	targets := f.targets(k, path)
	e := f.kprobeEntry(k, index, path, len(targets) > 0 && targets[0].key.Kind == HookFunction)
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
func (f *frontend) kprobeEntry(k *policy.Kprobe, index int, path string, function bool) *entry {
	hook := hookContext{kind: HookSyscall, args: syscallArgs}
	if function {
		hook = hookContext{kind: HookFunction, args: fdInstallArgs}
	}
	e := &entry{path: path, group: Group{
		Section: "kprobes", Entry: index, Message: k.Message, Tags: k.Tags, FollowBit: f.follow,
	}}
	f.returnArg(e, k, hook, path)
	hook.returns = e.group.HasReturn
	f.args(e, &hook, k.Args, path)
	f.selectors(e, &hook, k.Selectors, path)
	return e
}

// returnArg understands return and returnArg.
func (f *frontend) returnArg(e *entry, k *policy.Kprobe, hook hookContext, path string) {
	if !k.Return {
		return
	}
	if hook.kind == HookFunction {
		f.errorf(path+".return", "%s returns nothing", fdInstall)
		return
	}
	if k.ReturnArg == nil {
		f.errorf(path+".return", "return needs a returnArg")
		return
	}
	e.group.HasReturn = true
	t, ok := slotTypes[k.ReturnArg.Type]
	if !ok || !t.IsInteger() || t == TypeSyscall64 {
		f.unsupported(path+".returnArg.type", "return values of type "+quote(k.ReturnArg.Type))
		return
	}
	e.group.ReturnType = t
	f.checkArgFields(k.ReturnArg, path+".returnArg")
	if k.ReturnArg.ReturnCopy || k.ReturnArg.MaxData || k.ReturnArg.SizeArgIndex != 0 {
		f.errorf(path+".returnArg", "a return value is an integer and cannot have sizeArgIndex, returnCopy or maxData")
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
		if k.Call != fdInstall {
			what := "kprobes on the function " + quote(k.Call)
			if name, ok := policy.SyscallName(k.Call); ok {
				what += " (as a system call it needs syscall: true and the name sys_" + name + ")"
			}
			f.unsupported(path, what)
			return nil
		}
		return []target{{HookKey{HookFunction, fdInstall}, fdInstall}}
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
	case policy.ListTypePlain:
		if !k.Syscall {
			f.unsupported(path, "lists of functions that are not system calls")
			return nil
		}
	case policy.ListTypeSyscalls:
	default:
		f.unsupported(listPath+".type", "lists of type "+quote(list.Type))
		return nil
	}
	var all []target
	for i, call := range list.Values {
		for _, t := range f.syscall(call, policy.ItemPath(listPath+".values", i), k.Ignore) {
			if !slices.Contains(all, t) {
				all = append(all, t)
			}
		}
	}
	return all
}
