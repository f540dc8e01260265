// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
)

// actsAtReturn reports whether rules have rows for what they do when the call
// returns. These follow the rows of both halves.
func (s *shape) actsAtReturn() bool {
	return s.config.Features&uint32(bpf.ContractVdHookFeatureVD_FEATURE_RETURN_ACTIONS) != 0
}

// ruleRows is how many rows the rules have.
func (s *shape) ruleRows() uint32 {
	if s.actsAtReturn() {
		return 4 * s.ruleBits
	}
	return 2 * s.ruleBits
}

// returnRow is where what a rule does at the return stands, and its counters.
func (p *program) returnRow(at half, bit uint16) uint32 {
	return 2*p.shape.ruleBits + p.ruleRow(at, bit)
}

// entryRule is what a rule does at the entry. Whether an event with actions at
// the return is told is seen to there: its return must be waited for.
func entryRule(r compile.Rule, g *compile.Group, id uint64) bpf.Rule {
	if r.Return != nil {
		if r.Flags&compile.RulePost == 0 {
			r.Flags &^= compile.RuleNamespacesTold | compile.RuleCapsTold
		}
		r.Flags |= compile.RulePost
	}
	return rule(r, g, id)
}

// returnRule is what a rule does when the call returns: nothing, but for
// telling the event, where it has no actions there.
func returnRule(r compile.Rule, g *compile.Group, id uint64) bpf.Rule {
	if r.Return == nil {
		return bpf.Rule{Flags: uint32(r.Flags & compile.RulePost)}
	}
	return rule(*r.Return, g, id)
}

// actedSlots returns, as bits, the slots that actions at the return look at.
func actedSlots(h *compile.Hook) uint32 {
	var slots uint32
	for _, r := range h.Rules {
		if r.Return != nil {
			slots |= actedBy(h, r.Return)
		}
	}
	return slots
}

func actedBy(h *compile.Hook, r *compile.Rule) uint32 {
	var slots uint32
	for _, op := range r.FDOps {
		slots |= 1<<op.FD | 1<<op.Other
	}
	if r.Flags&compile.RuleTrackSock != 0 {
		slots |= 1 << r.Track
	}
	if r.Flags&compile.RuleUntrackSock != 0 {
		slots |= 1 << r.Untrack
	}
	if r.RateInterval == 0 {
		return slots
	}
	// What fills at the return is another value each time, and registers are
	// others by then.
	for i, s := range h.Slots {
		if !s.ReturnCopy && s.From != compile.FromRegister {
			slots |= 1 << i
		}
	}
	return slots
}
