// SPDX-License-Identifier: Apache-2.0

package compile

import "strings"

// sweep walks literals in sorted order and keeps the vector of rules that are
// satisfied by strings for which the current literal is the longest.
type sweep struct {
	rules  vector
	unmet  map[uint16]int // per rule, how many of its conditions are not satisfied
	terms  []textTerm
	byText map[string][]int // literal to indexes into terms
}

// textTerm is a condition of a rule, with the count of the literals in force
// that satisfy it, or violate it if it is negated.
type textTerm struct {
	bit     uint16
	negated bool
	hits    int
}

// newSweep returns a sweep before the first literal: its rules are those
// satisfied by a string that begins with no literal.
func newSweep(all vector, terms []term) *sweep {
	s := &sweep{rules: all.clone(), unmet: make(map[uint16]int), byText: make(map[string][]int)}
	for _, t := range terms {
		if !t.condition.negated {
			s.unmet[t.bit]++
			s.rules.clear(t.bit)
		}
		for _, l := range t.condition.literals {
			s.byText[l] = append(s.byText[l], len(s.terms))
		}
		s.terms = append(s.terms, textTerm{bit: t.bit, negated: t.condition.negated})
	}
	return s
}

// run visits every literal with its vector, which is valid until visit
// returns. The literals are sorted and different; those of no term inherit.
func (s *sweep) run(literals []string, visit func(i int, rules vector)) {
	var inForce []string
	for i, l := range literals {
		for len(inForce) > 0 && !strings.HasPrefix(l, inForce[len(inForce)-1]) {
			s.apply(inForce[len(inForce)-1], -1)
			inForce = inForce[:len(inForce)-1]
		}
		s.apply(l, 1)
		inForce = append(inForce, l)
		visit(i, s.rules)
	}
}

// apply enters (by 1) or leaves (by -1) a literal.
func (s *sweep) apply(literal string, by int) {
	for _, i := range s.byText[literal] {
		t := &s.terms[i]
		before := t.hits > 0
		t.hits += by
		after := t.hits > 0
		if before != after {
			s.turn(t.bit, after != t.negated)
		}
	}
}

// turn notes that a condition of the rule became satisfied or ceased to be.
func (s *sweep) turn(bit uint16, satisfied bool) {
	if satisfied {
		s.unmet[bit]--
	} else {
		s.unmet[bit]++
	}
	if s.unmet[bit] == 0 {
		s.rules.set(bit)
	} else {
		s.rules.clear(bit)
	}
}
