// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"maps"
	"runtime"

	"github.com/vedette-io/vedette/internal/nearest"
)

// Register says where struct pt_regs has a register.
type Register struct {
	// Offset is where it begins, in bytes.
	Offset uint16
	// Width is how many bytes of it the name means.
	Width uint8
}

// registers are by GOARCH and name.
var registers = map[string]map[string]Register{"amd64": amd64Registers(), "arm64": arm64Registers()}

// FindRegister returns a register of the machine by its name in lower case,
// such as rax, or edi for its lower half.
func FindRegister(name string) (Register, error) {
	all := registers[runtime.GOARCH]
	if r, ok := all[name]; ok {
		return r, nil
	}
	return Register{}, fmt.Errorf("%q is not a register of %s%s", name, runtime.GOARCH, nearest.Suggest(name, maps.Keys(all)))
}

// amd64Registers are in the order of struct pt_regs
// (arch/x86/include/uapi/asm/ptrace.h).
func amd64Registers() map[string]Register {
	all := map[string]Register{}
	add := func(offset uint16, width uint8, name string) { all[name] = Register{offset, width} }
	for i, letter := range []string{"bp", "bx", "ax", "cx", "dx", "si", "di", "sp", "ip"} {
		offset := []uint16{32, 40, 80, 88, 96, 104, 112, 152, 128}[i]
		add(offset, 8, "r"+letter)
		add(offset, 4, "e"+letter)
		add(offset, 2, letter)
		switch {
		case letter[1] == 'x':
			add(offset, 1, letter[:1]+"l")
			add(offset+1, 1, letter[:1]+"h")
		case letter != "ip":
			add(offset, 1, letter+"l")
		}
	}
	for number := range uint16(8) {
		offset, name := 72-8*number, fmt.Sprintf("r%d", 8+number)
		if number >= 4 { // those that a called function preserves
			offset = 8 * (7 - number)
		}
		add(offset, 8, name)
		add(offset, 4, name+"d")
		add(offset, 2, name+"w")
		add(offset, 1, name+"b")
	}
	add(120, 8, "orig_rax")
	add(136, 2, "cs")
	add(144, 8, "rflags")
	add(144, 4, "eflags")
	add(160, 2, "ss")
	return all
}

// arm64Registers are those of arch/arm64/include/uapi/asm/ptrace.h
// (struct user_pt_regs).
func arm64Registers() map[string]Register {
	all := map[string]Register{"fp": {232, 8}, "lr": {240, 8}, "sp": {248, 8}, "pc": {256, 8}, "pstate": {264, 8}}
	for number := range uint16(31) {
		all[fmt.Sprintf("x%d", number)] = Register{8 * number, 8}
		all[fmt.Sprintf("w%d", number)] = Register{8 * number, 4}
	}
	return all
}
