// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
)

// operatorTypes says which types an operator can be used with, and what its
// values are. A nil check means that there are no values to check one by one.
type operatorRule struct {
	types func(ArgType) bool
	check func(value string, t ArgType) error
}

// operatorRules is the table of the operators of matchArgs.
var operatorRules = map[Operator]operatorRule{
	OpEqual:              {isComparable, checkComparable},
	OpNotEqual:           {isComparable, checkComparable},
	OpGT:                 {isNumber, checkInteger},
	OpLT:                 {isNumber, checkInteger},
	OpMask:               {isNumber, checkMask},
	OpInMap:              {ArgType.IsInteger, checkIntegerOrRange},
	OpNotInMap:           {ArgType.IsInteger, checkIntegerOrRange},
	OpInRange:            {isNumber, checkRange},
	OpNotInRange:         {isNumber, checkRange},
	OpPrefix:             {ArgType.IsString, checkString},
	OpNotPrefix:          {ArgType.IsString, checkString},
	OpPostfix:            {ArgType.IsString, checkString},
	OpNotPostfix:         {ArgType.IsString, checkString},
	OpSubString:          {ArgType.IsString, checkString},
	OpSubStringIgnCase:   {ArgType.IsString, checkString},
	OpSAddr:              {hasAddress, checkAddress},
	OpNotSAddr:           {hasAddress, checkAddress},
	OpSPort:              {hasAddress, checkPort},
	OpNotSPort:           {hasAddress, checkPort},
	OpSPortPriv:          {hasAddress, nil},
	OpNotSPortPriv:       {hasAddress, nil},
	OpDAddr:              {hasAddress, checkAddress},
	OpNotDAddr:           {hasAddress, checkAddress},
	OpDPort:              {hasAddress, checkPort},
	OpNotDPort:           {hasAddress, checkPort},
	OpDPortPriv:          {hasAddress, nil},
	OpNotDPortPriv:       {hasAddress, nil},
	OpProtocol:           {hasConnection, named(ParseProtocol)},
	OpFamily:             {hasFamily, named(ParseFamily)},
	OpState:              {isSocket, named(ParseSocketState)},
	OpCapabilitiesGained: {ArgType.IsCapabilitySet, nil},
	OpFileType:           {hasFileType, named(ParseFileType)},
	OpNotFileType:        {hasFileType, named(ParseFileType)},
	OpCelExpr:            {func(ArgType) bool { return true }, nil},
}

// isNumber reports whether a type is an integer with an order. Numbers of
// system calls are identifiers: they are in a map or not.
func isNumber(t ArgType) bool { return t.IsInteger() && t != TypeSyscall64 }

func isComparable(t ArgType) bool { return t.IsInteger() || t.IsString() || t.IsCapabilitySet() }

func isSocket(t ArgType) bool { return t == TypeSock || t == TypeSocket }

func hasConnection(t ArgType) bool { return isSocket(t) || t == TypeSkb }

func hasAddress(t ArgType) bool { return hasConnection(t) || t == TypeSockaddr }

func hasFamily(t ArgType) bool { return hasAddress(t) || t == TypeSockaddrUn }

func hasFileType(t ArgType) bool { return t.IsPath() }

// CheckOperator returns an error where the operator cannot be used with
// arguments of the type. A filter on an argument of type auto is judged again
// once its type is known.
func CheckOperator(op Operator, t ArgType) error {
	rule, ok := operatorRules[op]
	switch {
	case !ok:
		return valueError{"unknown operator " + quote(op), oneOf(string(op), argOperators)}
	case t == TypeAuto || rule.types(t):
		return nil
	}
	var fitting []ArgType
	for _, other := range argTypes {
		if rule.types(other) {
			fitting = append(fitting, other)
		}
	}
	return valueError{fmt.Sprintf("operator %s cannot be used with type %s", op, t), fmt.Sprintf("it is for %s", join(fitting))}
}

// CheckValue returns an error where the value cannot be compared with an
// argument of the type by the operator.
func CheckValue(op Operator, t ArgType, value string) error {
	rule := operatorRules[op]
	if rule.check == nil || t == TypeAuto {
		return nil
	}
	if _, isList := ListReference(value); isList && (op == OpInMap || op == OpNotInMap) {
		if t != TypeSyscall64 {
			return fmt.Errorf("%s can be used with type syscall64 only, not with %s", quote(value), t)
		}
		return nil
	}
	return rule.check(value, t)
}

func join[T ~string](words []T) string {
	text := ""
	for i, w := range words {
		if i > 0 {
			text += ", "
		}
		text += string(w)
	}
	return text
}

func checkInteger(value string, t ArgType) error {
	_, err := ParseInt(value, t)
	return err
}

func checkMask(value string, t ArgType) error {
	_, err := ParseMask(value, t)
	return err
}

func checkRange(value string, t ArgType) error {
	_, _, err := ParseRange(value, t)
	return err
}

func checkIntegerOrRange(value string, t ArgType) error {
	_, _, err := ParseIntOrRange(value, t)
	return err
}

func checkAddress(value string, _ ArgType) error {
	_, err := ParseAddress(value)
	return err
}

func checkPort(value string, _ ArgType) error {
	_, _, err := ParsePortRange(value)
	return err
}

// named makes a check of a function that parses a value of an enumeration.
func named[T any](parse func(string) (T, error)) func(string, ArgType) error {
	return func(value string, _ ArgType) error {
		_, err := parse(value)
		return err
	}
}

func checkString(value string, _ ArgType) error {
	if len(value) > MaxValueLength {
		return fmt.Errorf("value of %d bytes can never match, the limit is %d", len(value), MaxValueLength)
	}
	return nil
}

func checkComparable(value string, t ArgType) error {
	switch {
	case t.IsInteger():
		return checkInteger(value, t)
	case t.IsCapabilitySet():
		_, err := ParseCapabilitySet(value)
		return err
	}
	return checkString(value, t)
}

// Targets returns the positions in args (or data) of the arguments that the
// filter is about: those of its field args where given, or else the argument
// with its index. It fails where there is no such argument.
func (f *ArgFilter) Targets(args []Arg) ([]int, error) {
	if len(f.Args) == 0 {
		i := slices.IndexFunc(args, func(a Arg) bool { return a.Index == f.Index })
		if i < 0 {
			return nil, fmt.Errorf("there is no argument with index %d in args", f.Index)
		}
		return []int{i}, nil
	}
	targets := make([]int, len(f.Args))
	for i, position := range f.Args {
		if uint64(position) >= uint64(len(args)) {
			return nil, fmt.Errorf("position %d is out of range, args has %d elements", position, len(args))
		}
		targets[i] = int(position)
	}
	return targets, nil
}
