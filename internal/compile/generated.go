// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"regexp"

	"github.com/vedette-io/vedette/internal/policy"
	"github.com/vedette-io/vedette/internal/syscalls"
)

// everySyscall finds the hooks of a list of type generated_syscalls: all
// system calls that the kernel has.
func (f *frontend) everySyscall(path string) []target {
	var all []target
	for _, name := range f.kernelSyscalls(path) {
		all = append(all, target{key: HookKey{HookSyscall, name}, function: syscallPrefix() + name, path: path})
	}
	return all
}

// kernelSyscalls returns the names of the system calls of the machine's own
// ABI that the kernel has.
func (f *frontend) kernelSyscalls(path string) []string {
	if f.in.Functions == nil {
		return nil
	}
	var names []string
	for _, name := range syscalls.Names(syscallABI()) {
		has, err := f.in.Functions.HasFunction(syscallPrefix() + name)
		switch {
		case err != nil:
			f.errorf(path+".type", "which system calls the kernel has is not known: %v", err)
			return nil
		case has:
			names = append(names, name)
		}
	}
	return names
}

// matchingFunctions finds the hooks of a list of type generated_ftrace: the
// functions that can be hooked and match the pattern. Those of system calls,
// whose arguments stand elsewhere, are not among them.
func (f *frontend) matchingFunctions(list *policy.List, path string) []target {
	pattern, err := regexp.Compile(list.Pattern)
	if err != nil || f.in.Functions == nil {
		return nil // the policy's validation reports the error
	}
	names, err := f.in.Functions.MatchingFunctions(pattern)
	if err != nil {
		f.errorf(path+".type", "%v", err)
		return nil
	}
	var all []target
	for _, name := range names {
		if _, syscall := policy.SyscallName(name); !syscall {
			all = append(all, target{key: HookKey{HookFunction, name}, function: name, path: path})
		}
	}
	if len(all) == 0 {
		f.errorf(path+".pattern", "no function of this kernel that can be hooked matches %s (system calls are in lists of type %s)",
			quote(list.Pattern), policy.ListTypeGeneratedSyscalls)
	}
	return all
}
