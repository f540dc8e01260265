// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/expression"
)

// FuzzParse gives arbitrary texts to the parser. What it takes can be
// evaluated, means the same after its arguments have other numbers, and with
// its opposite is never true.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"arg0 == 1", "arg0 + arg1 * 2 > 5 && !(arg2 in [1u, 2u])", "and(arg2, 0xffu) == 3u || uint32(arg0) >= 7u",
		"(arg0 > 0 ? arg1 : -arg1) % 3 != 0", "arg0.xor(1) == int(arg3)", `arg4 == "x"`, "[1].all(x, x)", "arg0 ==",
	} {
		f.Add(text, uint64(1), uint64(1)<<63)
	}
	f.Fuzz(func(t *testing.T, text string, a, b uint64) {
		e, err := expression.Parse(text, argTypes)
		if err != nil {
			checkPlace(t, text, err)
			return
		}
		v := values{a, b, b, a}
		opposite := &expression.Expr{Op: expression.Not, Type: expression.Bool, Operands: []*expression.Expr{e}}
		if e.Match(v.get) && opposite.Match(v.get) {
			t.Errorf("%q and its opposite match %d", text, v)
		}
		other := e.Renumber(func(n uint64) uint64 { return n + 7 })
		if e.Match(v.get) != other.Match(func(n uint64) (uint64, bool) { return v.get(n - 7) }) {
			t.Errorf("%q matches %d otherwise with other numbers", text, v)
		}
	})
}

// checkPlace checks that an error is at a place in the text.
func checkPlace(t *testing.T, text string, err error) {
	t.Helper()
	var e *expression.Error
	if !errors.As(err, &e) || e.Message == "" || e.Line < 1 || e.Column < 0 || e.Line > strings.Count(text, "\n")+2 {
		t.Errorf("%q: error %#v", text, err)
	}
}
