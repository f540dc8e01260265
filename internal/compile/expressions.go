// SPDX-License-Identifier: Apache-2.0

package compile

import "github.com/vedette-io/vedette/internal/expression"

// expressions builds the dimension of all expressions: one for each rule
// that has any, and equal ones once.
func (b *builder) expressions(d dimDraft) {
	wanted := make(map[uint16][]*expression.Expr)
	var order []uint16
	for _, t := range d.terms {
		if wanted[t.bit] == nil {
			order = append(order, t.bit)
		}
		wanted[t.bit] = append(wanted[t.bit], t.condition.expression.Renumber(func(position uint64) uint64 {
			return uint64(t.slots[position])
		}))
	}
	index := make(map[string]int)
	var satisfied []vector
	for _, bit := range order {
		e := expression.All(wanted[bit])
		i, ok := index[e.String()]
		if !ok {
			i = len(satisfied)
			index[e.String()] = i
			b.hook.Expressions = append(b.hook.Expressions, e)
			satisfied = append(satisfied, make(vector, len(b.all)))
		}
		satisfied[i].set(bit)
	}
	for _, v := range satisfied {
		b.hook.Table = append(b.hook.Table, Entry{A: b.pool.add(v)})
	}
}

// lookupExpressions returns the vector of the expressions that are true.
func (h *Hook) lookupExpressions(d *Dim, v *Values) vector {
	found := vector(h.Vectors[d.None]).clone()
	for i, e := range h.Expressions {
		if e.Match(func(slot uint64) (uint64, bool) { return v.Args[slot].Int, !v.Args[slot].Failed }) {
			found.or(h.Vectors[h.Table[d.Base+uint32(i)].A])
		}
	}
	return found
}
