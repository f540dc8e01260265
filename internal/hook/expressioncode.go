// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"fmt"
	"math"

	"github.com/cilium/ebpf/asm"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/expression"
)

// The registers of expressions. What is computed is in regValue; an operator
// has its left operand there and its right one in regRight.
const (
	regValue   = asm.R0
	regRight   = asm.R1
	regTemp    = asm.R2
	regOther   = asm.R3
	regSign    = asm.R4
	regScratch = asm.R6
	regTruths  = asm.R7 // where the truths are in the scratch memory
)

const (
	// expressionDepth is how many values at once can be set aside.
	expressionDepth = int(bpf.ContractVdLimitVD_EXPRESSION_DEPTH)
	// truthBits is how many expressions share a word of truths.
	truthBits = 64
)

// expressionCode returns the instructions of a function whose argument is the
// scratch memory, and which sets the bits of the expressions that are true.
func expressionCode(all []*expression.Expr, l scratchLayout) (asm.Instructions, error) {
	c := compiler{layout: l}
	c.emit(asm.Mov.Reg(regScratch, asm.R1), asm.Mov.Reg(regTruths, asm.R1), asm.Add.Imm(regTruths, int32(l.truths)))
	for i, e := range all {
		word := int16(8 * (i / truthBits))
		if i%truthBits == 0 {
			c.emit(asm.Mov.Imm(regTemp, 0), asm.StoreMem(regTruths, word, regTemp, asm.DWord))
		}
		yes, no := c.label(), c.label()
		c.decide(e, targets{yes, no, no}, 0)
		c.place(yes)
		c.setTruth(word, i%truthBits)
		c.place(no)
	}
	c.emit(asm.Mov.Imm(asm.R0, 0), asm.Return())
	if c.deepest > expressionDepth {
		return nil, fmt.Errorf("expressions set %d values aside, more than %d", c.deepest, expressionDepth)
	}
	return c.finish()
}

// compiler makes instructions of expressions.
type compiler struct {
	assembler
	layout  scratchLayout
	deepest int
}

// targets are where a bool leads to.
type targets struct{ yes, no, failed label }

// setTruth sets a bit in the scratch memory. In a register the verifier would
// know it, and look at what follows once for each set of true expressions.
func (c *compiler) setTruth(word int16, bit int) {
	c.emit(asm.LoadImm(regValue, 1<<bit, asm.DWord), asm.LoadMem(regTemp, regTruths, word, asm.DWord),
		asm.Or.Reg(regTemp, regValue), asm.StoreMem(regTruths, word, regTemp, asm.DWord))
}

// setAside and fetch move values to and from the scratch memory.
func (c *compiler) setAside(value asm.Register, depth int) {
	c.deepest = max(c.deepest, depth+1)
	c.emit(asm.StoreMem(regTruths, c.work(depth), value, asm.DWord))
}

func (c *compiler) fetch(into asm.Register, depth int) {
	c.emit(asm.LoadMem(into, regTruths, c.work(depth), asm.DWord))
}

func (c *compiler) work(depth int) int16 {
	return int16(c.layout.work - c.layout.truths + 8*min(depth, expressionDepth-1))
}

// decide goes to one of the targets by the value of a bool. Values set aside
// below depth stay.
func (c *compiler) decide(e *expression.Expr, t targets, depth int) {
	switch e.Op {
	case expression.Const:
		if e.Value != 0 {
			c.jump(t.yes)
		} else {
			c.jump(t.no)
		}
	case expression.Not:
		c.decide(e.Operands[0], targets{yes: t.no, no: t.yes, failed: t.failed}, depth)
	case expression.And:
		c.both(e.Operands, t, depth)
	case expression.Or:
		// a || b is !(!a && !b).
		c.bothDenied(e.Operands, targets{yes: t.no, no: t.yes, failed: t.failed}, depth)
	case expression.If:
		first, second := c.label(), c.label()
		c.decide(e.Operands[0], targets{first, second, t.failed}, depth)
		c.place(first)
		c.decide(e.Operands[1], t, depth)
		c.place(second)
		c.decide(e.Operands[2], t, depth)
	default:
		c.compare(e, t, depth)
	}
}

// both decides a && b.
func (c *compiler) both(operands []*expression.Expr, t targets, depth int) {
	c.sequence(func(t targets) { c.decide(operands[0], t, depth) }, func(t targets, depth int) { c.decide(operands[1], t, depth) }, t, depth)
}

// bothDenied decides !a && !b.
func (c *compiler) bothDenied(operands []*expression.Expr, t targets, depth int) {
	deny := func(t targets) targets { return targets{yes: t.no, no: t.yes, failed: t.failed} }
	c.sequence(func(t targets) { c.decide(operands[0], deny(t), depth) },
		func(t targets, depth int) { c.decide(operands[1], deny(t), depth) }, t, depth)
}

// sequence decides first && second: false where either is, also where the
// other fails.
func (c *compiler) sequence(first func(targets), second func(targets, int), t targets, depth int) {
	next := c.label()
	switch t.failed {
	case t.no:
		first(targets{next, t.no, t.no})
		c.place(next)
		second(t, depth)
		return
	case t.yes:
		first(targets{next, t.no, next})
		c.place(next)
		second(t, depth)
		return
	}
	// Where the three are different places, whether the first failed is set
	// aside.
	ok, failed, yes := c.label(), c.label(), c.label()
	first(targets{ok, t.no, failed})
	c.place(ok)
	c.emit(asm.Mov.Imm(regTemp, 0))
	c.jump(next)
	c.place(failed)
	c.emit(asm.Mov.Imm(regTemp, 1))
	c.place(next)
	c.setAside(regTemp, depth)
	second(targets{yes, t.no, t.failed}, depth+1)
	c.place(yes)
	c.fetch(regTemp, depth)
	c.jumpIfConst(asm.JNE, regTemp, 0, t.failed)
	c.jump(t.yes)
}

// compare decides Equal and Less.
func (c *compiler) compare(e *expression.Expr, t targets, depth int) {
	c.operands(e.Operands, t.failed, depth)
	left, right := e.Operands[0].Type, e.Operands[1].Type
	if e.Op == expression.Equal {
		// A negative number is equal to no unsigned one.
		if left != right {
			c.jumpIfConst(asm.JSLT, signedOf(left), 0, t.no)
		}
		c.jumpIf(asm.JEq, regValue, regRight, t.yes)
		c.jump(t.no)
		return
	}
	switch {
	case left == expression.Int && right == expression.Int:
		c.jumpIf(asm.JSLT, regValue, regRight, t.yes)
		c.jump(t.no)
		return
	case left == expression.Int:
		c.jumpIfConst(asm.JSLT, regValue, 0, t.yes)
	case right == expression.Int:
		c.jumpIfConst(asm.JSLT, regRight, 0, t.no)
	}
	c.jumpIf(asm.JLT, regValue, regRight, t.yes)
	c.jump(t.no)
}

// signedOf returns the register of the signed one of two operands.
func signedOf(left expression.Type) asm.Register {
	if left == expression.Int {
		return regValue
	}
	return regRight
}

// operands computes two operands.
func (c *compiler) operands(operands []*expression.Expr, failed label, depth int) {
	c.compute(operands[0], failed, depth)
	if c.leaf(operands[1], regRight, failed) {
		return
	}
	c.setAside(regValue, depth)
	c.compute(operands[1], failed, depth+1)
	c.emit(asm.Mov.Reg(regRight, regValue))
	c.fetch(regValue, depth)
}

// leaf loads an argument or a constant; false for anything else. No other
// register than regTemp changes.
func (c *compiler) leaf(e *expression.Expr, into asm.Register, failed label) bool {
	switch e.Op {
	case expression.Const:
		if n := int64(e.Value); n >= math.MinInt32 && n <= math.MaxInt32 {
			c.emit(asm.Mov.Imm(into, int32(n)))
		} else {
			c.emit(asm.LoadImm(into, n, asm.DWord))
		}
		return true
	case expression.Arg:
		// Most slots are further away than an offset reaches.
		c.emit(asm.Mov.Reg(into, regScratch), asm.Add.Imm(into, int32(c.layout.slot(e.Value))),
			asm.LoadMem(regTemp, into, int16(c.layout.status), asm.Word))
		c.jumpIfConst(asm.JSet, regTemp, int32(bpf.ContractVdValueStatusVD_VALUE_FAILED), failed)
		c.emit(asm.LoadMem(into, into, int16(c.layout.num), asm.DWord))
		return true
	}
	return false
}

// compute leaves the value of an integer in regValue.
func (c *compiler) compute(e *expression.Expr, failed label, depth int) {
	if c.leaf(e, regValue, failed) {
		return
	}
	switch e.Op {
	case expression.If:
		c.choose(e, failed, depth)
		return
	case expression.Neg, expression.BitNot, expression.Truncate, expression.Convert:
		c.compute(e.Operands[0], failed, depth)
		c.unary(e, failed)
		return
	}
	c.operands(e.Operands, failed, depth)
	switch e.Op {
	case expression.BitAnd:
		c.emit(asm.And.Reg(regValue, regRight))
	case expression.BitOr:
		c.emit(asm.Or.Reg(regValue, regRight))
	case expression.BitXor:
		c.emit(asm.Xor.Reg(regValue, regRight))
	default:
		if e.Type == expression.Uint {
			c.unsigned(e.Op, failed)
		} else {
			c.signed(e.Op, failed)
		}
	}
}

// choose computes one of two operands. It goes through the scratch memory, so
// that the verifier forgets which one: it would follow both from here on.
func (c *compiler) choose(e *expression.Expr, failed label, depth int) {
	first, second, end := c.label(), c.label(), c.label()
	c.decide(e.Operands[0], targets{first, second, failed}, depth)
	c.place(first)
	c.compute(e.Operands[1], failed, depth)
	c.jump(end)
	c.place(second)
	c.compute(e.Operands[2], failed, depth)
	c.place(end)
	c.setAside(regValue, depth)
	c.fetch(regValue, depth)
}

func (c *compiler) unary(e *expression.Expr, failed label) {
	switch e.Op {
	case expression.Neg:
		c.lowest(regTemp)
		c.jumpIf(asm.JEq, regValue, regTemp, failed)
		c.emit(asm.Neg.Imm(regValue, 0))
	case expression.BitNot:
		c.emit(asm.Xor.Imm(regValue, -1))
	case expression.Truncate:
		if e.Width != 32 {
			return
		}
		shift := asm.RSh
		if e.Type == expression.Int {
			shift = asm.ArSh
		}
		c.emit(asm.LSh.Imm(regValue, 32), shift.Imm(regValue, 32))
	case expression.Convert:
		if e.Operands[0].Type != e.Type {
			c.jumpIfConst(asm.JSLT, regValue, 0, failed)
		}
	}
}

// lowest loads the lowest signed integer.
func (c *compiler) lowest(into asm.Register) {
	c.emit(asm.LoadImm(into, math.MinInt64, asm.DWord))
}

// unsigned computes an operator on unsigned integers.
func (c *compiler) unsigned(op expression.Op, failed label) {
	switch op {
	case expression.Add:
		c.emit(asm.Add.Reg(regValue, regRight))
		c.jumpIf(asm.JLT, regValue, regRight, failed)
	case expression.Sub:
		c.jumpIf(asm.JLT, regValue, regRight, failed)
		c.emit(asm.Sub.Reg(regValue, regRight))
	case expression.Mul:
		c.multiply(failed)
	case expression.Div:
		c.jumpIfConst(asm.JEq, regRight, 0, failed)
		c.emit(asm.Div.Reg(regValue, regRight))
	case expression.Mod:
		c.jumpIfConst(asm.JEq, regRight, 0, failed)
		c.emit(asm.Mod.Reg(regValue, regRight))
	}
}

// multiply multiplies unsigned integers: what overflows does not divide back.
func (c *compiler) multiply(failed label) {
	zero := c.label()
	c.emit(asm.Mov.Reg(regTemp, regValue), asm.Mul.Reg(regValue, regRight))
	c.jumpIfConst(asm.JEq, regRight, 0, zero)
	c.emit(asm.Mov.Reg(regOther, regValue), asm.Div.Reg(regOther, regRight))
	c.jumpIf(asm.JNE, regOther, regTemp, failed)
	c.place(zero)
}

// signed computes an operator on signed integers.
func (c *compiler) signed(op expression.Op, failed label) {
	switch op {
	case expression.Add:
		// It overflows where both operands have another sign than the sum.
		c.emit(asm.Mov.Reg(regTemp, regValue), asm.Add.Reg(regValue, regRight),
			asm.Xor.Reg(regTemp, regValue), asm.Xor.Reg(regRight, regValue), asm.And.Reg(regTemp, regRight))
		c.jumpIfConst(asm.JSLT, regTemp, 0, failed)
	case expression.Sub:
		// It overflows where the left operand has another sign than the right one and the difference.
		c.emit(asm.Mov.Reg(regTemp, regValue), asm.Sub.Reg(regValue, regRight),
			asm.Xor.Reg(regRight, regTemp), asm.Xor.Reg(regTemp, regValue), asm.And.Reg(regTemp, regRight))
		c.jumpIfConst(asm.JSLT, regTemp, 0, failed)
	default:
		c.magnitudes(op, failed)
	}
}

// magnitudes multiplies or divides signed integers by their magnitudes:
// kernels before 6.6 divide unsigned ones only. Nothing branches but to where
// the expression fails: the verifier follows both ways of each branch.
func (c *compiler) magnitudes(op expression.Op, failed label) {
	if op != expression.Mul {
		c.jumpIfConst(asm.JEq, regRight, 0, failed)
	}
	// The signs as 0 and -1, of the result and of the left operand.
	c.emit(asm.Mov.Reg(regSign, regValue), asm.ArSh.Imm(regSign, 63),
		asm.Mov.Reg(regTemp, regRight), asm.ArSh.Imm(regTemp, 63))
	c.negateIf(regValue, regSign)
	c.negateIf(regRight, regTemp)
	c.emit(asm.Xor.Reg(regTemp, regSign))
	switch op {
	case expression.Mul:
		c.emit(asm.Mov.Reg(regSign, regTemp))
		c.multiply(failed)
		c.checkMagnitude(regValue, failed)
	case expression.Div:
		c.emit(asm.Mov.Reg(regSign, regTemp), asm.Div.Reg(regValue, regRight))
		c.checkMagnitude(regValue, failed)
	case expression.Mod:
		// Of the lowest number by -1 there is no quotient, and so no rest.
		c.emit(asm.Mov.Reg(regOther, regValue), asm.Div.Reg(regOther, regRight), asm.Mod.Reg(regValue, regRight),
			asm.Mov.Reg(regRight, regSign), asm.Mov.Reg(regSign, regTemp))
		c.checkMagnitude(regOther, failed)
		c.emit(asm.Mov.Reg(regSign, regRight))
	}
	c.negateIf(regValue, regSign)
}

// negateIf negates a number where sign is -1, and not where it is 0. Of the
// lowest one that is its magnitude as an unsigned integer.
func (c *compiler) negateIf(r, sign asm.Register) {
	c.emit(asm.Xor.Reg(r, sign), asm.Sub.Reg(r, sign))
}

// checkMagnitude fails where no signed integer has the magnitude and the sign
// in regSign.
func (c *compiler) checkMagnitude(r asm.Register, failed label) {
	c.emit(asm.LoadImm(regTemp, math.MaxInt64, asm.DWord), asm.Sub.Reg(regTemp, regSign))
	c.jumpIf(asm.JGT, r, regTemp, failed)
}
