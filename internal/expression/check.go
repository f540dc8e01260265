// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// checker makes a typed expression of what was parsed.
type checker struct {
	info  *ast.SourceInfo
	types Types
	nodes int
}

// errorf returns an error at the place of an expression.
func (c *checker) errorf(at ast.Expr, format string, args ...any) error {
	out := &Error{Line: 1, Message: fmt.Sprintf(format, args...)}
	if start := c.info.GetStartLocation(at.ID()); start.Line() > 0 {
		out.Line, out.Column = start.Line(), max(start.Column(), 0)
	}
	return out
}

func (c *checker) expr(in ast.Expr) (*Expr, error) {
	// Equal bools take one operand twice, so that the size is looked at
	// again behind.
	if c.nodes++; c.nodes > MaxNodes {
		return nil, c.errorf(in, "more than %d operations are too many", MaxNodes)
	}
	switch in.Kind() {
	case ast.LiteralKind:
		return c.literal(in)
	case ast.IdentKind:
		return c.argument(in)
	case ast.CallKind:
		return c.call(in)
	}
	return nil, c.errorf(in, "only arguments, numbers, operators and functions of integers can be used here")
}

func (c *checker) literal(in ast.Expr) (*Expr, error) {
	switch v := in.AsLiteral().(type) {
	case types.Bool:
		return &Expr{Op: Const, Type: Bool, Value: truth(bool(v))}, nil
	case types.Int:
		return &Expr{Op: Const, Type: Int, Value: uint64(v)}, nil
	case types.Uint:
		return &Expr{Op: Const, Type: Uint, Value: uint64(v)}, nil
	case types.String:
		return nil, c.errorf(in, "text cannot be compared in an expression: use Equal, Prefix, Postfix or SubString in a filter of its own")
	}
	return nil, c.errorf(in, "%v is neither an integer nor true or false", in.AsLiteral().Type().TypeName())
}

// argument understands arg0, arg1, ….
func (c *checker) argument(in ast.Expr) (*Expr, error) {
	digits, ok := strings.CutPrefix(in.AsIdent(), "arg")
	number, err := strconv.ParseUint(digits, 10, 16)
	if !ok || err != nil || strconv.FormatUint(number, 10) != digits {
		return nil, c.errorf(in, "%q is unknown here: there are arg0, arg1 and so on, by their position in args", in.AsIdent())
	}
	t, err := c.types(number)
	if err != nil {
		return nil, c.errorf(in, "%v", err)
	}
	return &Expr{Op: Arg, Type: t, Value: number}, nil
}

// binary are the operators and functions of two integers of one type.
var binary = map[string]Op{
	operators.Add: Add, operators.Subtract: Sub, operators.Multiply: Mul, operators.Divide: Div, operators.Modulo: Mod,
	"and": BitAnd, "or": BitOr, "xor": BitXor,
}

// comparisons are made of Equal and Less, with their operands swapped or the
// result negated.
var comparisons = map[string]struct {
	op               Op
	swapped, negated bool
}{
	operators.Equals:        {op: Equal},
	operators.NotEquals:     {op: Equal, negated: true},
	operators.Less:          {op: Less},
	operators.Greater:       {op: Less, swapped: true},
	operators.LessEquals:    {op: Less, swapped: true, negated: true},
	operators.GreaterEquals: {op: Less, negated: true},
}

// conversions are the functions that convert integers; width 0 are those of
// CEL, which fail where the other type has no such value.
var conversions = map[string]struct {
	to    Type
	width uint8
}{
	"int32": {Int, 32}, "uint32": {Uint, 32}, "int64": {Int, 64}, "uint64": {Uint, 64}, "int": {Int, 0}, "uint": {Uint, 0},
}

// functions are what an error offers.
const functions = "and, or, xor, not, int, uint, int32, uint32, int64 and uint64"

func (c *checker) call(in ast.Expr) (*Expr, error) {
	call := in.AsCall()
	name, from := call.FunctionName(), call.Args()
	if call.IsMemberFunction() {
		// a.and(b) is and(a, b).
		from = append([]ast.Expr{call.Target()}, from...)
	}
	if name == operators.In {
		return c.in(in, from)
	}
	count, known := arity(name)
	switch {
	case !known:
		return nil, c.errorf(in, "there is no function %q: there are %s", name, functions)
	case len(from) != count:
		return nil, c.errorf(in, "function %q takes %d operands, not %d", name, count, len(from))
	}
	operands := make([]*Expr, count)
	for i := range from {
		var err error
		if operands[i], err = c.expr(from[i]); err != nil {
			return nil, err
		}
	}
	return c.apply(in, name, operands)
}

// arity returns how many operands a function or operator takes.
func arity(name string) (int, bool) {
	if _, ok := conversions[name]; ok {
		return 1, true
	}
	switch name {
	case operators.LogicalNot, operators.Negate, "not":
		return 1, true
	case operators.LogicalAnd, operators.LogicalOr:
		return 2, true
	case operators.Conditional:
		return 3, true
	}
	_, isBinary := binary[name]
	_, isComparison := comparisons[name]
	return 2, isBinary || isComparison
}

func (c *checker) apply(in ast.Expr, name string, operands []*Expr) (*Expr, error) {
	if conversion, ok := conversions[name]; ok {
		return c.convert(in, conversion.to, conversion.width, operands[0])
	}
	if how, ok := comparisons[name]; ok {
		return c.compare(in, how.op, how.swapped, how.negated, operands[0], operands[1])
	}
	if op, ok := binary[name]; ok {
		return c.binary(in, op, operands[0], operands[1])
	}
	switch name {
	case operators.LogicalNot:
		return c.logical(in, Not, operands)
	case operators.LogicalAnd:
		return c.logical(in, And, operands)
	case operators.LogicalOr:
		return c.logical(in, Or, operands)
	case operators.Conditional:
		return c.conditional(in, operands)
	case operators.Negate:
		if operands[0].Type != Int {
			return nil, c.errorf(in, "- needs an int, not a %s", operands[0].Type)
		}
		return &Expr{Op: Neg, Type: Int, Operands: operands}, nil
	}
	if operands[0].Type == Bool {
		return nil, c.errorf(in, "not() is about the bits of an integer: use ! for a bool")
	}
	return &Expr{Op: BitNot, Type: operands[0].Type, Operands: operands}, nil
}

func (c *checker) convert(in ast.Expr, to Type, width uint8, operand *Expr) (*Expr, error) {
	if operand.Type == Bool {
		return nil, c.errorf(in, "a bool cannot be converted to an integer")
	}
	op := Truncate
	if width == 0 {
		op = Convert
	}
	return &Expr{Op: op, Type: to, Width: width, Operands: []*Expr{operand}}, nil
}

func (c *checker) compare(in ast.Expr, op Op, swapped, negated bool, a, b *Expr) (*Expr, error) {
	var out *Expr
	switch {
	case (a.Type == Bool) != (b.Type == Bool):
		return nil, c.errorf(in, "%s and %s cannot be compared", withArticle(a.Type), withArticle(b.Type))
	case a.Type == Bool && op == Less:
		return nil, c.errorf(in, "bools have no order")
	case a.Type == Bool:
		out = &Expr{Op: If, Type: Bool, Operands: []*Expr{a, b, negation(b)}}
	case swapped:
		out = &Expr{Op: op, Type: Bool, Operands: []*Expr{b, a}}
	default:
		out = &Expr{Op: op, Type: Bool, Operands: []*Expr{a, b}}
	}
	if negated {
		out = negation(out)
	}
	return out, nil
}

func negation(e *Expr) *Expr { return &Expr{Op: Not, Type: Bool, Operands: []*Expr{e}} }

func withArticle(t Type) string {
	if t == Int {
		return "an int"
	}
	return "a " + t.String()
}

func (c *checker) binary(in ast.Expr, op Op, a, b *Expr) (*Expr, error) {
	adapt(a, b.Type)
	adapt(b, a.Type)
	if a.Type == Bool || a.Type != b.Type {
		return nil, c.errorf(in, "%s and %s cannot be computed with each other: convert one, with int64() or uint64()",
			withArticle(a.Type), withArticle(b.Type))
	}
	return &Expr{Op: op, Type: a.Type, Operands: []*Expr{a, b}}, nil
}

// adapt makes a literal that is not negative unsigned where the other operand
// is: CEL wants 1u there.
func adapt(e *Expr, to Type) {
	if e.Op == Const && e.Type == Int && to == Uint && e.Value <= math.MaxInt64 {
		e.Type = Uint
	}
}

func (c *checker) logical(in ast.Expr, op Op, operands []*Expr) (*Expr, error) {
	for _, o := range operands {
		if o.Type != Bool {
			return nil, c.errorf(in, "%s combine bools, not %s: compare it with something", "!, && and ||", withArticle(o.Type))
		}
	}
	return &Expr{Op: op, Type: Bool, Operands: operands}, nil
}

func (c *checker) conditional(in ast.Expr, operands []*Expr) (*Expr, error) {
	adapt(operands[1], operands[2].Type)
	adapt(operands[2], operands[1].Type)
	switch {
	case operands[0].Type != Bool:
		return nil, c.errorf(in, "what stands before ? has to be a bool, not %s", withArticle(operands[0].Type))
	case operands[1].Type != operands[2].Type:
		return nil, c.errorf(in, "what stands beside : has to be of one type, not %s and %s", withArticle(operands[1].Type), withArticle(operands[2].Type))
	}
	return &Expr{Op: If, Type: operands[1].Type, Operands: operands}, nil
}

// in understands x in [a, b]: x == a || x == b.
func (c *checker) in(in ast.Expr, from []ast.Expr) (*Expr, error) {
	if len(from) != 2 || from[1].Kind() != ast.ListKind {
		return nil, c.errorf(in, "in needs a list, such as [1, 2]")
	}
	list := from[1].AsList().Elements()
	if len(list) == 0 {
		return &Expr{Op: Const, Type: Bool}, nil
	}
	all := make([]*Expr, len(list))
	for i := range list {
		a, err := c.expr(from[0])
		if err != nil {
			return nil, err
		}
		b, err := c.expr(list[i])
		if err != nil {
			return nil, err
		}
		if all[i], err = c.compare(in, Equal, false, false, a, b); err != nil {
			return nil, err
		}
	}
	return Any(all), nil
}
