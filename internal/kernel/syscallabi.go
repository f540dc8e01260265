// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"runtime"
)

// SyscallABI says where the system call tracepoints find a call's number and
// arguments in struct pt_regs. All offsets are in bytes.
type SyscallABI struct {
	// Name is the ABI's name in package syscalls.
	Name string
	// Args are the offsets of the arguments, Number that of the call's number.
	Args   [6]uint32
	Number uint32
	// CompatName and CompatArgs are those of 32-bit calls, empty where hooks
	// cannot tell them; the number is in the same place.
	CompatName string
	CompatArgs [6]uint32
	// CompatStatus are the bits of thread_info.status of a 32-bit call, 0
	// where the status does not tell.
	CompatStatus uint32
	// Params are the offsets of a function's arguments, Result that of its
	// result, Stack that of the stack pointer.
	Params        [6]uint32
	Result, Stack uint32
	// Popped is how much higher the stack pointer is after a function's
	// return than at its entry, in bytes.
	Popped uint32
	// KernelBit is the number of the bit that is set in all addresses of the
	// kernel and in none of a process, whatever tag these carry.
	KernelBit uint32
	// X32Bit marks the numbers of x32 calls, whose arguments are in the same
	// registers, 0 where there are none.
	X32Bit uint32
}

// abis is by GOARCH. Sources: arch/x86/include/asm/ptrace.h and
// arch/x86/entry/calling.h (arguments in di, si, dx, r10, r8, r9, of i386
// calls in bx, cx, dx, si, di, bp: SC_IA32_REGS_TO_ARGS in
// arch/x86/include/asm/syscall_wrapper.h; TS_COMPAT
// in arch/x86/include/asm/thread_info.h), arch/arm64/include/asm/ptrace.h
// (arguments in x0 to x5, syscallno behind orig_x0); the psABIs of both for
// functions (x86-64: di, si, dx, cx, r8, r9, result in ax; AAPCS64: x0 to x5);
// Documentation/arch/x86/x86_64/mm.rst and, for addresses with tags,
// Documentation/arch/arm64/memory.rst and tagged-pointers.rst (bit 55 selects
// the kernel's half); __X32_SYSCALL_BIT in arch/x86/include/uapi/asm/unistd.h.
var abis = map[string]SyscallABI{
	"amd64": {Name: "x64", Args: [6]uint32{112, 104, 96, 56, 72, 64}, Number: 120, CompatStatus: 2,
		CompatName: "i386", CompatArgs: [6]uint32{40, 88, 96, 104, 112, 32},
		Params: [6]uint32{112, 104, 96, 88, 72, 64}, Result: 80, Stack: 152, Popped: 8,
		KernelBit: 63, X32Bit: 0x40000000},
	"arm64": {Name: "arm64", Args: [6]uint32{0, 8, 16, 24, 32, 40}, Number: 280,
		Params: [6]uint32{0, 8, 16, 24, 32, 40}, Result: 0, Stack: 248,
		KernelBit: 55},
}

// NativeABI returns the ABI of this machine's 64-bit system calls.
func NativeABI() (SyscallABI, error) {
	abi, ok := abis[runtime.GOARCH]
	if !ok {
		return SyscallABI{}, fmt.Errorf("system calls of %s are not known", runtime.GOARCH)
	}
	return abi, nil
}
