// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"

	"github.com/vedette-io/vedette/internal/policy"
)

// returnActions understands what a selector does when the call returns. The
// event is told then, and only if neither list says NoPost; so it falls under
// its rate limit then, and that of matchActions does where there is no other.
func (f *frontend) returnActions(r *Rule, e *entry, actions []policy.Action, path string) {
	if len(actions) == 0 || !e.group.HasReturn { // as the parser has told
		return
	}
	at := &Rule{}
	for i := range actions {
		if why := notAtReturn[actions[i].Action]; why != "" {
			f.errorf(policy.ItemPath(path, i)+".action", "action %s has no effect in matchReturnActions: %s", actions[i].Action, why)
		}
	}
	f.actions(at, e, actions, path)
	at.Flags |= r.Flags & RuleNoPost
	if r.Flags&RuleNoPost != 0 {
		at.Flags &^= RulePost
	}
	if at.RateInterval == 0 {
		at.RateInterval, at.RateScope = r.RateInterval, r.RateScope
	}
	r.RateInterval, r.RateScope = 0, 0
	r.Flags |= RuleReturnActions
	r.Return = at
}

// notAtReturn are the actions that come too late when a call returns, and why.
var notAtReturn = map[policy.ActionType]string{
	policy.ActionOverride: "the call has been carried out when it returns; put it into matchActions",
	policy.ActionSet:      "it writes an argument of a static probe, which does not return",
}

// allActions are the actions of a selector, when it matches and when the call returns.
func allActions(s *policy.Selector) []policy.Action {
	return slices.Concat(s.MatchActions, s.MatchReturnActions)
}

// hasAction reports whether one of them is of the type.
func hasAction(s *policy.Selector, action policy.ActionType) bool {
	return slices.ContainsFunc(allActions(s), func(a policy.Action) bool { return a.Action == action })
}
