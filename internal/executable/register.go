// SPDX-License-Identifier: Apache-2.0

package executable

import "fmt"

// x86Addresses are the registers that hold addresses, by their offsets in
// struct pt_regs (arch/x86/include/asm/ptrace.h).
var x86Addresses = map[string]uint16{
	"r15": 0, "r14": 8, "r13": 16, "r12": 24, "rbp": 32, "rbx": 40, "r11": 48, "r10": 56, "r9": 64, "r8": 72,
	"rax": 80, "rcx": 88, "rdx": 96, "rsi": 104, "rdi": 112, "rsp": 152,
}

// x86Registers are all names of x86-64's integer registers and of their
// parts. The offset is that of the part's lowest byte.
var x86Registers = x86Parts()

func x86Parts() map[string]uint16 {
	parts := map[string]uint16{}
	for name, at := range x86Addresses {
		parts[name] = at
		stem := name[1:]
		switch {
		case stem[0] >= '0' && stem[0] <= '9':
			parts[name+"d"], parts[name+"w"], parts[name+"b"] = at, at, at
		case stem[1] == 'x': // rax, eax, ax, al, ah
			parts["e"+stem], parts[stem], parts[stem[:1]+"l"], parts[stem[:1]+"h"] = at, at, at, at+1
		default: // rsi, esi, si, sil
			parts["e"+stem], parts[stem], parts[stem+"l"] = at, at, at
		}
	}
	return parts
}

// armRegisters are the names of arm64's integer registers and of their lower
// halves, by their offsets in struct pt_regs (arch/arm64/include/asm/ptrace.h).
var armRegisters = armNames()

func armNames() map[string]uint16 {
	names := map[string]uint16{"sp": 31 * 8}
	for i := range uint16(31) {
		names[fmt.Sprintf("x%d", i)], names[fmt.Sprintf("w%d", i)] = 8*i, 8*i
	}
	return names
}
