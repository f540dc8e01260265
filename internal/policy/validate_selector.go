// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strings"
)

func (v *validator) validateHookSelectors(h hook) {
	selectors := *h.selectors
	if len(selectors) > MaxRules {
		v.errorf(ItemPath(h.path+".selectors", MaxRules), "%d selectors, the limit of a hook is %d", len(selectors), MaxRules)
	}
	for i := range selectors {
		path, s := ItemPath(h.path+".selectors", i), &selectors[i]
		v.validateProcessFilters(path, s)
		v.validateArgFilters(h, path, s)
		v.validateActions(h, path+".matchActions", s.MatchActions)
		v.validateReturnActions(h, path, s)
	}
}

// validateProcessFilters judges the filters on who does it.
func (v *validator) validateProcessFilters(path string, s *Selector) {
	for i, f := range s.MatchPIDs {
		at := ItemPath(path+".matchPIDs", i)
		v.requireOperator(at, f.Operator, setOperators)
		v.requireValues(at, len(f.Values))
	}
	for _, list := range []struct {
		path    string
		filters []BinaryFilter
	}{{path + ".matchBinaries", s.MatchBinaries}, {path + ".matchParentBinaries", s.MatchParentBinaries}} {
		for i := range list.filters {
			v.validateBinaryFilter(ItemPath(list.path, i), &list.filters[i])
		}
	}
	v.validateNamespaceFilters(path, s)
	for i := range s.MatchCapabilities {
		v.validateCapabilityFilter(ItemPath(path+".matchCapabilities", i), &s.MatchCapabilities[i])
	}
	for i := range s.MatchCapabilityChanges {
		v.validateCapabilityFilter(ItemPath(path+".matchCapabilityChanges", i), &s.MatchCapabilityChanges[i])
	}
	for i, w := range s.MatchWorkloads {
		at := ItemPath(path+".matchWorkloads", i)
		v.validateLabelSelector(at+".podSelector", w.PodSelector)
		v.validateLabelSelector(at+".containerSelector", w.ContainerSelector)
		v.validateHostSelector(at+".hostSelector", w.HostSelector)
	}
}

// requireOperator reports an operator that is not one of those allowed.
func (v *validator) requireOperator(path string, op Operator, allowed []Operator) {
	if op != "" && !isOneOf(op, allowed) {
		what := "unknown operator"
		if isOneOf(op, argOperators) || isOneOf(op, binaryOperators) {
			what = "operator cannot be used here:"
		}
		v.suggestf(path+".operator", oneOf(string(op), allowed), "%s %s", what, quote(op))
	}
}

// requireValues reports an empty list of values.
func (v *validator) requireValues(path string, n int) {
	if n == 0 {
		v.errorf(path+".values", "values must not be empty")
	}
}

func (v *validator) validateBinaryFilter(path string, f *BinaryFilter) {
	v.requireOperator(path, f.Operator, binaryOperators)
	v.requireValues(path, len(f.Values))
	if f.FollowChildren && f.Operator != OpIn && f.Operator != OpNotIn && isOneOf(f.Operator, binaryOperators) {
		v.errorf(path+".followChildren", "followChildren can be used with operators In and NotIn only, not with %s", f.Operator)
	}
	for i, value := range f.Values {
		at := ItemPath(path+".values", i)
		switch suffix := f.Operator == OpPostfix || f.Operator == OpNotPostfix; {
		case value == "":
			v.errorf(at, "path of a binary must not be empty")
		case len(value) > MaxValueLength:
			v.errorf(at, "path of %d bytes can never match, the limit is %d", len(value), MaxValueLength)
		case !suffix && !strings.HasPrefix(value, "/"):
			v.warnf(at, "write an absolute path", "%s never matches, a binary is compared by its absolute path", quote(value))
		}
	}
}

func (v *validator) validateNamespaceFilters(path string, s *Selector) {
	for i, f := range s.MatchNamespaces {
		at := ItemPath(path+".matchNamespaces", i)
		v.requireOperator(at, f.Operator, setOperators)
		v.requireValues(at, len(f.Values))
		if f.Namespace != "" {
			if _, err := NamespaceIndex(f.Namespace); err != nil {
				v.valueError(at+".namespace", err)
			}
		}
		for j, value := range f.Values {
			if _, _, err := ParseNamespaceInode(value); err != nil {
				v.valueError(ItemPath(at+".values", j), err)
			}
		}
	}
	if len(s.MatchNamespaceChanges) > 1 {
		v.errorf(path+".matchNamespaceChanges[1]", "only one matchNamespaceChanges is supported")
	}
	for i, f := range s.MatchNamespaceChanges {
		at := ItemPath(path+".matchNamespaceChanges", i)
		v.requireOperator(at, f.Operator, setOperators)
		v.requireValues(at, len(f.Values))
		for j, value := range f.Values {
			if _, err := NamespaceIndex(value); err != nil {
				v.valueError(ItemPath(at+".values", j), err)
			}
		}
	}
}

func (v *validator) validateCapabilityFilter(path string, f *CapabilityFilter) {
	if !isOneOf(f.Type, capabilityTypes) {
		v.suggestf(path+".type", oneOf(f.Type, capabilityTypes), "unknown capability type %s", quote(f.Type))
	}
	v.requireOperator(path, f.Operator, setOperators)
	v.requireValues(path, len(f.Values))
	for i, name := range f.Values {
		if _, err := CapabilityIndex(name); err != nil {
			v.valueError(ItemPath(path+".values", i), err)
		}
	}
}

func (v *validator) validateReturnActions(h hook, path string, s *Selector) {
	if len(s.MatchReturnActions) == 0 {
		return
	}
	at := path + ".matchReturnActions"
	if !h.returns && !v.failed.touches(h.path+".return") {
		v.errorf(at, "matchReturnActions needs return: true")
	}
	v.validateActions(h, at, s.MatchReturnActions)
}

// argName describes a position in args for a message.
func argName(args []Arg, position uint32) string {
	return fmt.Sprintf("%s (%s)", ItemPath("args", int(position)), args[position].Type)
}
