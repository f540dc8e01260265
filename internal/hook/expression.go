// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/expression"
)

// expressionFunction is the function of bpf/expression.h whose instructions
// are those of a hook's expressions.
const expressionFunction = "vd_expressions"

// expressionsOf tells the expressions of a hook in a form that is the same for
// the same instructions only.
func expressionsOf(h *compile.Hook) string {
	var all []string
	for _, e := range h.Expressions {
		all = append(all, e.String())
	}
	return strings.Join(all, "\n")
}

// operandSlots are the slots that expressions look at, as bits.
func operandSlots(h *compile.Hook) uint32 {
	var slots uint32
	for _, e := range h.Expressions {
		for _, slot := range e.Args() {
			slots |= 1 << slot
		}
	}
	return slots
}

// setExpressions puts the instructions of a hook's expressions into the
// programs of its specification.
func setExpressions(spec *ebpf.CollectionSpec, all []*expression.Expr) error {
	if len(all) == 0 {
		return nil
	}
	layout, err := scratchLayoutOf(spec.Types)
	if err != nil {
		return err
	}
	code, err := expressionCode(all, layout)
	if err != nil {
		return err
	}
	for _, p := range spec.Programs {
		if err := replaceFunction(p, expressionFunction, code); err != nil {
			return err
		}
	}
	return nil
}

// replaceFunction puts other instructions in place of a function's.
func replaceFunction(p *ebpf.ProgramSpec, name string, code asm.Instructions) error {
	start := slices.IndexFunc(p.Instructions, func(ins asm.Instruction) bool { return ins.Symbol() == name })
	if start < 0 {
		return nil // a program of the return
	}
	end := start + 1
	for end < len(p.Instructions) && btf.FuncMetadata(&p.Instructions[end]) == nil {
		end++
	}
	code = slices.Clone(code)
	code[0] = code[0].WithMetadata(p.Instructions[start].Metadata)
	p.Instructions = slices.Concat(p.Instructions[:start], code, p.Instructions[end:])
	return nil
}

// scratchLayout says where the members of struct vd_hook_scratch are that
// expressions use, in bytes.
type scratchLayout struct {
	slots, slotSize int
	num, status     int // in a slot
	truths, work    int
}

// scratchLayoutOf reads it from the types of the object.
func scratchLayoutOf(types *btf.Spec) (scratchLayout, error) {
	var l scratchLayout
	var scratch, slot *btf.Struct
	if err := errors.Join(types.TypeByName("vd_hook_scratch", &scratch), types.TypeByName("vd_slot", &slot)); err != nil {
		return l, fmt.Errorf("expressions: %w", err)
	}
	l.slotSize = int(slot.Size)
	for _, m := range []struct {
		of   *btf.Struct
		name string
		into *int
	}{
		{scratch, "slots", &l.slots}, {scratch, "truths", &l.truths}, {scratch, "work", &l.work},
		{slot, "num", &l.num}, {slot, "status", &l.status},
	} {
		i := slices.IndexFunc(m.of.Members, func(x btf.Member) bool { return x.Name == m.name })
		if i < 0 {
			return l, fmt.Errorf("expressions: struct %s has no member %s", m.of.Name, m.name)
		}
		*m.into = int(m.of.Members[i].Offset.Bytes())
	}
	return l, nil
}

// slot is where a slot begins.
func (l *scratchLayout) slot(number uint64) int { return l.slots + int(number)*l.slotSize }
