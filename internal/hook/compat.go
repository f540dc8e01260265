// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"slices"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/syscalls"
)

// compatEntry is a function that every kernel of x86-64 has whose processes
// can make 32-bit calls (arch/x86/entry/common.c, since 6.16 syscall_32.c).
const compatEntry = "do_fast_syscall_32"

// compatEntries is where the dispatcher of all calls has the programs of
// 32-bit ones.
const compatEntries = uint32(bpf.ContractVdLimitVD_COMPAT_ENTRIES)

// checkCompat asks whether there are 32-bit calls. Who may not read the
// symbols of the kernel is told that there are.
func (e *Engine) checkCompat() error {
	missing := &kernel.MissingError{Feature: "32-bit system calls", Option: "CONFIG_IA32_EMULATION"}
	if e.abi.CompatName == "" {
		return missing
	}
	if has, err := e.offer.HasSymbol(compatEntry); err == nil && !has {
		return missing
	}
	return nil
}

// compatWrapperOf is the kernel function of a 32-bit call: __ia32_compat_sys_openat.
func (e *Engine) compatWrapperOf(call string) string {
	names := syscalls.CompatFunctions(call)
	i := slices.IndexFunc(names, func(name string) bool {
		has, err := e.offer.HasSymbol(syscalls.CompatPrefix + name)
		return has && err == nil
	})
	return syscalls.CompatPrefix + names[max(i, 0)]
}

// sameCall is the 64-bit call that passes the same security hooks as a call.
func sameCall(key compile.HookKey) string {
	if key.Kind == compile.HookCompatSyscall {
		return syscalls.SameCall(key.Name)
	}
	return key.Name
}

// callOf is the number of a hook's call, with the mark of 32-bit ones.
func (e *Engine) callOf(key compile.HookKey) uint32 {
	if key.Kind == compile.HookCompatSyscall {
		return callNumber(e.abi.CompatName, key.Name) | compile.CompatCall
	}
	return callNumber(e.abi.Name, key.Name)
}

// entryOf is where the dispatcher of all calls has the program of a call.
func (e *Engine) entryOf(key compile.HookKey) uint32 {
	if key.Kind == compile.HookCompatSyscall {
		return compatEntries + callNumber(e.abi.CompatName, key.Name)
	}
	return callNumber(e.abi.Name, key.Name)
}
