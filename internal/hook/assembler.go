// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"fmt"
	"math"

	"github.com/cilium/ebpf/asm"
)

// label is a place in instructions that jumps lead to.
type label int

// assembler collects the instructions of a function, whose jumps lead
// forward only.
type assembler struct {
	code  asm.Instructions
	jumps []jump
	// places are where labels stand, as indexes into code.
	places []int
}

// jump is an instruction that leads to a label.
type jump struct {
	at int
	to label
}

func (a *assembler) emit(all ...asm.Instruction) { a.code = append(a.code, all...) }

// label returns a label that stands nowhere yet.
func (a *assembler) label() label {
	a.places = append(a.places, -1)
	return label(len(a.places) - 1)
}

// place puts a label before the next instruction.
func (a *assembler) place(l label) { a.places[l] = len(a.code) }

// jump goes to a label.
func (a *assembler) jump(to label) {
	a.leap(asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Ja)}, to)
}

// jumpIf goes to a label if two registers compare so.
func (a *assembler) jumpIf(op asm.JumpOp, left, right asm.Register, to label) {
	a.leap(asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(op).SetSource(asm.RegSource), Dst: left, Src: right}, to)
}

// jumpIfConst goes to a label if a register and a constant, extended by its
// sign, compare so.
func (a *assembler) jumpIfConst(op asm.JumpOp, left asm.Register, right int32, to label) {
	a.leap(asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(op).SetSource(asm.ImmSource), Dst: left, Constant: int64(right)}, to)
}

func (a *assembler) leap(ins asm.Instruction, to label) {
	a.jumps = append(a.jumps, jump{len(a.code), to})
	a.emit(ins)
}

// sweep removes what is never reached, which the kernel refuses.
func (a *assembler) sweep() {
	to := make(map[int]int) // where jumps lead to
	for _, j := range a.jumps {
		to[j.at] = a.places[j.to]
	}
	reached := make([]bool, len(a.code)+1)
	reached[0] = true
	moved := make([]int, len(a.code)+1) // where instructions go
	var code asm.Instructions
	for i, ins := range a.code {
		moved[i] = len(code)
		if !reached[i] {
			continue
		}
		code = append(code, ins)
		target, jumps := to[i]
		if jumps {
			reached[target] = true
		}
		if op := ins.OpCode.JumpOp(); op != asm.Exit && (op != asm.Ja || !jumps) {
			reached[i+1] = true
		}
	}
	moved[len(a.code)] = len(code)
	var jumps []jump
	for _, j := range a.jumps {
		if reached[j.at] {
			jumps = append(jumps, jump{moved[j.at], j.to})
		}
	}
	for i, at := range a.places {
		a.places[i] = moved[at]
	}
	a.code, a.jumps = code, jumps
}

// finish resolves the jumps and returns the instructions.
func (a *assembler) finish() (asm.Instructions, error) {
	a.sweep()
	// Where an instruction stands in the kernel's units, of which a load of
	// a 64-bit constant has two.
	offsets := make([]int, len(a.code)+1)
	for i, ins := range a.code {
		offsets[i+1] = offsets[i] + int(ins.Size()/asm.InstructionSize)
	}
	for _, j := range a.jumps {
		distance := offsets[a.places[j.to]] - offsets[j.at] - 1
		if distance > math.MaxInt16 {
			return nil, fmt.Errorf("expressions of %d instructions: a jump over %d is too far", len(a.code), distance)
		}
		a.code[j.at].Offset = int16(distance)
	}
	return a.code, nil
}
