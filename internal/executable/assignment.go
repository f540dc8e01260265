// SPDX-License-Identifier: Apache-2.0

package executable

import (
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// Assignment is what a register is given.
type Assignment struct {
	// To is the offset in the kernel's struct pt_regs of the lowest byte that
	// is written, Width how many bytes are: 1, 2, 4 or 8.
	To    uint16
	Width uint8
	// Kind is [Constant] for Value, [Register] for the register From and
	// Value, [Memory] for the 8 bytes of the program's memory at that address.
	Kind OperandKind
	// From is the offset of a register in struct pt_regs.
	From  uint16
	Value int64
}

// InstructionPointer is the offset of the register rip in struct pt_regs of
// x86-64 (arch/x86/include/asm/ptrace.h).
const InstructionPointer = 128

// assignment is register=value, where value is a number, a number behind
// which stands a register, or one with a register in parentheses.
var assignment = regexp.MustCompile(`^([a-z0-9]+)=([-+]?(?:0[xX][0-9a-fA-F]+|[0-9]+))?(?:(\()?%([a-z0-9]+)(\))?)?$`)

// ParseAssignment understands how a policy writes what a register is given:
// "rax=11" is a number, "rsp=8%rsp" a register and a number of bytes, and
// "rip=8(%rsp)" what is in memory there. All values are those that are found
// before any register is written.
func ParseAssignment(text string) (Assignment, error) {
	if runtime.GOARCH != "amd64" {
		return Assignment{}, fmt.Errorf("registers can be written on x86-64 only, this machine is %s", runtime.GOARCH)
	}
	m := assignment.FindStringSubmatch(text)
	if m == nil || m[2] == "" && m[4] == "" || (m[3] == "") != (m[5] == "") {
		return Assignment{}, fmt.Errorf("%q is not an assignment such as rax=11, rsp=8%%rsp or rip=(%%rsp)", text)
	}
	var a Assignment
	var ok bool
	if a.To, a.Width, ok = x86Part(m[1]); !ok {
		return a, fmt.Errorf("%q: there is no register %q that can be written", text, m[1])
	}
	if m[2] != "" {
		var err error
		if a.Value, err = parseNumber(m[2]); err != nil {
			return a, fmt.Errorf("%q: the number %s does not fit in 64 bits", text, m[2])
		}
	}
	a.Kind = Constant
	if m[4] == "" {
		return a, nil
	}
	var width uint8
	if a.From, width, ok = x86Part(m[4]); !ok || width != 8 {
		return a, fmt.Errorf("%q: there is no register %q of 64 bits", text, m[4])
	}
	a.Kind = Register
	if m[3] != "" {
		a.Kind = Memory
	}
	return a, nil
}

// parseNumber reads a number of 64 bits, with or without a sign.
func parseNumber(text string) (int64, error) {
	if u, err := strconv.ParseUint(strings.TrimPrefix(text, "+"), 0, 64); err == nil {
		return int64(u), nil
	}
	return strconv.ParseInt(text, 0, 64)
}

// x86Part returns where a register, or a part of one, is and its width.
func x86Part(name string) (at uint16, width uint8, ok bool) {
	if name == "rip" {
		return InstructionPointer, 8, true
	}
	if at, ok = x86Addresses[name]; ok {
		return at, 8, true
	}
	if at, ok = x86Registers[name]; !ok {
		return 0, 0, false
	}
	switch {
	case strings.HasPrefix(name, "e"), strings.HasSuffix(name, "d"):
		width = 4
	case strings.HasSuffix(name, "l"), strings.HasSuffix(name, "h"), strings.HasSuffix(name, "b"):
		width = 1
	default:
		width = 2
	}
	return at, width, true
}

// ReturnAtOnce is what makes a function, at whose first instruction a program
// is, return a value to its caller.
func ReturnAtOnce(value int64) ([]Assignment, error) {
	if runtime.GOARCH != "amd64" {
		return nil, fmt.Errorf("a function's result can be replaced on x86-64 only, this machine is %s", runtime.GOARCH)
	}
	stack, result := x86Addresses["rsp"], x86Addresses["rax"]
	return []Assignment{
		{To: result, Width: 8, Kind: Constant, Value: value},
		{To: InstructionPointer, Width: 8, Kind: Memory, From: stack},
		{To: stack, Width: 8, Kind: Register, From: stack, Value: 8},
	}, nil
}
