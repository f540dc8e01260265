// SPDX-License-Identifier: Apache-2.0

package corpus

import (
	"fmt"
	"strconv"

	"github.com/vedette-io/vedette/internal/policy"
)

// nesting is how deep expressions go.
const nesting = 4

// expression makes an expression over the arguments that are integers.
func (g *generator) expression(args []policy.Arg) string {
	e := expressions{generator: g}
	for i, a := range args {
		switch {
		case a.Type.IsSigned():
			e.signed = append(e.signed, fmt.Sprintf("arg%d", i))
		case a.Type.IsInteger():
			e.unsigned = append(e.unsigned, fmt.Sprintf("arg%d", i))
		}
	}
	return e.boolean(nesting)
}

// expressions makes expressions of one entry.
type expressions struct {
	*generator
	signed, unsigned []string // arguments
}

func (e *expressions) boolean(depth int) string {
	if depth == 0 || e.chance(35) {
		return e.comparison(max(depth-1, 0))
	}
	depth--
	switch e.IntN(8) {
	case 0:
		return "!(" + e.boolean(depth) + ")"
	case 1, 2, 3:
		return "(" + e.boolean(depth) + " && " + e.boolean(depth) + ")"
	case 4, 5:
		return "(" + e.boolean(depth) + " || " + e.boolean(depth) + ")"
	case 6:
		return "(" + e.boolean(depth) + " ? " + e.boolean(depth) + " : " + e.boolean(depth) + ")"
	}
	return "(" + e.boolean(depth) + pick(e.generator, []string{" == ", " != "}) + e.boolean(depth) + ")"
}

// comparison compares two integers, mostly of one type.
func (e *expressions) comparison(depth int) string {
	if e.chance(3) {
		return pick(e.generator, []string{"true", "false"})
	}
	left, right := e.chance(50), e.chance(50)
	if e.chance(80) {
		right = left
	}
	op := pick(e.generator, []string{" == ", " != ", " < ", " <= ", " > ", " >= "})
	return "(" + e.integer(left, depth) + op + e.integer(right, depth) + ")"
}

func (e *expressions) integer(signed bool, depth int) string {
	if depth == 0 || e.chance(40) {
		return e.leaf(signed)
	}
	depth--
	switch e.IntN(10) {
	case 0:
		return e.converted(signed, depth)
	case 1:
		return "not(" + e.integer(signed, depth) + ")"
	case 2, 3:
		return pick(e.generator, []string{"and", "or", "xor"}) + "(" + e.integer(signed, depth) + ", " + e.integer(signed, depth) + ")"
	case 4:
		return "(" + e.boolean(depth) + " ? " + e.integer(signed, depth) + " : " + e.integer(signed, depth) + ")"
	case 5:
		if signed {
			return "-(" + e.integer(signed, depth) + ")"
		}
	}
	op := pick(e.generator, []string{" + ", " - ", " * ", " / ", " % "})
	return "(" + e.integer(signed, depth) + op + e.integer(signed, depth) + ")"
}

func (e *expressions) converted(signed bool, depth int) string {
	names := []string{"uint32", "uint64", "uint"}
	if signed {
		names = []string{"int32", "int64", "int"}
	}
	return pick(e.generator, names) + "(" + e.integer(e.chance(50), depth) + ")"
}

func (e *expressions) leaf(signed bool) string {
	args := e.unsigned
	if signed {
		args = e.signed
	}
	if len(args) > 0 && e.chance(60) {
		return pick(e.generator, args)
	}
	n := e.register()
	if signed {
		// In parentheses: -9223372036854775808 is a literal, - -1 is not.
		return "(" + strconv.FormatInt(int64(n), 10) + ")"
	}
	return strconv.FormatUint(n, 10) + "u"
}
