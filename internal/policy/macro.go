// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"reflect"
	"slices"
)

// normalize brings the policy to the form that consumers see: macros
// expanded, one spelling of every operator and type, messages and tags cut to
// their limits.
func (v *validator) normalize() {
	if n := len(v.spec().SelectorsMacros); n > MaxMacros {
		v.errorf("spec.selectorsMacros", "%d macros, the limit is %d", n, MaxMacros)
		v.failed.add("spec.selectorsMacros")
		v.spec().SelectorsMacros = nil
	}
	for _, h := range v.hooks() {
		for i := range *h.selectors {
			v.expandMacros(ItemPath(h.path+".selectors", i), &(*h.selectors)[i])
			canonicalOperators(&(*h.selectors)[i])
		}
		for _, args := range [][]Arg{h.args, h.data} {
			for i := range args {
				args[i].Type = canonicalType(args[i].Type)
			}
		}
		if h.returnArg != nil {
			h.returnArg.Type = canonicalType(h.returnArg.Type)
		}
		v.cutTexts(h)
	}
	v.markSyscallLists()
}

// markSyscallLists makes the hooks on lists of system calls hooks on system
// calls, whatever their field syscall says.
func (v *validator) markSyscallLists() {
	for _, probes := range [][]Kprobe{v.spec().Kprobes, v.spec().Fentries} {
		for i := range probes {
			if name, ok := ListReference(probes[i].Call); ok {
				if list := v.spec().List(name); list != nil && list.IsSyscalls() {
					probes[i].Syscall = true
				}
			}
		}
	}
}

func canonicalType(t ArgType) ArgType {
	if c, ok := argTypeAliases[t]; ok {
		return c
	}
	return t
}

func canonicalOperators(s *Selector) {
	for _, filters := range [][]ArgFilter{s.MatchArgs, s.MatchData, s.MatchReturnArgs} {
		for i := range filters {
			filters[i].Operator = filters[i].Operator.Canonical()
		}
	}
}

// maxExpanded bounds the filters and actions that macros add to the selectors
// of a policy; a short text can name a long macro very often.
const maxExpanded = 50_000

// expandMacros adds the fields of a selector's macros to it. A field comes
// from one place only.
func (v *validator) expandMacros(path string, s *Selector) {
	if n := len(s.Macros); n > MaxMacros {
		v.errorf(path+".macros", "%d macros, the limit is %d", n, MaxMacros)
		return
	}
	for i, name := range s.Macros {
		at := ItemPath(path+".macros", i)
		macro, ok := v.spec().SelectorsMacros[name]
		switch {
		case !ok && (v.report.full() || v.failed.touches("spec.selectorsMacros")):
			// It follows from another error, or cannot be reported.
		case !ok:
			known := slices.Sorted(maps.Keys(v.spec().SelectorsMacros))
			v.suggestf(at, didYouMean(name, known), "there is no macro %s in spec.selectorsMacros", quote(name))
		case slices.Contains(s.Macros[:i], name):
			v.errorf(at, "macro %s is named twice", quote(name))
		case len(macro.Macros) == 0:
			v.expandMacro(path, at, s, name, macro)
		}
	}
}

func (v *validator) expandMacro(path, at string, s *Selector, name string, macro Selector) {
	if s.Label == "" {
		s.Label = macro.Label
	}
	from, to := reflect.ValueOf(macro), reflect.ValueOf(s).Elem()
	for _, f := range fieldsOf(from.Type()) {
		source, target := from.Field(f.index), to.Field(f.index)
		if source.Kind() != reflect.Slice || source.Len() == 0 {
			continue
		}
		if target.Len() > 0 {
			v.errorf(at, "macro %s sets %s, which the selector or another macro sets already", quote(name), f.name)
			continue
		}
		if v.expanded += source.Len(); v.expanded > maxExpanded {
			v.errorf(at, "macros expand to more than %d filters and actions", maxExpanded)
			return
		}
		// A copy, because each hook normalizes its selectors in place.
		target.Set(reflect.AppendSlice(reflect.MakeSlice(target.Type(), 0, source.Len()), source))
		v.policy.positions.aliases[FieldPath(path, f.name)] = FieldPath(FieldPath("spec.selectorsMacros", name), f.name)
	}
}

// validateMacros judges the macros as such, and what of a macro no selector
// names can be judged without one.
func (v *validator) validateMacros() {
	used := make(map[string]bool)
	for _, h := range v.hooks() {
		for _, s := range *h.selectors {
			for _, name := range s.Macros {
				used[name] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.spec().SelectorsMacros)) {
		path, macro := FieldPath("spec.selectorsMacros", name), v.spec().SelectorsMacros[name]
		if len(macro.Macros) > 0 {
			v.errorf(path+".macros", "macro must not name other macros")
		}
		if !used[name] {
			v.warnf(path, "", "macro %s is not used", quote(name))
			v.validateProcessFilters(path, &macro)
		}
	}
}
