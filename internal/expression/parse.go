// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/parser"

	"github.com/vedette-io/vedette/internal/lru"
)

// Limits of one expression.
const (
	// MaxLength is how many bytes its text can have.
	MaxLength = 4096
	// MaxNodes is how many operations, arguments and constants it can have.
	MaxNodes = 500
	// MaxDepth is how deep they can be nested.
	MaxDepth = 60
)

// Error says what is wrong with an expression, and where in its text.
type Error struct {
	// Line counts from 1, Column, in characters, from 0.
	Line, Column int
	// Message says what is wrong.
	Message string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Types gives the type of an argument by its number, or an error that says
// why it cannot be in an expression.
type Types func(arg uint64) (Type, error)

// celParser parses CEL without macros, which are all about lists. It is made
// when the first expression is.
var celParser = sync.OnceValues(func() (*parser.Parser, error) {
	return parser.NewParser(parser.Macros(), parser.MaxRecursionDepth(MaxDepth), parser.ErrorReportingLimit(1),
		parser.ErrorRecoveryLimit(4))
})

// Parse understands an expression whose value is a bool. Every error is an
// [*Error].
func Parse(text string, types Types) (*Expr, error) {
	tree, err := parse(text)
	if err != nil {
		return nil, err
	}
	c := checker{info: tree.SourceInfo(), types: types}
	e, err := c.expr(tree.Expr())
	if err != nil {
		return nil, err
	}
	if e.Type != Bool {
		return nil, c.errorf(tree.Expr(), "the value is an %s, but an expression has to be true or false: compare it with something", e.Type)
	}
	if nodes, depth := e.size(); nodes > MaxNodes || depth > MaxDepth {
		return nil, c.errorf(tree.Expr(), "%d operations, %d deep, are too many: the limits are %d and %d", nodes, depth, MaxNodes, MaxDepth)
	}
	return e, nil
}

// CheckSyntax checks an expression on arguments of unknown types. Every error
// is an [*Error].
func CheckSyntax(text string) error {
	_, err := parse(text)
	return err
}

// maxTrees is how many expressions' trees are remembered. All policies are
// compiled again when one changes, and parsing is most of what that takes where
// they have expressions.
const maxTrees = 1024

// trees are those of the expressions that were parsed last. Nothing writes to
// a tree.
var trees = struct {
	sync.Mutex
	of *lru.Cache[string, *ast.AST]
}{of: lru.New[string, *ast.AST](maxTrees)}

func parse(text string) (*ast.AST, error) {
	if len(text) > MaxLength {
		return nil, &Error{Line: 1, Message: fmt.Sprintf("an expression of %d bytes is too long, the limit is %d", len(text), MaxLength)}
	}
	trees.Lock()
	defer trees.Unlock()
	if tree, ok := trees.of.Get(text); ok {
		return tree, nil
	}
	tree, err := parseAnew(text)
	if err == nil {
		trees.of.Put(text, tree)
	}
	return tree, err
}

func parseAnew(text string) (*ast.AST, error) {
	p, err := celParser()
	if err != nil {
		return nil, &Error{Line: 1, Message: err.Error()}
	}
	tree, errs := p.Parse(common.NewTextSource(text))
	if errs == nil || len(errs.GetErrors()) == 0 {
		return tree, nil
	}
	first := errs.GetErrors()[0]
	out := &Error{Line: 1, Message: strings.TrimPrefix(first.Message, "Syntax error: ")}
	if at := first.Location; at != nil && at.Line() > 0 {
		out.Line, out.Column = at.Line(), max(at.Column(), 0)
	}
	return nil, out
}

// size returns how many nodes the expression has and how deep they are.
func (e *Expr) size() (nodes, depth int) {
	nodes = 1
	for _, operand := range e.Operands {
		n, d := operand.size()
		nodes, depth = nodes+n, max(depth, d)
	}
	return nodes, depth + 1
}
