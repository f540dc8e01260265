// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"fmt"
	"slices"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/executable"
	"github.com/vedette-io/vedette/internal/kernel"
)

// operands say where a static probe has the arguments that the hook's
// program reads, for each of the variants of its places.
type operands [bpf.ContractVdLimitVD_MAX_VARIANTS][bpf.ContractVdLimitVD_RAW_ARGS]bpf.Operand

// layout is how a static probe's program gets its arguments.
type layout struct {
	slots    []bpf.SlotConfig
	operands operands
	rawArgs  uint32
	variants uint32
	writes   writes
}

// probeLayout numbers the arguments that a static probe's slots ask for, and
// finds where they are. Cookies tell the program at which place it runs.
func (e *Engine) probeLayout(h *compile.Hook, t *target) (layout, error) {
	used := usedArgs(h.Slots)
	l := layout{slots: rawSlots(h.Slots), rawArgs: uint32(len(used))}
	if len(used) > maxRawArgs {
		return l, fmt.Errorf("all policies together ask for %d different arguments of the static probe, the limit is %d", len(used), maxRawArgs)
	}
	for i, s := range h.Slots {
		l.slots[i].Raw = uint8(slices.Index(used, s.Index))
		if s.SizeArg != 0 {
			l.slots[i].SizeRaw = uint8(slices.Index(used, s.SizeArg-1))
		}
	}
	rows, err := t.rows(used)
	if err != nil {
		return l, err
	}
	if l.variants = uint32(len(rows)); l.variants > 1 {
		if err := e.offer.Check(kernel.FeatureCookies); err != nil {
			return l, fmt.Errorf("%s: its places have their arguments in different registers: %w", h.Key.Name, err)
		}
	}
	copy(l.operands[:], rows)
	return l, nil
}

// usedArgs are the numbers of the arguments that slots ask for.
func usedArgs(slots []compile.Slot) []uint8 {
	var used []uint8
	for _, s := range slots {
		used = append(used, s.Index)
		if s.SizeArg != 0 {
			used = append(used, s.SizeArg-1)
		}
	}
	slices.Sort(used)
	return slices.Compact(used)
}

// row is one row of operands.
type row = [bpf.ContractVdLimitVD_RAW_ARGS]bpf.Operand

// rows are the operands of every variant, only one where all are the same.
func (t *target) rows(used []uint8) ([]row, error) {
	var rows []row
	for _, args := range t.variants {
		var r row
		for i, number := range used {
			if int(number) >= len(args) {
				return nil, fmt.Errorf("%s: there is no argument %d (counted from 0): the static probe has %d", t.path, number, len(args))
			}
			o, err := executable.ParseOperand(args[number])
			if err != nil {
				return nil, fmt.Errorf("%s: argument %d: %w", t.path, number, err)
			}
			r[i] = operandConfig(o)
		}
		rows = append(rows, r)
	}
	if len(slices.Compact(slices.Clone(rows))) == 1 {
		return rows[:1], nil
	}
	if limit := len(operands{}); len(rows) > limit {
		return nil, fmt.Errorf("%s: the places of the static probe have its arguments in %d different ways, the limit is %d", t.path, len(rows), limit)
	}
	return rows, nil
}

func operandConfig(o executable.Operand) bpf.Operand {
	c := bpf.Operand{Kind: uint8(o.Kind), Width: o.Width, Base: o.Base, Index: o.Index, Scale: o.Scale, Value: uint64(o.Value)}
	if o.Signed {
		c.IsSigned = 1
	}
	return c
}
