// SPDX-License-Identifier: Apache-2.0

package executable

import (
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// OperandKind says where the value of an argument is.
type OperandKind uint8

// The kinds of operands.
const (
	// Constant is Operand.Value itself.
	Constant OperandKind = iota + 1
	// Register is in the register Base.
	Register
	// Memory is at the address Base + Index*Scale + Value.
	Memory
)

// Operand is where a static probe's argument is.
type Operand struct {
	Kind OperandKind
	// Width is in bytes: 1, 2, 4 or 8.
	Width  uint8
	Signed bool
	// Base and Index are offsets in the kernel's struct pt_regs, in bytes.
	Base, Index uint16
	// Scale is 1, 2, 4 or 8, and 0 where there is no Index.
	Scale uint8
	Value int64
}

// operandStart begins an operand: its width, negative for signed integers,
// with f for floating point.
var operandStart = regexp.MustCompile(`(^|\s)-?[0-9]+f?@`)

// splitOperands separates the operands of a note: there can be spaces within.
func splitOperands(args string) []string {
	var out []string
	starts := operandStart.FindAllStringIndex(args, -1)
	for i, at := range starts {
		end := len(args)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		out = append(out, strings.TrimSpace(args[at[0]:end]))
	}
	return out
}

// ParseOperand understands what a note says of an argument, in the assembler
// of this machine: "-4@%edi", "8@-16(%rbp)", "4@$5" and "8@(%rax,%rbx,8)" on
// x86-64, "-4@x0", "8@[sp, 16]" and "4@5" on arm64.
func ParseOperand(text string) (Operand, error) {
	return parseOperand(runtime.GOARCH, text)
}

// syntaxes read what stands behind the @, by GOARCH.
var syntaxes = map[string]func(*Operand, string) bool{"amd64": parseX86, "arm64": parseARM}

func parseOperand(arch, text string) (Operand, error) {
	size, where, ok := strings.Cut(text, "@")
	syntax := syntaxes[arch]
	if !ok || syntax == nil {
		return Operand{}, fmt.Errorf("%q does not say where an argument is", text)
	}
	if strings.HasSuffix(size, "f") {
		return Operand{}, fmt.Errorf("%q is a floating-point number, which cannot be read", text)
	}
	width, err := strconv.ParseInt(size, 10, 8)
	o := Operand{Signed: width < 0}
	switch {
	case err != nil:
		return Operand{}, fmt.Errorf("%q: %q is no width", text, size)
	case width == 1 || width == 2 || width == 4 || width == 8:
		o.Width = uint8(width)
	case width == -1 || width == -2 || width == -4 || width == -8:
		o.Width = uint8(-width)
	default:
		return Operand{}, fmt.Errorf("%q: an integer has 1, 2, 4 or 8 bytes, not %d", text, width)
	}
	if !syntax(&o, where) {
		return Operand{}, fmt.Errorf("%q: an argument at %q cannot be read", text, where)
	}
	return o, nil
}

// x86Memory is displacement(base,index,scale).
var x86Memory = regexp.MustCompile(`^([-+]?(?:0x[0-9a-fA-F]+|[0-9]+))?\(%([a-z0-9]+)(?:,%([a-z0-9]+)(?:,([1248]))?)?\)$`)

func parseX86(o *Operand, where string) bool {
	if text, ok := strings.CutPrefix(where, "$"); ok {
		return o.constant(text)
	}
	if name, ok := strings.CutPrefix(where, "%"); ok {
		return o.register(x86Registers, name)
	}
	m := x86Memory.FindStringSubmatch(where)
	if m == nil {
		return false
	}
	var ok bool
	if o.Base, ok = x86Addresses[m[2]]; !ok {
		return false
	}
	o.Kind = Memory
	if m[3] != "" {
		if o.Index, ok = x86Addresses[m[3]]; !ok || m[3] == "rsp" {
			return false
		}
		o.Scale = 1
	}
	if m[4] != "" {
		o.Scale = m[4][0] - '0'
	}
	return m[1] == "" || o.displacement(m[1])
}

// armMemory is [base], [base, displacement] or [base, index].
var armMemory = regexp.MustCompile(`^\[\s*([a-z0-9]+)\s*(?:,\s*#?(-?[0-9]+|x[0-9]+)\s*)?\]$`)

func parseARM(o *Operand, where string) bool {
	if m := armMemory.FindStringSubmatch(where); m != nil {
		return o.armMemory(m[1], m[2])
	}
	if o.register(armRegisters, where) {
		return true
	}
	return o.constant(strings.TrimPrefix(where, "#"))
}

func (o *Operand) armMemory(base, behind string) bool {
	var ok bool
	if o.Base, ok = armRegisters[base]; !ok || strings.HasPrefix(base, "w") {
		return false
	}
	o.Kind = Memory
	if strings.HasPrefix(behind, "x") {
		o.Scale = 1
		o.Index, ok = armRegisters[behind]
		return ok
	}
	return behind == "" || o.displacement(behind)
}

func (o *Operand) register(names map[string]uint16, name string) bool {
	at, ok := names[name]
	if ok {
		o.Kind, o.Base = Register, at
	}
	return ok
}

// constant reads a number, which can be one of the upper half of uint64.
func (o *Operand) constant(text string) bool {
	o.Kind = Constant
	if v, err := strconv.ParseUint(text, 0, 64); err == nil {
		o.Value = int64(v)
		return true
	}
	return o.displacement(text)
}

func (o *Operand) displacement(text string) bool {
	v, err := strconv.ParseInt(text, 0, 64)
	o.Value = v
	return err == nil
}
