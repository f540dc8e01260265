// SPDX-License-Identifier: Apache-2.0

package naive

import (
	"fmt"
	"math"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/vedette-io/vedette/internal/policy"
)

// maxArgs is how many arguments expressions can name.
const maxArgs = 16

// language is CEL with the functions of the policy language. Its types are
// looked at when an expression is evaluated.
var language = sync.OnceValue(func() *cel.Env {
	options := []cel.EnvOption{cel.CrossTypeNumericComparisons(true)}
	for i := range maxArgs {
		options = append(options, cel.Variable(fmt.Sprintf("arg%d", i), cel.DynType))
	}
	for name, convert := range map[string]func(uint64) ref.Val{
		"int32":  func(n uint64) ref.Val { return types.Int(int32(n)) },
		"uint32": func(n uint64) ref.Val { return types.Uint(uint32(n)) },
		"int64":  func(n uint64) ref.Val { return types.Int(n) },
		"uint64": func(n uint64) ref.Val { return types.Uint(n) },
	} {
		options = append(options, unary(name, func(v ref.Val) ref.Val {
			n, _ := pattern(v)
			return convert(n)
		}))
	}
	options = append(options, unary("not", func(v ref.Val) ref.Val {
		n, signed := pattern(v)
		return integer(math.MaxUint64-n, signed)
	}))
	for name, combine := range map[string]func(a, b uint64) uint64{
		"and": func(a, b uint64) uint64 { return a & b },
		"or":  func(a, b uint64) uint64 { return a | b },
		"xor": func(a, b uint64) uint64 { return a ^ b },
	} {
		options = append(options, cel.Function(name, cel.Overload(name+"_dyn", []*cel.Type{cel.DynType, cel.DynType}, cel.DynType,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				x, signed := pattern(a)
				y, _ := pattern(b)
				return integer(combine(x, y), signed)
			}))))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		panic(err)
	}
	return env
})

func unary(name string, f func(ref.Val) ref.Val) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_dyn", []*cel.Type{cel.DynType}, cel.DynType, cel.UnaryBinding(f)))
}

// pattern returns the bits of an integer.
func pattern(v ref.Val) (bits uint64, signed bool) {
	switch n := v.(type) {
	case types.Int:
		return uint64(n), true
	case types.Uint:
		return uint64(n), false
	}
	panic("naive: no integer: " + v.Type().TypeName())
}

func integer(bits uint64, signed bool) ref.Val {
	if signed {
		return types.Int(bits)
	}
	return types.Uint(bits)
}

// expressions reports whether any of several expressions is true.
func (w *world) expressions(texts []string) bool {
	values := map[string]any{}
	for i, a := range w.args {
		if v := w.value(&a); a.Type.IsInteger() && !v.Failed {
			values[fmt.Sprintf("arg%d", i)] = element(a.Type, v.Register)
		}
	}
	for _, text := range texts {
		if isTrue(text, values) {
			return true
		}
	}
	return false
}

// element returns the value of a register as CEL has it.
func element(t policy.ArgType, register uint64) any {
	n := narrow(t, register)
	if widths[t] < 0 {
		return n.Int64()
	}
	return n.Uint64()
}

// programs are the last expressions by their texts.
var programs struct {
	sync.Mutex
	byText map[string]cel.Program
}

// maxPrograms is how many expressions are remembered.
const maxPrograms = 1000

// program returns a text as a program of CEL.
func program(text string) cel.Program {
	programs.Lock()
	defer programs.Unlock()
	if p, ok := programs.byText[text]; ok {
		return p
	}
	parsed, issues := language().Parse(text)
	if issues.Err() != nil {
		panic("naive: " + issues.Err().Error())
	}
	p, err := language().Program(parsed)
	if err != nil {
		panic("naive: " + err.Error())
	}
	if programs.byText == nil || len(programs.byText) >= maxPrograms {
		programs.byText = make(map[string]cel.Program)
	}
	programs.byText[text] = p
	return p
}

// isTrue reports whether an expression is true. Variables without a value are
// errors.
func isTrue(text string, values map[string]any) bool {
	result, _, err := program(text).Eval(values)
	return err == nil && result == types.True
}
