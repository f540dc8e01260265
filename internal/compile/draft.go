// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"iter"
	"maps"
	"slices"

	"github.com/vedette-io/vedette/internal/policy"
)

// draft is a hook while policies are merged on it.
type draft struct {
	key    HookKey
	placed []placed
	// many and noMulti are as in Hook.
	many, noMulti bool
	// What the placed entries use up.
	slots   []Slot
	masks   map[dimKey]map[uint64]bool // the dimensions; masks of DimMask ones
	returns map[dimKey]map[uint64]bool // the same for return values
	rules   int
	// substrings are the values of the dimensions of DimSubstring.
	substrings map[dimKey]map[string]bool
}

// placed is an entry with the slots of its arguments.
type placed struct {
	policy int
	entry  *entry
	slots  []uint8
	// returnSlot is the slot of the return value, or -1.
	returnSlot int
}

// trial returns a copy without the placed entries, to try new ones on.
func (d *draft) trial() *draft {
	return &draft{
		key: d.key, many: d.many, noMulti: d.noMulti, slots: slices.Clone(d.slots), rules: d.rules,
		masks: cloneMasks(d.masks), returns: cloneMasks(d.returns), substrings: cloneMasks(d.substrings),
	}
}

func cloneMasks[V comparable](m map[dimKey]map[V]bool) map[dimKey]map[V]bool {
	out := make(map[dimKey]map[V]bool, len(m))
	for k, v := range m {
		out[k] = maps.Clone(v)
	}
	return out
}

// conditions yields every condition of the hook's rules.
func (d *draft) conditions() iter.Seq[*condition] {
	return func(yield func(*condition) bool) {
		for _, p := range d.placed {
			for _, s := range p.entry.rules {
				for i := range s.conditions {
					if !yield(&s.conditions[i]) {
						return
					}
				}
			}
		}
	}
}

// drafts are all hooks while policies are merged.
type drafts struct {
	hooks map[HookKey]*draft
	sets  processSets
}

// admit merges a policy, or returns why there is no room for it; then nothing
// of it stays.
func (d *drafts) admit(u *unit) []policy.Diagnostic {
	a := admission{unit: u, sets: &d.sets, trials: make(map[HookKey]*draft)}
	before := len(d.sets.all)
	for _, e := range u.entries {
		t := a.trials[e.key]
		if t == nil {
			t = &draft{key: e.key}
			if have := d.hooks[e.key]; have != nil {
				t = have.trial()
			}
			a.trials[e.key] = t
		}
		a.place(t, e)
	}
	if len(a.diags) > 0 {
		d.sets.shrink(before)
		return a.diags
	}
	for key, t := range a.trials {
		if have := d.hooks[key]; have != nil {
			t.placed = append(have.placed, t.placed...)
		}
		d.hooks[key] = t
	}
	return nil
}

// admission is the attempt to merge one policy.
type admission struct {
	unit   *unit
	sets   *processSets
	trials map[HookKey]*draft
	diags  []policy.Diagnostic
}

func (a *admission) refuse(e *entry, format string, args ...any) {
	a.diags = append(a.diags, a.unit.policy.Diagnose(e.path, policy.SeverityError, format, args...))
}

// place puts an entry on a hook and checks the limits of the hook.
func (a *admission) place(d *draft, e *entry) {
	p := placed{policy: a.unit.index, entry: e, returnSlot: -1}
	for _, s := range e.args {
		p.slots = append(p.slots, d.slot(s))
	}
	if e.ret != nil {
		p.returnSlot = int(d.slot(*e.ret))
	}
	d.rules += len(e.rules)
	d.many, d.noMulti = d.many || e.many, d.noMulti || e.noMulti
	for _, s := range e.rules {
		for i, key := range keysOfConditions(s.conditions, p.slots) {
			a.count(d, e, &s.conditions[i], key)
		}
	}
	d.placed = append(d.placed, p)
	a.checkLimits(d, e)
}

// count enters the condition into the hook's dimensions.
func (a *admission) count(d *draft, e *entry, c *condition, key dimKey) {
	if c.set != nil {
		mask, ok := a.sets.mask(c.set)
		if !ok {
			a.refuse(e, "all policies together can have at most %d different filters with followForks or followChildren", MaxSets)
			return
		}
		c.mask = mask
	}
	dims := &d.masks
	if c.ofReturn {
		dims = &d.returns
	}
	if *dims == nil {
		*dims = make(map[dimKey]map[uint64]bool)
	}
	if (*dims)[key] == nil {
		(*dims)[key] = make(map[uint64]bool)
	}
	if c.kind == DimMask {
		(*dims)[key][c.mask] = true
	}
	if c.kind == DimSubstring {
		d.addSubstrings(key, c.literals)
	}
}

func (a *admission) checkLimits(d *draft, e *entry) {
	if d.rules > MaxRules {
		a.refuse(e, "hook %q would have %d selectors of all policies, the limit is %d", d.key.Name, d.rules, MaxRules)
	}
	if len(d.slots) > MaxSlots {
		a.refuse(e, "hook %q would have %d different arguments of all policies, the limit is %d", d.key.Name, len(d.slots), MaxSlots)
	}
	if len(d.masks) > MaxDims {
		a.refuse(e, "hook %q would need %d dimensions for the filters of all policies, the limit is %d", d.key.Name, len(d.masks), MaxDims)
	}
	if len(d.returns) > MaxReturnDims {
		a.refuse(e, "hook %q would need %d dimensions for return values, the limit is %d", d.key.Name, len(d.returns), MaxReturnDims)
	}
	if words := d.automataWords(); words > MaxAutomata {
		a.refuse(e, "the substrings of all policies on hook %q would need %d bytes of tables, the limit is %d", d.key.Name, 4*words, 4*MaxAutomata)
	}
	for _, dims := range []map[dimKey]map[uint64]bool{d.masks, d.returns} {
		for _, masks := range dims {
			if len(masks) > MaxMasks {
				a.refuse(e, "hook %q would have %d different masks on one value, the limit is %d", d.key.Name, len(masks), MaxMasks)
			}
		}
	}
}

// automataWords returns how many words the automata of the hook need, or
// more where that is not too much either.
func (d *draft) automataWords() int {
	words, most := 0, 0
	values := make(map[dimKey][]string)
	for key, set := range d.substrings {
		values[key] = slices.Sorted(maps.Keys(set))
		_, n := automatonBounds(values[key])
		most += n
	}
	if most <= MaxAutomata {
		return most
	}
	for key := range values {
		words += automatonWords(values[key], key.fold)
	}
	return words
}

// addSubstrings notes the values of a dimension.
func (d *draft) addSubstrings(key dimKey, values []string) {
	if d.substrings == nil {
		d.substrings = make(map[dimKey]map[string]bool)
	}
	if d.substrings[key] == nil {
		d.substrings[key] = make(map[string]bool)
	}
	mark(d.substrings[key], values)
	delete(d.substrings[key], "") // every text has it
}

// slot returns the number of the slot for an argument, a new one where no
// entry asked for the same.
func (d *draft) slot(s Slot) uint8 {
	filtered := s.Filtered
	s.Filtered = false
	for i, have := range d.slots {
		have.Filtered = false
		if have == s {
			d.slots[i].Filtered = d.slots[i].Filtered || filtered
			return uint8(i)
		}
	}
	s.Filtered = filtered
	d.slots = append(d.slots, s)
	return uint8(len(d.slots) - 1)
}
