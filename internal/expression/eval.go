// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"math"
	"math/bits"
)

// Values gives the value of an argument by its number, extended to 64 bits,
// and false where it could not be read.
type Values func(arg uint64) (uint64, bool)

// Match reports whether the expression, of type [Bool], is true. One that
// cannot be computed is not.
func (e *Expr) Match(values Values) bool {
	v, ok := e.eval(values)
	return ok && v != 0
}

// eval returns the value, and false for an error.
func (e *Expr) eval(values Values) (uint64, bool) {
	switch e.Op {
	case Const:
		return e.Value, true
	case Arg:
		return values(e.Value)
	case And, Or:
		return e.logical(values)
	}
	a, ok := e.Operands[0].eval(values)
	if !ok {
		return 0, false
	}
	switch e.Op {
	case If:
		if a != 0 {
			return e.Operands[1].eval(values)
		}
		return e.Operands[2].eval(values)
	case Not:
		return 1 - a, true
	case BitNot:
		return ^a, true
	case Neg:
		return -a, a != 1<<63
	case Truncate:
		return e.truncate(a), true
	case Convert:
		return a, e.Operands[0].Type == e.Type || a < 1<<63
	}
	b, ok := e.Operands[1].eval(values)
	if !ok {
		return 0, false
	}
	switch e.Op {
	case Equal:
		return truth(compare(a, e.Operands[0].Type, b, e.Operands[1].Type) == 0), true
	case Less:
		return truth(compare(a, e.Operands[0].Type, b, e.Operands[1].Type) < 0), true
	case BitAnd:
		return a & b, true
	case BitOr:
		return a | b, true
	case BitXor:
		return a ^ b, true
	}
	if e.Type == Uint {
		return unsigned(e.Op, a, b)
	}
	n, ok := signed(e.Op, int64(a), int64(b))
	return uint64(n), ok
}

// logical evaluates And and Or: an operand that decides does so also where
// the other one is an error.
func (e *Expr) logical(values Values) (uint64, bool) {
	decides := truth(e.Op == Or)
	a, okA := e.Operands[0].eval(values)
	if okA && a == decides {
		return decides, true
	}
	b, okB := e.Operands[1].eval(values)
	if okB && b == decides {
		return decides, true
	}
	return 1 - decides, okA && okB
}

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func (e *Expr) truncate(v uint64) uint64 {
	if e.Width != 32 {
		return v
	}
	if e.Type == Int {
		return uint64(int64(int32(v)))
	}
	return uint64(uint32(v))
}

// compare compares two integers as numbers, whatever their types.
func compare(a uint64, typeA Type, b uint64, typeB Type) int {
	negativeA, negativeB := typeA == Int && int64(a) < 0, typeB == Int && int64(b) < 0
	switch {
	case negativeA && !negativeB:
		return -1
	case negativeB && !negativeA:
		return 1
	case a < b: // two negative ones are in the order of their bits, too
		return -1
	case a > b:
		return 1
	}
	return 0
}

func unsigned(op Op, a, b uint64) (uint64, bool) {
	switch op {
	case Add:
		sum, carry := bits.Add64(a, b, 0)
		return sum, carry == 0
	case Sub:
		return a - b, a >= b
	case Mul:
		high, low := bits.Mul64(a, b)
		return low, high == 0
	}
	if b == 0 {
		return 0, false
	}
	if op == Div {
		return a / b, true
	}
	return a % b, true
}

func signed(op Op, a, b int64) (int64, bool) {
	switch op {
	case Add:
		sum := a + b
		return sum, (a^sum)&(b^sum) >= 0
	case Sub:
		difference := a - b
		return difference, (a^b)&(a^difference) >= 0
	case Mul:
		product := a * b
		return product, a == 0 || product/a == b && (a != -1 || b != math.MinInt64)
	}
	if b == 0 || a == math.MinInt64 && b == -1 {
		return 0, false
	}
	if op == Div {
		return a / b, true
	}
	return a % b, true
}
