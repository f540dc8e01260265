// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/executable"
)

// writes are what the actions of a hook write into a program. They are part
// of the shape: the kernel lets only some programs write, so that they are
// made for it.
type writes struct {
	sets      [bpf.ContractVdLimitVD_MAX_SET_ACTIONS]bpf.Set
	overrides [bpf.ContractVdLimitVD_MAX_OVERRIDES][bpf.ContractVdLimitVD_MAX_REGISTERS]bpf.RegisterWrite
}

// setActions are the different Set actions of a hook, in the order of its
// rules: the bits of vd_rule.sets.
func setActions(h *compile.Hook) []compile.SetOp {
	var all []compile.SetOp
	for _, r := range h.Rules {
		for _, op := range r.Sets {
			if !slices.Contains(all, op) {
				all = append(all, op)
			}
		}
	}
	return all
}

// overrides are the different overrides of registers of a hook, in the order
// of its rules: the rows of vd_overrides.
func overrides(h *compile.Hook) []*compile.RegisterOverride {
	var all []*compile.RegisterOverride
	for _, r := range h.Rules {
		if r.Registers != nil && overrideIndex(all, r.Registers) < 0 {
			all = append(all, r.Registers)
		}
	}
	return all
}

func overrideIndex(all []*compile.RegisterOverride, o *compile.RegisterOverride) int {
	return slices.IndexFunc(all, func(other *compile.RegisterOverride) bool { return reflect.DeepEqual(other, o) })
}

// writesOf are what the actions of a hook write; slots say where its
// arguments come from.
func (e *Engine) writesOf(h *compile.Hook, t *target, slots []bpf.SlotConfig) (writes, error) {
	var w writes
	sets := setActions(h)
	if len(sets) > len(w.sets) {
		return w, fmt.Errorf("all policies together have %d different Set actions, the limit is %d", len(sets), len(w.sets))
	}
	for i, op := range sets {
		w.sets[i] = bpf.Set{Value: op.Value, Raw: uint32(slots[op.Slot].Raw)}
	}
	all := overrides(h)
	if len(all) > len(w.overrides) {
		return w, fmt.Errorf("all policies together have %d different Override actions, the limit is %d", len(all), len(w.overrides))
	}
	for i, o := range all {
		writes, err := e.assignments(o, t)
		if err != nil {
			return w, err
		}
		for j, a := range writes {
			w.overrides[i][j] = bpf.RegisterWrite{Kind: uint8(a.Kind), Width: a.Width, To: a.To, From: a.From, Value: uint64(a.Value)}
		}
	}
	return w, nil
}

// checkSets refuses Set actions on arguments that cannot be written.
func (t *target) checkSets(h *compile.Hook) error {
	for _, op := range setActions(h) {
		if err := t.checkSet(h.Slots[op.Slot].Index); err != nil {
			return err
		}
	}
	return nil
}

// checkSet refuses arguments of a static probe that cannot be written: those
// in registers are copies, and what is written has 4 bytes.
func (t *target) checkSet(number uint8) error {
	for _, args := range t.variants {
		if int(number) >= len(args) {
			return fmt.Errorf("%s: there is no argument %d (counted from 0): the static probe has %d", t.path, number, len(args))
		}
		o, err := executable.ParseOperand(args[number])
		if err != nil {
			return fmt.Errorf("%s: argument %d: %w", t.path, number, err)
		}
		if o.Kind != executable.Memory || o.Width != 4 {
			return fmt.Errorf("%s: action Set: argument %d of the static probe is at %q, only one of 4 bytes in memory can be written", t.path, number, args[number])
		}
	}
	return nil
}

// assignments are the registers that an override writes, where the program
// goes on among them.
func (e *Engine) assignments(o *compile.RegisterOverride, t *target) ([]executable.Assignment, error) {
	if o.Goto.By == 0 {
		return o.Writes, nil
	}
	f, err := t.open(&e.files)
	if err != nil {
		return nil, err
	}
	next, err := offsetOf(f, o.Goto)
	if err != nil {
		return nil, fmt.Errorf("action Override: where to go on: %w", err)
	}
	from, ok := f.AddressOf(t.spots[0].offset)
	to, also := f.AddressOf(next)
	if !ok || !also {
		return nil, fmt.Errorf("%s: action Override: offset %#x is not in memory when the program runs", t.path, next)
	}
	return append(slices.Clone(o.Writes), executable.Assignment{
		To: executable.InstructionPointer, Width: 8, Kind: executable.Register,
		From: executable.InstructionPointer, Value: int64(to - from),
	}), nil
}

// offsetOf is where a place is in a file, in bytes.
func offsetOf(f *executable.File, site compile.Site) (uint64, error) {
	switch site.By {
	case compile.SiteSymbol:
		return f.Symbol(site.Symbol, site.Offset)
	case compile.SiteAddress:
		return f.Address(site.Address)
	}
	return site.Offset, f.CheckOffset(site.Offset)
}

// addWrites tells a rule's row what of the hook's writes is its.
func addWrites(row *bpf.Rule, h *compile.Hook, r compile.Rule) {
	sets := setActions(h)
	for _, op := range r.Sets {
		row.Sets |= 1 << slices.Index(sets, op)
	}
	if r.Registers != nil {
		row.Registers = uint8(overrideIndex(overrides(h), r.Registers) + 1)
	}
}
