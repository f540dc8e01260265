// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"testing"

	"github.com/cilium/ebpf/asm"

	"github.com/vedette-io/vedette/bpf"
)

// TestWithoutCallbacks takes the callbacks out of the real programs: what is
// left refers to no function's address, and to no function that is gone.
func TestWithoutCallbacks(t *testing.T) {
	spec, err := bpf.LoadProcess()
	mustNil(t, err)
	addresses := 0
	for name, p := range spec.Programs {
		for _, ins := range p.Instructions {
			if ins.IsLoadOfFunctionPointer() {
				addresses++
			}
		}
		after := withoutCallbacks(p.Instructions)
		left := functionsOf(after)
		for i, ins := range after {
			if ins.IsLoadOfFunctionPointer() {
				t.Errorf("%s: instruction %d is the address of %s", name, i, ins.Reference())
			}
			if ins.IsFunctionCall() && !left[ins.Reference()] {
				t.Errorf("%s: instruction %d calls %s, which is gone", name, i, ins.Reference())
			}
		}
	}
	if addresses == 0 {
		t.Error("no program had a callback")
	}
}

func functionsOf(program asm.Instructions) map[string]bool {
	out := map[string]bool{}
	for _, ins := range program {
		if name := ins.Symbol(); name != "" {
			out[name] = true
		}
	}
	return out
}

// TestWithoutCallbacksRemovesUncalled removes a callback that nothing calls.
func TestWithoutCallbacksRemovesUncalled(t *testing.T) {
	program := asm.Instructions{
		addressOf("turn").WithSymbol("main"), asm.Return(), asm.Mov.Imm(asm.R0, 0).WithSymbol("turn"), asm.Return(),
		asm.Return().WithSymbol("other"),
	}
	got := withoutCallbacks(program)
	if left := functionsOf(got); len(got) != 3 || left["turn"] || !left["main"] || !left["other"] {
		t.Errorf("got\n%v", got)
	}
}

func addressOf(function string) asm.Instruction {
	return asm.Instruction{OpCode: asm.LoadImmOp(asm.DWord), Dst: asm.R2, Src: asm.PseudoFunc, Constant: -1}.WithReference(function)
}

// TestWithoutCallbacksKeepsCalled keeps a callback that is called as well.
func TestWithoutCallbacksKeepsCalled(t *testing.T) {
	call := asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoCall, Constant: -1}.WithReference("turn")
	program := asm.Instructions{
		addressOf("turn").WithSymbol("main"), call, asm.Return(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("turn"), asm.Return(),
	}
	got := withoutCallbacks(program)
	if len(got) != len(program) || got[0].IsLoadOfFunctionPointer() || !functionsOf(got)["turn"] || !functionsOf(got)["main"] {
		t.Errorf("got\n%v", got)
	}
}
