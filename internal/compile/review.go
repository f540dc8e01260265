// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"
	"strings"

	"github.com/vedette-io/vedette/internal/policy"
)

// Review returns warnings about the selectors of the plan's policies that
// never match, because their filters contradict each other, and about those
// that never act, because one before them matches whatever they match. It
// looks at the compiled tables: in is what the plan was compiled from.
func (p *Plan) Review(in Input) []policy.Diagnostic {
	r := review{in: in}
	for _, h := range p.Hooks {
		r.hook = h
		r.selectors()
	}
	return r.found
}

// review is the search for selectors without effect.
type review struct {
	in    Input
	hook  *Hook
	found []policy.Diagnostic
}

// selectors looks at all rules of one hook.
func (r *review) selectors() {
	covering := r.hook.covering()
	for i := range r.hook.Rules {
		rule := &r.hook.Rules[i]
		g := &r.hook.Groups[rule.Group]
		if d := r.hook.contradiction(rule.Bit); d != nil {
			r.warnContradiction(g, rule, d)
			continue
		}
		for bit := g.FirstBit; bit < rule.Bit; bit++ {
			if covering[rule.Bit].has(bit) {
				r.warnUnreached(g, rule, int(bit-g.FirstBit))
				break
			}
		}
	}
}

// add reports a warning once: an entry on a list of calls is on many hooks.
func (r *review) add(g *Group, path, suggestion, format string, args ...any) {
	d := r.in.Policies[g.Policy].Policy.Diagnose(path, policy.SeverityWarning, format, args...)
	d.Suggestion = suggestion
	if !slices.Contains(r.found, d) {
		r.found = append(r.found, d)
	}
}

func (r *review) warnContradiction(g *Group, rule *Rule, d *Dim) {
	s := r.selector(g, int(rule.Selector))
	path := s.path
	field, filters := s.filters(g, d)
	if len(filters) > 0 {
		path = policy.ItemPath(path+"."+field, filters[len(filters)-1])
	}
	if len(filters) < 2 {
		r.add(g, path, "", "selector never matches: no value satisfies this")
		return
	}
	r.add(g, path, "put the values into one filter to match any of them",
		"selector never matches: filters are ANDed, and no value satisfies both this one and %s", policy.ItemPath(field, filters[0]))
}

func (r *review) warnUnreached(g *Group, rule *Rule, by int) {
	suggestion := ""
	if s := r.selector(g, by); s.selector != nil && len(s.selector.MatchReturnArgs) > 0 {
		suggestion = "its matchReturnArgs do not count: which selector acts is decided when the call begins"
	}
	r.add(g, r.selector(g, int(rule.Selector)).path, suggestion,
		"selector is never reached: %s before it matches whatever this one matches", policy.ItemPath("selectors", by))
}

// place is a selector in its policy.
type place struct {
	path     string
	selector *policy.Selector // nil for an entry that has none
	args     []policy.Arg
}

// selector finds a selector of a group.
func (r *review) selector(g *Group, index int) place {
	spec := &r.in.Policies[g.Policy].Policy.Spec
	p := place{path: policy.ItemPath("spec."+g.Section, g.Entry)}
	var selectors []policy.Selector
	switch g.Section {
	case "kprobes":
		p.args, selectors = spec.Kprobes[g.Entry].Args, spec.Kprobes[g.Entry].Selectors
	case "fentries":
		p.args, selectors = spec.Fentries[g.Entry].Args, spec.Fentries[g.Entry].Selectors
	case "tracepoints":
		p.args, selectors = spec.Tracepoints[g.Entry].Args, spec.Tracepoints[g.Entry].Selectors
	case "lsmhooks":
		p.args, selectors = spec.LsmHooks[g.Entry].Args, spec.LsmHooks[g.Entry].Selectors
	case "uprobes":
		p.args, selectors = spec.Uprobes[g.Entry].Args, spec.Uprobes[g.Entry].Selectors
	case "usdts":
		p.args, selectors = spec.Usdts[g.Entry].Args, spec.Usdts[g.Entry].Selectors
	}
	if index < len(selectors) {
		p.path, p.selector = policy.ItemPath(p.path+".selectors", index), &selectors[index]
	}
	return p
}

// filters returns the field of the filters that a dimension is made of, and
// the positions of those that can be told; none where that is not one field.
func (p place) filters(g *Group, d *Dim) (field string, positions []int) {
	s := p.selector
	if s == nil {
		return "", nil
	}
	n := 0
	switch d.Source {
	case SourceArg, SourceField:
		return "matchArgs", p.argFilters(g, d.Index)
	case SourceReturn:
		field, n = "matchReturnArgs", len(s.MatchReturnArgs)
	case SourcePID, SourceNSPID:
		return "matchPIDs", positionsOf(s.MatchPIDs, func(f *policy.PIDFilter) bool {
			return !f.FollowForks && f.IsNamespacePID == (d.Source == SourceNSPID)
		})
	case SourceBinary, SourceBinaryEnd:
		field, n = "matchBinaries", len(s.MatchBinaries)
	case SourceParentBinary, SourceParentBinaryEnd, SourceParentSets:
		field, n = "matchParentBinaries", len(s.MatchParentBinaries)
	case SourceNamespace:
		return "matchNamespaces", positionsOf(s.MatchNamespaces, func(f *policy.NamespaceFilter) bool {
			return strings.EqualFold(f.Namespace, policy.NamespaceNames[d.Index])
		})
	case SourceCaps:
		field, n = "matchCapabilities", len(s.MatchCapabilities)
	case SourceNamespaceChanges:
		field, n = "matchNamespaceChanges", len(s.MatchNamespaceChanges)
	case SourceCapabilityChanges:
		field, n = "matchCapabilityChanges", len(s.MatchCapabilityChanges)
	}
	for i := range n {
		positions = append(positions, i)
	}
	return field, positions
}

// argFilters returns the positions of the filters on a slot.
func (p place) argFilters(g *Group, slot uint8) []int {
	return positionsOf(p.selector.MatchArgs, func(f *policy.ArgFilter) bool {
		targets, err := f.Targets(p.args)
		return err == nil && slices.ContainsFunc(targets, func(i int) bool { return i < len(g.Args) && g.Args[i] == slot })
	})
}

func positionsOf[T any](filters []T, is func(*T) bool) []int {
	var out []int
	for i := range filters {
		if is(&filters[i]) {
			out = append(out, i)
		}
	}
	return out
}
