// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
)

// tables are the rules of a hook as one half of its program's maps holds
// them.
type tables struct {
	hook              *compile.Hook
	generation        uint32
	processGeneration uint32
	// owners are the names of the groups' policies.
	owners []string
}

// half is one of the two halves of a program's maps.
type half uint32

func (h half) other() half { return 1 - h }

// write fills a half that no run of the program uses, and remembers what it
// holds. If it fails, the half stays out of use.
func (p *program) write(at half, t *tables) error {
	if err := p.writeAll(at, t); err != nil {
		return fmt.Errorf("hook %q: tables: %w", t.hook.Key.Name, err)
	}
	p.halves[at] = t
	return nil
}

func (p *program) writeAll(at half, t *tables) error {
	for _, step := range []func(half, *tables) error{p.writeEntries, p.writeVectors, p.writeStrings, p.writeAutomata, p.writeRules} {
		if err := step(at, t); err != nil {
			return err
		}
	}
	return p.coll.Maps["vd_tables"].Put(uint32(at), p.hookTables(at, t))
}

// rowBytes is the size of a row of vd_table.
const rowBytes = uint32(unsafe.Sizeof(bpf.Entry{}))

func (p *program) writeEntries(at half, t *tables) error {
	if len(t.hook.Table) == 0 {
		return nil
	}
	rows := make([]bpf.Entry, p.shape.entries)
	for i, e := range t.hook.Table {
		rows[i] = bpf.Entry{Key: e.Key, A: p.vector(at, e.A), B: p.vector(at, e.B)}
	}
	return p.coll.Maps["vd_table"].Put(uint32(at), rows)
}

// vector is where a vector of a half stands.
func (p *program) vector(at half, v uint32) uint32 { return uint32(at)*p.shape.vectors + v }

func (p *program) writeVectors(at half, t *tables) error {
	padded := make([]uint64, p.shape.config.Words)
	for i, v := range t.hook.Vectors {
		clear(padded)
		copy(padded, v)
		if err := p.coll.Maps["vd_vectors"].Put(p.vector(at, uint32(i)), padded); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) writeStrings(at half, t *tables) error {
	m := p.coll.Maps["vd_strings"]
	if old := p.written[at]; old != nil {
		for _, s := range old.hook.Strings {
			if err := m.Delete(stringKey(s, uint32(at))); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
				return err
			}
		}
	}
	p.written[at] = t
	for _, s := range t.hook.Strings {
		v := stringValue(s, uint32(at))
		v.Vector, v.Otherwise = p.vector(at, v.Vector), p.vector(at, v.Otherwise)
		if err := m.Put(stringKey(s, uint32(at)), v); err != nil {
			return err
		}
	}
	return nil
}

// ruleRow is where a rule and its counters stand.
func (p *program) ruleRow(at half, bit uint16) uint32 {
	return uint32(at)*p.shape.ruleBits + uint32(bit)
}

func (p *program) writeRules(at half, t *tables) error {
	for _, r := range t.hook.Rules {
		id := ruleKey(t.hook, r, t.owners).hash()
		row := entryRule(r, &t.hook.Groups[r.Group], id)
		addWrites(&row, t.hook, r)
		if err := p.writeRule(p.ruleRow(at, r.Bit), row); err != nil {
			return err
		}
		if !p.shape.actsAtReturn() {
			continue
		}
		if err := p.writeRule(p.returnRow(at, r.Bit), returnRule(r, &t.hook.Groups[r.Group], id)); err != nil {
			return err
		}
	}
	return nil
}

// writeRule writes what a rule does, which it has not done yet.
func (p *program) writeRule(row uint32, r bpf.Rule) error {
	if err := p.coll.Maps["vd_rules"].Put(row, r); err != nil {
		return err
	}
	return p.coll.Maps["vd_rule_counters"].Put(row, p.zeroes)
}

// hookTables are the tables' head, which says where the others stand.
func (p *program) hookTables(at half, t *tables) bpf.HookTables {
	h := t.hook
	out := bpf.HookTables{
		Generation: t.generation, ProcessGeneration: t.processGeneration, Rules: p.ruleRow(at, 0),
		ReturnRules: p.returnRow(at, 0),
	}
	copy(out.All[:], h.Vectors[0])
	copy(out.Single[:], h.Single)
	copy(out.Start[:], h.Start)
	copy(out.Guard[:], h.Guard)
	for _, r := range h.Rules {
		if r.Flags&(compile.RuleReturn|compile.RuleIMA) != 0 {
			out.Returns[r.Bit/64] |= 1 << (r.Bit % 64)
		}
	}
	for i, d := range h.Dims {
		out.Dims[i] = p.dimTables(at, d)
	}
	for i, d := range h.ReturnDims {
		out.ReturnDims[i] = p.dimTables(at, d)
	}
	return out
}

func (p *program) dimTables(at half, d compile.Dim) bpf.DimTables {
	if d.Kind == compile.DimSubstring {
		return p.substringTables(at, d)
	}
	return bpf.DimTables{
		Base: rowBytes * d.Base, Len: d.Len,
		State: d.State | uint32(at)<<halfBit, None: p.vector(at, d.None),
	}
}

// use puts a half into force.
func (p *program) use(at half) error {
	if err := p.coll.Maps["vd_current"].Put(uint32(0), uint32(at)); err != nil {
		return fmt.Errorf("hook %q: switch tables: %w", p.key.Name, err)
	}
	p.current = at
	return nil
}

// retire takes a half out of use: what returns to it is no longer known. All
// but the generation stays for runs that are still at it.
func (p *program) retire(at half) error {
	t := p.written[at]
	p.halves[at] = nil
	head := p.hookTables(at, t)
	head.Generation = 0
	if err := p.coll.Maps["vd_tables"].Put(uint32(at), head); err != nil {
		return fmt.Errorf("hook %q: retire tables: %w", p.key.Name, err)
	}
	return nil
}
