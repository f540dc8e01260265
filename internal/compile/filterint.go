// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"math"
	"slices"

	"github.com/vedette-io/vedette/internal/policy"
)

// intOperators are the operators on integers.
var intOperators = []policy.Operator{
	policy.OpEqual, policy.OpNotEqual, policy.OpGT, policy.OpLT, policy.OpMask,
	policy.OpInRange, policy.OpNotInRange, policy.OpInMap, policy.OpNotInMap,
}

// schemaType returns a type of the policy language for a type of integers.
func schemaType(t SlotType) policy.ArgType {
	switch t {
	case TypeS8:
		return policy.TypeInt8
	case TypeU8:
		return policy.TypeUint8
	case TypeS16:
		return policy.TypeInt16
	case TypeU16:
		return policy.TypeUint16
	case TypeS32:
		return policy.TypeInt32
	case TypeU32:
		return policy.TypeUint32
	case TypeS64:
		return policy.TypeInt64
	case TypeCapability:
		return policy.TypeCapability
	case TypeBPFCmd:
		return policy.TypeBpfCmd
	}
	return policy.TypeUint64
}

// intFilter understands a filter on an integer. The condition comes with
// source and index.
func (f *frontend) intFilter(c condition, t SlotType, declared policy.ArgType, a *policy.ArgFilter, path string) []condition {
	if !slices.Contains(intOperators, a.Operator) {
		f.wrongOperator(a.Operator, declared, path)
		return nil
	}
	if a.Operator == policy.OpMask {
		c.kind = DimMask
		for i, v := range a.Values {
			mask, err := policy.ParseMask(v, declared)
			if err != nil {
				f.errorf(policy.ItemPath(path+".values", i), "%v", err)
			}
			// Any of several masks is the union of their bits.
			c.mask |= mask
		}
		return []condition{c}
	}
	c.kind, c.signed = DimInterval, t.IsSigned()
	var spans []span
	for i, v := range a.Values {
		spans = append(spans, f.intSpans(v, a.Operator, t, declared, policy.ItemPath(path+".values", i))...)
	}
	c.keys = keysOf(spans, a.Operator.IsNegated())
	return []condition{c}
}

// intSpans returns the keys that satisfy the operator, or its positive form,
// with one value.
func (f *frontend) intSpans(value string, op policy.Operator, t SlotType, declared policy.ArgType, path string) []span {
	if name, ok := policy.ListReference(value); ok && (op == policy.OpInMap || op == policy.OpNotInMap) {
		return f.listSpans(name, t, path)
	}
	low, high, err := parseSpan(value, op, declared)
	if err != nil {
		f.errorf(path, "%v", err)
		return nil
	}
	if t.IsSigned() {
		low, high = low^signBit, high^signBit
	}
	switch {
	case op == policy.OpGT && low == math.MaxUint64, op == policy.OpLT && low == 0:
		return nil
	case op == policy.OpGT:
		return []span{{low + 1, math.MaxUint64}}
	case op == policy.OpLT:
		return []span{{0, low - 1}}
	}
	return []span{{low, high}}
}

// parseSpan parses a value in the form that the operator takes.
func parseSpan(value string, op policy.Operator, t policy.ArgType) (low, high uint64, err error) {
	switch op {
	case policy.OpInMap, policy.OpNotInMap:
		return policy.ParseIntOrRange(value, t)
	case policy.OpInRange, policy.OpNotInRange:
		return policy.ParseRange(value, t)
	}
	low, err = policy.ParseInt(value, t)
	return low, low, err
}

// listSpans returns the numbers of the system calls of a list.
func (f *frontend) listSpans(name string, t SlotType, path string) []span {
	list := f.policy.Spec.List(name)
	switch {
	case list == nil:
		f.errorf(path, "there is no list %s in spec.lists", quote(name))
		return nil
	case t != TypeSyscall64:
		f.errorf(path, "a list of system calls needs an argument of type syscall64")
		return nil
	case !list.IsSyscalls():
		f.errorf(path, "the list %s is not one of system calls: its type must be syscalls or generated_syscalls", quote(name))
		return nil
	}
	var spans []span
	for _, number := range f.syscallNumbers(list, path) {
		spans = append(spans, span{number, number})
	}
	return spans
}
