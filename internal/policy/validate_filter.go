// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strings"
)

// filterList is one list of argument filters of a selector with the
// arguments that it is about.
type filterList struct {
	path    string
	filters []ArgFilter
	args    []Arg
	// kind is the name of the field.
	kind string
}

// argsKnown reports whether the arguments that filters refer to could be
// decoded; where not, missing ones are a consequence.
func (v *validator) argsKnown(h hook) bool {
	return !v.failed.touches(h.path+".args") && !v.failed.touches(h.path+".data") && !v.failed.touches(h.path+".returnArg")
}

func (v *validator) validateArgFilters(h hook, path string, s *Selector) {
	for _, list := range []filterList{
		{path + ".matchArgs", s.MatchArgs, h.args, "matchArgs"},
		{path + ".matchData", s.MatchData, h.data, "matchData"},
	} {
		for i := range list.filters {
			v.validateArgFilter(h, ItemPath(list.path, i), list, &list.filters[i])
		}
	}
	v.validateReturnFilters(h, path+".matchReturnArgs", s)
	if v.argsKnown(h) {
		v.warnUserMemory(h, path, s)
	}
}

func (v *validator) validateReturnFilters(h hook, path string, s *Selector) {
	if len(s.MatchReturnArgs) == 0 {
		return
	}
	if h.section == sectionLsm {
		v.errorf(path, "matchReturnArgs is not supported in an lsmhook")
		return
	}
	if h.returnArg == nil || !h.returns {
		if !v.failed.touches(h.path + ".return") {
			v.errorf(path, "matchReturnArgs needs return: true and returnArg")
		}
		return
	}
	v.warnActionsBeforeReturn(path, s)
	for i := range s.MatchReturnArgs {
		f, at := &s.MatchReturnArgs[i], ItemPath(path, i)
		v.requireOperator(at, f.Operator, argOperators)
		if f.Index != 0 || len(f.Args) > 0 {
			v.errorf(at+".index", "a filter of matchReturnArgs has index 0, there is one return value")
		}
		v.validateFilterValues(at, f, h.returnArg.Type)
	}
}

// validateArgFilter judges one filter of matchArgs or matchData.
func (v *validator) validateArgFilter(h hook, path string, list filterList, f *ArgFilter) {
	v.requireOperator(path, f.Operator, argOperators)
	if f.Operator == OpCelExpr {
		if len(f.Values) == 0 {
			v.errorf(path, "operator %s needs an expression in values", f.Operator)
		}
		return
	}
	targets, ok := v.filterTargets(h, path, list, f)
	if !ok {
		return
	}
	switch {
	case !isOneOf(f.Operator, argOperators):
		return
	case f.Operator == OpCapabilitiesGained && len(targets) != 2:
		v.errorf(path, "operator %s compares two arguments, args must name the old and the new one", f.Operator)
		return
	case f.Operator != OpCapabilitiesGained && len(targets) != 1:
		v.errorf(path+".args", "operator %s is about one argument, args has %d", f.Operator, len(targets))
		return
	}
	for _, i := range targets {
		v.validateFilterValues(path, f, list.args[i].Type)
	}
}

// filterTargets returns the arguments of a filter and reports missing ones.
func (v *validator) filterTargets(h hook, path string, list filterList, f *ArgFilter) ([]int, bool) {
	if !v.argsKnown(h) || v.failed.covers(path+".index") || v.failed.touches(path+".args") {
		return nil, false
	}
	if list.kind == "matchData" && len(f.Args) == 0 {
		// The index of matchData is a position in data.
		if uint64(f.Index) >= uint64(len(list.args)) {
			v.errorf(path+".index", "index %d is out of range, data has %d elements", f.Index, len(list.args))
			return nil, false
		}
		return []int{int(f.Index)}, true
	}
	targets, err := f.Targets(list.args)
	if err == nil {
		return targets, true
	}
	if len(f.Args) > 0 {
		v.errorf(path+".args", "%s", err)
		return nil, false
	}
	var known []string
	for _, a := range list.args {
		known = append(known, fmt.Sprint(a.Index))
	}
	suggestion := "list the argument there"
	if len(known) > 0 {
		suggestion = "args has index " + strings.Join(known, ", ")
	}
	v.suggestf(path+".index", suggestion, "%s", err)
	return nil, false
}

// validateFilterValues judges operator and values for a type.
func (v *validator) validateFilterValues(path string, f *ArgFilter, t ArgType) {
	if !isOneOf(f.Operator, argOperators) || !isOneOf(t, argTypes) {
		return
	}
	if err := CheckOperator(f.Operator, t); err != nil {
		v.valueError(path+".operator", err)
		return
	}
	if f.Operator.takesValues() && len(f.Values) == 0 {
		v.errorf(path, "operator %s needs values", f.Operator)
	}
	if !f.Operator.takesValues() && len(f.Values) > 0 {
		v.warnf(path+".values", "", "operator %s takes no values", f.Operator)
		return
	}
	for i, value := range f.Values {
		at := ItemPath(path+".values", i)
		if err := CheckValue(f.Operator, t, value); err != nil {
			v.valueError(at, err)
			continue
		}
		if name, isList := ListReference(value); isList && (f.Operator == OpInMap || f.Operator == OpNotInMap) {
			v.requireList(at, name)
		}
		v.warnValue(at, f.Operator, t, value)
	}
}

// warnValue warns of strings that match nothing or everything.
func (v *validator) warnValue(path string, op Operator, t ArgType, value string) {
	if !t.IsString() {
		return
	}
	switch op {
	case OpPrefix, OpNotPrefix, OpPostfix, OpNotPostfix, OpSubString, OpSubStringIgnCase:
		if value == "" {
			v.warnf(path, "", "every string has the empty string in it")
			return
		}
	}
	switch op {
	case OpEqual, OpNotEqual, OpPrefix, OpNotPrefix:
		if t.IsPath() && t != TypeDentry && !strings.HasPrefix(value, "/") {
			v.warnf(path, "", "%s never matches, a %s is compared by its absolute path", quote(value), t)
		}
	}
}

// warnUserMemory warns where a selector enforces because of memory that the
// caller of a system call can change after the check.
func (v *validator) warnUserMemory(h hook, path string, s *Selector) {
	if !h.syscall || !h.section.isFunction() && !h.section.isTracepoint() {
		return
	}
	if !isEnforcing(s.MatchActions) && !isEnforcing(s.MatchReturnActions) {
		return
	}
	for i := range s.MatchArgs {
		targets, err := s.MatchArgs[i].Targets(h.args)
		if err != nil || s.MatchArgs[i].Operator == OpCelExpr {
			continue
		}
		for _, target := range targets {
			if t := h.args[target].Type; t.isUserMemory() && h.args[target].Resolve == "" {
				v.warnf(ItemPath(path+".matchArgs", i),
					"filter on a kernel object: an fd or file argument, or a hook such as security_file_open",
					"enforcement can be evaded: the caller can change the %s in its memory after it was checked", t)
			}
		}
	}
}

// warnActionsBeforeReturn reports actions that a filter on the return value
// does not hold back: they are carried out when the call begins.
func (v *validator) warnActionsBeforeReturn(path string, s *Selector) {
	for i := range s.MatchActions {
		if a := s.MatchActions[i].Action; IsEnforcing(a) || IsFdFollowing(a) {
			v.warnf(path, "", "%s of this selector acts when the call begins, whatever the call returns: "+
				"matchReturnArgs decides only about the event", a)
			return
		}
	}
}
