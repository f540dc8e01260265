// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"
	"strings"

	"github.com/vedette-io/vedette/internal/policy"
)

// textForm says how much of a string a value must be equal to.
type textForm int

const (
	formExact textForm = iota
	formPrefix
	formPostfix
)

// textOperators are the operators on strings.
var textOperators = map[policy.Operator]struct {
	form    textForm
	negated bool
}{
	policy.OpIn:         {formExact, false},
	policy.OpNotIn:      {formExact, true},
	policy.OpEqual:      {formExact, false},
	policy.OpNotEqual:   {formExact, true},
	policy.OpPrefix:     {formPrefix, false},
	policy.OpNotPrefix:  {formPrefix, true},
	policy.OpPostfix:    {formPostfix, false},
	policy.OpNotPostfix: {formPostfix, true},
}

// literal returns the literal of a value; see [trie].
func (f *frontend) literal(value string, form textForm, limit int, path string) (string, bool) {
	value = strings.TrimRight(value, "\x00")
	if form == formPostfix {
		limit = MaxPostfix
	}
	switch {
	case strings.Contains(value, "\x00"):
		f.errorf(path, "a value cannot have a NUL byte inside, strings end there")
		return "", false
	case len(value) > limit:
		f.errorf(path, "a value of %d bytes is too long, at most %d are compared here", len(value), limit)
		return "", false
	case form == formExact:
		return value + end, true
	case form == formPostfix:
		return reversed(value), true
	}
	return value, true
}

// argFilter understands one entry of matchArgs.
func (f *frontend) argFilter(e *entry, hook *hookContext, a *policy.ArgFilter, path string) []condition {
	if a.Operator == policy.OpCelExpr {
		return f.expressionFilter(e, hook, a, path)
	}
	if a.Operator == policy.OpCapabilitiesGained {
		return f.gainedFilter(e, hook, a, path)
	}
	position, ok := f.argPosition(hook, a, path)
	if !ok {
		return nil
	}
	return f.valueFilter(e, hook, position, a, path)
}

// dataFilter understands one entry of matchData, whose index is a position.
func (f *frontend) dataFilter(e *entry, hook *hookContext, a *policy.ArgFilter, path string) []condition {
	index := a.Index
	switch {
	case len(a.Args) > 1:
		f.errorf(path+".args", "operator %s compares one of the data; CapabilitiesGained compares two args", a.Operator)
		return nil
	case len(a.Args) == 1:
		index = a.Args[0]
	}
	if count := len(hook.declared) - hook.numArgs; int64(index) >= int64(count) {
		f.errorf(path+".index", "there are only %d data, position %d is not one of them", count, index)
		return nil
	}
	return f.valueFilter(e, hook, uint8(hook.numArgs)+uint8(index), a, path)
}

// valueFilter understands a filter on one of the args and data.
func (f *frontend) valueFilter(e *entry, hook *hookContext, position uint8, a *policy.ArgFilter, path string) []condition {
	if int(position) >= len(e.args) {
		return nil
	}
	slot, declared := &e.args[position], hook.declared[position].Type
	switch {
	case hook.unknown[position]:
		f.checkUnknown(hook, a, path)
		return nil
	case slot.ReturnCopy:
		f.errorf(path, "the argument is copied when the call returns, after its filters are looked at")
		return nil
	case a.Operator == policy.OpFileType || a.Operator == policy.OpNotFileType:
		return f.fileTypeFilter(slot, position, a, path)
	case slot.Type.isNet(), slot.Type == TypeSockaddrUn && a.Operator == policy.OpFamily:
		return f.netFilter(condition{index: position}, slot.Type, a, path)
	case slot.Type.IsString():
		return f.textFilter(slot, position, a, path)
	case slot.Type.IsInteger():
		if declared == policy.TypeAuto || declared == "" || slotTypes[declared] != slot.Type {
			declared = schemaType(slot.Type)
		}
		c := condition{source: SourceArg, index: position}
		return f.intFilter(c, slot.Type, declared, a, path)
	}
	return f.objectFilter(e, hook, position, a, path)
}

// argPosition returns which of the entry's args a filter is about.
func (f *frontend) argPosition(hook *hookContext, a *policy.ArgFilter, path string) (uint8, bool) {
	if len(a.Args) > 0 {
		if len(a.Args) > 1 {
			f.errorf(path+".args", "operator %s compares one argument, only CapabilitiesGained compares two", a.Operator)
			return 0, false
		}
		if int64(a.Args[0]) >= int64(hook.numArgs) {
			f.errorf(path+".args", "there are only %d args, position %d is not one of them", hook.numArgs, a.Args[0])
			return 0, false
		}
		return uint8(a.Args[0]), true
	}
	position := slices.IndexFunc(hook.declared[:hook.numArgs], func(d policy.Arg) bool { return d.Index == a.Index })
	if position < 0 {
		f.errorf(path+".index", "no arg with index %d is declared", a.Index)
		return 0, false
	}
	return uint8(position), true
}

// checkUnknown checks as much of a filter on an argument of unknown type as
// can be said.
func (f *frontend) checkUnknown(hook *hookContext, a *policy.ArgFilter, path string) {
	if _, text := textOperators[a.Operator]; !text && !slices.Contains(intOperators, a.Operator) && hook.kind == HookTracepoint {
		f.errorf(path+".operator", "operator %s cannot be used with the field of a tracepoint", a.Operator)
	}
	if !slices.Contains(intOperators, a.Operator) {
		return
	}
	for i, v := range a.Values {
		_, _, signed := policy.ParseIntOrRange(v, policy.TypeInt64)
		_, _, unsigned := policy.ParseIntOrRange(v, policy.TypeUint64)
		if _, list := policy.ListReference(v); signed != nil && unsigned != nil && !list {
			f.errorf(policy.ItemPath(path+".values", i), "%v", signed)
		}
	}
}

// textFilter understands a filter on a string.
func (f *frontend) textFilter(slot *Slot, position uint8, a *policy.ArgFilter, path string) []condition {
	if a.Operator == policy.OpSubString || a.Operator == policy.OpSubStringIgnCase {
		return f.substringFilter(slot, position, a, path)
	}
	how, ok := textOperators[a.Operator]
	if !ok || a.Operator == policy.OpIn || a.Operator == policy.OpNotIn {
		f.wrongOperator(a.Operator, policy.TypeString, path)
		return nil
	}
	c := condition{kind: DimString, source: SourceArg, index: position, negated: how.negated}
	if how.form == formPostfix {
		c.kind = DimPostfix
	}
	for i, v := range a.Values {
		if l, ok := f.literal(v, how.form, min(int(slot.Max), MaxString), policy.ItemPath(path+".values", i)); ok {
			c.literals = append(c.literals, l)
		}
	}
	return []condition{c}
}

// returnFilter understands one entry of matchReturnArgs.
func (f *frontend) returnFilter(e *entry, a *policy.ArgFilter, path string) []condition {
	switch {
	case !e.group.HasReturn:
		f.errorf(path, "a filter on the return value needs return: true")
		return nil
	case a.Index != 0 || len(a.Args) > 1 || len(a.Args) == 1 && a.Args[0] != 0:
		f.errorf(path, "a call has one return value, its index is 0")
		return nil
	case a.Operator == policy.OpCelExpr:
		f.errorf(path+".operator", "expressions are about arguments: use Equal, GT, InRange or Mask for the return value")
		return nil
	case e.ret != nil:
		f.errorf(path, "a return value that is no integer cannot be filtered")
		return nil
	case e.group.ReturnType == TypeNone:
		return nil
	}
	if t := e.group.ReturnType; t.isNet() {
		return f.netFilter(condition{ofReturn: true}, t, a, path)
	}
	c := condition{source: SourceReturn, ofReturn: true, index: uint8(e.group.ReturnType)}
	return f.intFilter(c, e.group.ReturnType, schemaType(e.group.ReturnType), a, path)
}
