// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/vedette-io/vedette/api/tetragon"
)

// maxExpressionCost bounds the evaluation of one expression for one event, in the cost units of CEL.
// Clients choose the expressions, and all of them are evaluated by the reader of events.
const maxExpressionCost = 100_000

// members are the events of the message by name: the variables of expressions.
var members = func() protoreflect.FieldDescriptors {
	message := (&tetragon.GetEventsResponse{}).ProtoReflect().Descriptor()
	return message.Oneofs().ByName("event").Fields()
}()

// environment declares a variable for every type of event. It is made when the first expression is.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.Container(string(members.Get(0).Message().ParentFile().Package())),
		cel.Types(&tetragon.GetEventsResponse{}),
		ext.Network(),
	}
	for i := range members.Len() {
		member := members.Get(i)
		options = append(options, cel.Variable(string(member.Name()), cel.ObjectType(string(member.Message().FullName()))))
	}
	return cel.NewEnv(options...)
})

// expression is a compiled CEL expression with the variables that it mentions.
type expression struct {
	program   cel.Program
	variables []string
}

func (c *compiler) expressions(f *tetragon.Filter) error {
	if len(f.CelExpression) == 0 {
		return nil
	}
	compiled := make([]expression, len(f.CelExpression))
	for i, text := range f.CelExpression {
		var err error
		if compiled[i], err = newExpression(text); err != nil {
			return fmt.Errorf("cel_expression[%d]: %q: %w", i, text, err)
		}
	}
	c.add(func(s *Subject) bool {
		name, message := member(s.Message())
		return slices.ContainsFunc(compiled, func(e expression) bool { return e.match(name, message) })
	})
	return nil
}

func newExpression(text string) (expression, error) {
	if len(text) > maxLength {
		return expression{}, fmt.Errorf("%d bytes: at most %d are possible", len(text), maxLength)
	}
	env, err := environment()
	if err != nil {
		return expression{}, fmt.Errorf("prepare expressions: %w", err)
	}
	checked, issues := env.Compile(text)
	if err := issues.Err(); err != nil {
		return expression{}, errors.New(strings.TrimPrefix(err.Error(), "ERROR: "))
	}
	if !checked.OutputType().IsExactType(cel.BoolType) {
		return expression{}, fmt.Errorf("its value is of type %v, not bool", checked.OutputType())
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxExpressionCost))
	if err != nil {
		return expression{}, err
	}
	return expression{program, variablesOf(checked)}, nil
}

func variablesOf(checked *cel.Ast) []string {
	names := make(map[string]struct{})
	for _, reference := range checked.NativeRep().ReferenceMap() {
		if members.ByName(protoreflect.Name(reference.Name)) != nil {
			names[reference.Name] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// match evaluates the expression for an event whose variable it mentions. An evaluation that fails, for
// example because it needs the fields of another type of event, is no match.
func (e expression) match(name string, message proto.Message) bool {
	if !slices.Contains(e.variables, name) {
		return false
	}
	value, _, err := e.program.Eval(map[string]any{name: message})
	return err == nil && value.Value() == true
}

// member returns the event in a message and its name.
func member(m *tetragon.GetEventsResponse) (string, proto.Message) {
	field := m.ProtoReflect().WhichOneof(members.Get(0).ContainingOneof())
	if field == nil {
		return "", nil
	}
	return string(field.Name()), m.ProtoReflect().Get(field).Message().Interface()
}
