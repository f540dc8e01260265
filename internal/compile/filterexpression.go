// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"errors"
	"fmt"

	"github.com/vedette-io/vedette/internal/expression"
	"github.com/vedette-io/vedette/internal/policy"
)

// expressionFilter understands a filter with CelExpr: any of its expressions
// is true.
func (f *frontend) expressionFilter(e *entry, hook *hookContext, a *policy.ArgFilter, path string) []condition {
	if len(a.Args) > 0 {
		f.errorf(path+".args", "an expression names its arguments itself: arg0 is the first of args")
		return nil
	}
	var all []*expression.Expr
	for i, text := range a.Values {
		at := policy.ItemPath(path+".values", i)
		if len(hook.unknown) > 0 {
			f.expressionError(at, text, expression.CheckSyntax(text))
			continue
		}
		x, err := expression.Parse(text, func(n uint64) (expression.Type, error) { return operandType(e, hook, n) })
		if err != nil {
			f.expressionError(at, text, err)
			continue
		}
		all = append(all, x)
	}
	if len(all) == 0 {
		return nil
	}
	return []condition{{kind: DimExpression, source: SourceArg, expression: expression.Any(all)}}
}

// operandType returns the type of an argument in expressions.
func operandType(e *entry, hook *hookContext, n uint64) (expression.Type, error) {
	if n >= uint64(len(hook.declared)) {
		return 0, fmt.Errorf("there are only %d args, arg%d is not one of them", len(hook.declared), n)
	}
	s, declared := e.args[n], hook.declared[n].Type
	switch {
	case s.ReturnCopy:
		return 0, fmt.Errorf("arg%d is copied when the call returns, after its filters are looked at", n)
	case s.Type.IsInteger() && s.Type.IsSigned():
		return expression.Int, nil
	case s.Type.IsInteger():
		return expression.Uint, nil
	case s.Type == TypeFD:
		return 0, fmt.Errorf("arg%d is an fd, expressions are about integers: declare it as int for its number", n)
	}
	return 0, fmt.Errorf("arg%d is a %s, expressions are about integers: use another operator in a filter of its own", n, declared)
}

// expressionError reports what is wrong with an expression at its place in
// the policy's text.
func (f *frontend) expressionError(path, text string, err error) {
	var e *expression.Error
	if !errors.As(err, &e) {
		return
	}
	before := len(f.diags)
	f.errorf(path, "expression %s: %s", quote(text), e.Message)
	if len(f.diags) > before {
		d := &f.diags[len(f.diags)-1]
		d.Pos = inText(f.policy.Source, d.Pos, text, e)
	}
}

// inText returns where in the policy's text a place in a value is, or where
// the value begins if that cannot be told: a value with escapes, or folded.
func inText(source *policy.Source, value policy.Pos, text string, e *expression.Error) policy.Pos {
	lines := []rune(source.Line(value.Line))
	if value.Column < 1 || value.Column > len(lines) || e.Line != 1 {
		return value
	}
	column := value.Column
	if c := lines[column-1]; c == '"' || c == '\'' {
		column++
	}
	// The text up to the place has to stand there as it is.
	want := []rune(text)
	if e.Column > len(want) || column-1+e.Column > len(lines) {
		return value
	}
	if string(lines[column-1:column-1+e.Column]) != string(want[:e.Column]) {
		return value
	}
	value.Column = column + e.Column
	return value
}
