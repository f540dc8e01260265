// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/vedette-io/vedette/internal/nearest"
	"github.com/vedette-io/vedette/internal/policy"
	"github.com/vedette-io/vedette/internal/syscalls"
)

// syscallABI returns the name of the ABI of the machine's own system calls.
func syscallABI() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x64"
}

// compatABI returns the name of the machine's 32-bit ABI.
func compatABI() string {
	if runtime.GOARCH == "arm64" {
		return "arm32"
	}
	return "i386"
}

// compatFlag marks the number of a 32-bit system call in the value of a
// syscall64 argument.
const compatFlag = 1 << 31

// syscallPrefix is what the kernel's functions of system calls begin with.
func syscallPrefix() string { return "__" + syscallABI() + "_sys_" }

// syscallName is a system call as a policy names it.
type syscallName struct {
	abi  string
	name string // without prefix
}

// parseSyscall takes the name of a system call from the spellings that
// policies use: sys_read, __x64_sys_read, x64/sys_read.
func (f *frontend) parseSyscall(call, path string) (syscallName, bool) {
	abi, function, found := strings.Cut(call, "/")
	if !found {
		abi, function = syscallABI(), call
		if strings.HasPrefix(call, syscalls.CompatPrefix) || strings.Contains(call, "_compat_sys_") {
			abi = compatABI()
		}
		if of, ok := syscalls.CompatCall(call); ok && abi == "i386" {
			return syscallName{abi, of}, true
		}
	}
	if abi != syscallABI() && abi != compatABI() {
		f.errorf(path, "this machine has no system calls of the ABI %s", quote(abi))
		return syscallName{}, false
	}
	name, ok := policy.SyscallName(function)
	if !ok {
		f.errorf(path, "%s is not the name of a system call, such as sys_read%s", quote(call), f.nearest(abi, function))
	}
	return syscallName{abi, name}, ok
}

// canonical is the call's name in the table of its ABI.
func (s syscallName) canonical() string {
	if number, ok := s.number(); ok {
		name, _ := syscalls.Name(s.abi, number)
		return name
	}
	return s.name
}

// number returns the call's number in the table of its ABI.
func (s syscallName) number() (uint32, bool) { return syscalls.Number(s.abi, s.name) }

// errUnknown is that the ABI does not have a call.
func (f *frontend) errUnknown(s syscallName) error {
	return fmt.Errorf("there is no system call %s%s", quote(s.name), f.nearest(s.abi, s.name))
}

// syscall finds the hook of one system call, or what is not found.
func (f *frontend) syscall(call, path string) ([]target, []notFound) {
	s, ok := f.parseSyscall(call, path)
	if !ok {
		return nil, nil
	}
	if s.abi == "arm32" {
		f.errorf(path, "hooks on 32-bit system calls such as %s are for x86-64 only: on arm64 a kernel marks them where programs of hooks do not look", quote(call))
		return nil, nil
	}
	function := s.function(call)
	if _, ok := s.number(); !ok {
		return nil, []notFound{{function, path, f.errUnknown(s)}}
	}
	// A call has one hook, whichever of its names the policy uses.
	return []target{{key: HookKey{s.kind(), s.canonical()}, function: function, path: path}}, nil
}

// kind is the kind of the call's hook.
func (s syscallName) kind() HookKind {
	if s.abi == compatABI() {
		return HookCompatSyscall
	}
	return HookSyscall
}

// function is how events name the call: as the kernel names its function, or
// as the policy does where that is a function of 32-bit calls.
func (s syscallName) function(call string) string {
	switch {
	case s.kind() == HookSyscall:
		return syscallPrefix() + s.name
	case strings.HasPrefix(call, syscalls.CompatPrefix):
		return call
	}
	return syscalls.CompatPrefix + "sys_" + s.name
}

// syscallNumbers returns the numbers of the calls of a list, as a syscall64
// argument has them.
func (f *frontend) syscallNumbers(list *policy.List, path string) []uint64 {
	var numbers []uint64
	if list.Type == policy.ListTypeGeneratedSyscalls {
		for _, name := range f.kernelSyscalls(path) {
			number, _ := syscalls.Number(syscallABI(), name)
			numbers = append(numbers, uint64(number))
		}
		return numbers
	}
	for _, call := range list.Values {
		s, ok := f.parseSyscall(call, path)
		if !ok {
			continue
		}
		number, ok := s.number()
		if !ok {
			f.errorf(path, "%v", f.errUnknown(s))
			continue
		}
		if s.abi != syscallABI() {
			number |= compatFlag
		}
		numbers = append(numbers, uint64(number))
	}
	return numbers
}

// nearest returns the part of a message that names similar calls, but only
// for the first findings of a policy: it is not cheap.
func (f *frontend) nearest(abi, name string) string {
	if len(f.diags) >= maxSuggestions {
		return ""
	}
	return nearestSyscalls(abi, name)
}

// maxSuggestions is how many findings of a policy come with a suggestion.
const maxSuggestions = 20

// maxNearest is how many similar names a message offers.
const maxNearest = 3

// nearestSyscalls returns the part of a message that names similar calls, or
// "".
func nearestSyscalls(abi, name string) string {
	type candidate struct {
		name     string
		distance int
	}
	name = strings.TrimPrefix(name, "__")
	limit := 1 + min(1+len(name)/4, 3)
	var near []candidate
	for _, n := range syscalls.Names(abi) {
		if d := nearest.Distance(name, n, limit); d < limit {
			near = append(near, candidate{n, d})
		}
	}
	if len(near) == 0 {
		return ""
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return a.distance - b.distance })
	var names []string
	for _, c := range near[:min(len(near), maxNearest)] {
		names = append(names, "sys_"+c.name)
	}
	return fmt.Sprintf(", did you mean %s?", strings.Join(names, " or "))
}
