// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Type is the type of a value.
type Type uint8

// The types. Integers have 64 bits.
const (
	Bool Type = iota + 1
	Int
	Uint
)

// String returns the name of the type in CEL.
func (t Type) String() string {
	switch t {
	case Bool:
		return "bool"
	case Int:
		return "int"
	}
	return "uint"
}

// Op says what an expression does with its operands.
type Op uint8

// The operations. Comparisons that are not here are made of these.
const (
	Const Op = iota + 1 // Value
	Arg                 // the argument Value
	Neg                 // of an Int
	Add                 // Add to Mod: both operands and the result have one type
	Sub
	Mul
	Div
	Mod
	BitNot
	BitAnd
	BitOr
	BitXor
	Truncate // to Width bits, extended as Type says
	Convert  // to Type; an error where it has no such value
	Equal    // of two integers, of any types
	Less
	Not
	And
	Or
	If // the first operand decides between the others
)

// names are what [Expr.String] calls the operations.
var names = map[Op]string{
	Neg: "neg", Add: "add", Sub: "sub", Mul: "mul", Div: "div", Mod: "mod", BitNot: "bitnot", BitAnd: "bitand", BitOr: "bitor",
	BitXor: "bitxor", Truncate: "truncate", Convert: "convert", Equal: "equal", Less: "less", Not: "not", And: "and", Or: "or", If: "if",
}

// Expr is an expression.
type Expr struct {
	Op       Op
	Type     Type // of the value
	Operands []*Expr
	// Value is the value of a Const, a bool as 0 or 1, and the number of an
	// Arg.
	Value uint64
	Width uint8 // of Truncate, in bits: 32 or 64
}

// All returns the expression that is true where all expressions are, of which
// there is at least one.
func All(expressions []*Expr) *Expr { return fold(And, expressions) }

// Any returns the expression that is true where any expression is; there is
// at least one.
func Any(expressions []*Expr) *Expr { return fold(Or, expressions) }

// fold combines expressions as a balanced tree.
func fold(op Op, all []*Expr) *Expr {
	if len(all) == 1 {
		return all[0]
	}
	half := len(all) / 2
	return &Expr{Op: op, Type: Bool, Operands: []*Expr{fold(op, all[:half]), fold(op, all[half:])}}
}

// Renumber returns the expression with other numbers for its arguments.
func (e *Expr) Renumber(number func(uint64) uint64) *Expr {
	out := *e
	if e.Op == Arg {
		out.Value = number(e.Value)
	}
	out.Operands = make([]*Expr, len(e.Operands))
	for i, operand := range e.Operands {
		out.Operands[i] = operand.Renumber(number)
	}
	return &out
}

// Args returns the numbers of the arguments that the expression looks at,
// sorted and each once.
func (e *Expr) Args() []uint64 {
	var all []uint64
	e.visit(func(x *Expr) {
		if x.Op == Arg {
			all = append(all, x.Value)
		}
	})
	slices.Sort(all)
	return slices.Compact(all)
}

func (e *Expr) visit(f func(*Expr)) {
	f(e)
	for _, operand := range e.Operands {
		operand.visit(f)
	}
}

// String returns a text that is the same for equal expressions only.
func (e *Expr) String() string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

func (e *Expr) write(b *strings.Builder) {
	switch e.Op {
	case Const:
		b.WriteString(e.Type.String() + ":" + strconv.FormatUint(e.Value, 10))
		return
	case Arg:
		fmt.Fprintf(b, "%s:arg%d", e.Type, e.Value)
		return
	}
	b.WriteString(names[e.Op])
	switch e.Op {
	case Truncate, Convert:
		fmt.Fprintf(b, ":%s%d", e.Type, e.Width)
	}
	b.WriteByte('(')
	for i, operand := range e.Operands {
		if i > 0 {
			b.WriteByte(' ')
		}
		operand.write(b)
	}
	b.WriteByte(')')
}
