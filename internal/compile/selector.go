// SPDX-License-Identifier: Apache-2.0

package compile

import "github.com/vedette-io/vedette/internal/policy"

// selectors understands the selectors of an entry. An entry without any has
// one rule that always matches and posts.
func (f *frontend) selectors(e *entry, hook *hookContext, all []policy.Selector, path string) {
	if len(all) == 0 {
		all = []policy.Selector{{}}
	}
	path += ".selectors"
	for i := range all {
		e.rules = append(e.rules, f.selector(e, hook, &all[i], i, policy.ItemPath(path, i)))
	}
}

// selector understands one selector.
func (f *frontend) selector(e *entry, hook *hookContext, s *policy.Selector, index int, path string) *selector {
	out := &selector{rule: Rule{Selector: uint16(min(index, MaxRules)), Label: s.Label}}
	out.conditions = append(out.conditions, f.pids(s.MatchPIDs, path+".matchPIDs")...)
	out.conditions = append(out.conditions, f.binaries(s.MatchBinaries, ofProcess, path+".matchBinaries")...)
	out.conditions = append(out.conditions, f.binaries(s.MatchParentBinaries, ofParent, path+".matchParentBinaries")...)
	out.conditions = append(out.conditions, f.namespaces(s.MatchNamespaces, path+".matchNamespaces")...)
	out.conditions = append(out.conditions, f.capabilities(s.MatchCapabilities, path+".matchCapabilities")...)
	out.conditions = append(out.conditions, f.changes(s, path)...)
	out.conditions = append(out.conditions, f.workloads(s.MatchWorkloads, path+".matchWorkloads")...)
	out.conditions = append(out.conditions, f.followed(e)...)
	for i := range s.MatchArgs {
		out.conditions = append(out.conditions, f.argFilter(e, hook, &s.MatchArgs[i], policy.ItemPath(path+".matchArgs", i))...)
	}
	for i := range s.MatchData {
		out.conditions = append(out.conditions, f.dataFilter(e, hook, &s.MatchData[i], policy.ItemPath(path+".matchData", i))...)
	}
	for i := range s.MatchReturnArgs {
		out.conditions = append(out.conditions, f.returnFilter(e, &s.MatchReturnArgs[i], policy.ItemPath(path+".matchReturnArgs", i))...)
	}
	for i := range out.conditions {
		out.conditions[i].markFiltered(e.args)
	}
	f.actions(&out.rule, e, s.MatchActions, path+".matchActions")
	f.returnActions(&out.rule, e, s.MatchReturnActions, path+".matchReturnActions")
	out.rule.Flags |= toldBy(out.conditions)
	out.rule.Flags |= e.atReturn
	if waitsForReturn(e) {
		out.rule.Flags |= RuleReturn
	}
	return out
}

// waitsForReturn reports whether the events of an entry say something that is
// known only when the call returns.
func waitsForReturn(e *entry) bool {
	if e.group.HasReturn {
		return true
	}
	for _, s := range e.args {
		if s.ReturnCopy {
			return true
		}
	}
	return false
}

// followed returns the conditions of an entry with descriptors in a policy
// that follows descriptors: only followed ones match.
func (f *frontend) followed(e *entry) []condition {
	if f.follow < 0 {
		return nil
	}
	var out []condition
	for i, s := range e.args {
		if s.Type == TypeFD {
			out = append(out, condition{kind: DimMask, source: SourceFollowed, index: uint8(i), mask: 1 << f.follow})
		}
	}
	return out
}
