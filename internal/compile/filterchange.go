// SPDX-License-Identifier: Apache-2.0

package compile

import "github.com/vedette-io/vedette/internal/policy"

// allNamespaces has the bits of all kinds of namespaces.
const allNamespaces = 1<<NumNamespaces - 1

// changes understands matchNamespaceChanges and matchCapabilityChanges: all
// entries must be satisfied.
func (f *frontend) changes(s *policy.Selector, path string) []condition {
	var out []condition
	for i := range s.MatchNamespaceChanges {
		out = append(out, f.namespaceChange(&s.MatchNamespaceChanges[i], policy.ItemPath(path+".matchNamespaceChanges", i))...)
	}
	return append(out, f.capabilityChanges(s.MatchCapabilityChanges, path+".matchCapabilityChanges")...)
}

// namespaceChange understands one entry: In is satisfied where any of the
// kinds has changed, NotIn where any other kind has.
func (f *frontend) namespaceChange(n *policy.NamespaceChange, path string) []condition {
	negated, ok := f.membership(n.Operator, path+".operator")
	if !ok {
		return nil
	}
	var mask uint64
	for i, name := range n.Values {
		kind, err := policy.NamespaceIndex(name)
		if err != nil {
			f.errorf(policy.ItemPath(path+".values", i), "%v", err)
			continue
		}
		mask |= 1 << kind
	}
	if negated {
		mask = allNamespaces &^ mask
	}
	return []condition{{kind: DimMask, source: SourceNamespaceChanges, mask: mask}}
}

// capabilityChanges understands matchCapabilityChanges: In is satisfied where
// any of the capabilities was gained or lost, NotIn where only others were.
func (f *frontend) capabilityChanges(filters []policy.CapabilityFilter, path string) []condition {
	var out []condition
	for _, c := range f.capabilities(filters, path) {
		if c.source != SourceCaps {
			out = append(out, c) // the process's user namespace
			continue
		}
		c.source = SourceCapabilityChanges
		out = append(out, c)
		if c.negated {
			c.mask, c.negated = ^c.mask, false
			out = append(out, c)
		}
	}
	return out
}

// toldBy returns the flags of a rule whose events tell changes.
func toldBy(conditions []condition) RuleFlags {
	var flags RuleFlags
	for i := range conditions {
		switch conditions[i].source {
		case SourceNamespaceChanges:
			flags |= RuleNamespacesTold
		case SourceCapabilityChanges:
			flags |= RuleCapsTold
		}
	}
	return flags
}
