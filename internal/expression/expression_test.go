// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/expression"
)

// argTypes are the types of arg0 to arg4; arg4 is text.
func argTypes(n uint64) (expression.Type, error) {
	types := []expression.Type{expression.Int, expression.Int, expression.Uint, expression.Uint}
	switch {
	case n < uint64(len(types)):
		return types[n], nil
	case n == 4:
		return 0, errors.New("arg4 is text")
	}
	return 0, errors.New("there are 5 args")
}

// values are those of arg0 to arg3.
type values [4]uint64

// unreadable stands for a value that could not be read.
const unreadable = 0xdead

func (v values) get(n uint64) (uint64, bool) { return v[n], v[n] != unreadable }

// TestMatch checks what expressions mean.
func TestMatch(t *testing.T) {
	minus := func(n int64) uint64 { return uint64(-n) }
	for _, c := range []struct {
		text string
		args values
		want bool
	}{
		{"true", values{}, true},
		{"false", values{}, false},
		{"arg0 == 1", values{1}, true},
		{"arg0 == -1", values{minus(1)}, true},
		{"arg0 != 1", values{1}, false},
		{"arg0 != 1", values{unreadable}, false},
		{"!(arg0 == 1)", values{unreadable}, false},
		{"arg0 == 1 || arg1 == 2", values{unreadable, 2}, true},
		{"arg1 == 2 || arg0 == 1", values{unreadable, 2}, true},
		{"!(arg0 == 1 && arg1 == 2)", values{unreadable, 3}, true},
		{"arg0 == 1 || arg1 == 2", values{unreadable, 3}, false},
		{"arg0 + 1 > 5", values{5}, true},
		{"arg0 + 1 > 5", values{math.MaxInt64}, false},
		{"arg0 + 1 > 5 || true", values{math.MaxInt64}, true},
		{"arg2 - 1 < 5", values{2: 0}, false},
		{"arg2 - 1 < 5", values{2: 5}, true},
		{"arg2 == 18446744073709551615u", values{2: math.MaxUint64}, true},
		{"arg0 == arg2", values{minus(1), 0, math.MaxUint64}, false},
		{"arg0 < arg2", values{minus(1), 0, 0}, true},
		{"arg2 >= arg0", values{minus(1), 0, 0}, true},
		{"arg2 > 3", values{2: 4}, true},
		{"uint32(arg0) == 0xffffffffu", values{minus(1)}, true},
		{"int32(arg2) == -1", values{2: math.MaxUint32}, true},
		{"uint64(arg0) == arg2", values{minus(1), 0, math.MaxUint64}, true},
		{"uint(arg0) == arg2", values{minus(1), 0, math.MaxUint64}, false},
		{"int(arg2) >= 0", values{2: 1 << 63}, false},
		{"and(arg0, 6) == 4", values{12}, true},
		{"arg0.or(1) == 13", values{12}, true},
		{"xor(arg2, 1) == 0u", values{2: 1}, true},
		{"not(arg0) == -13", values{12}, true},
		{"arg0 / 0 == 0", values{1}, false},
		{"arg0 % -3 == -1", values{minus(4)}, true},
		{"arg0 / -1 > 0", values{1 << 63}, false},
		{"arg0 * arg1 == 6", values{minus(2), minus(3)}, true},
		{"-arg0 == 5", values{minus(5)}, true},
		{"-arg0 < 0", values{1 << 63}, false},
		{"arg0 in [1, 2, 3]", values{3}, true},
		{"arg0 in [1, 2, 3]", values{4}, false},
		{"!(arg0 in [1, 2, 3])", values{4}, true},
		{"arg0 > 0 ? arg1 == 1 : arg1 == 2", values{0, 2}, true},
		{"(arg0 > 0 ? 1u : arg2) == 7", values{0, 0, 7}, true},
		{"(arg0 == 1) == (arg1 == 1)", values{2, 3}, true},
		{"(arg0 == 1) != (arg1 == 1)", values{2, 3}, false},
	} {
		e, err := expression.Parse(c.text, argTypes)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := e.Match(c.args.get); got != c.want {
			t.Errorf("%s with %d: %v, want %v", c.text, c.args, got, c.want)
		}
	}
}

// TestErrors checks what is refused, and at which place.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		text         string
		line, column int
		want         string
	}{
		{"", 1, 0, ""},
		{"arg0 ==", 1, 7, "mismatched input"},
		{"arg0 == 1 &&\n arg1", 1, 10, "combine bools"},
		{"true &&\n  argc == 1", 2, 2, `"argc" is unknown here`},
		{"arg01 == 1", 1, 0, "unknown here"},
		{"arg5 == 1", 1, 0, "there are 5 args"},
		{"arg0 == 1 || arg4 == 1", 1, 13, "arg4 is text"},
		{"arg0", 1, 0, "compare it with something"},
		{"arg0 + arg2 == 1", 1, 5, "convert one"},
		{`arg0 == "a"`, 1, 8, "text cannot be compared"},
		{"arg0 == 1.5", 1, 8, "neither an integer nor"},
		{"size(arg0) == 1", 1, 4, `there is no function "size"`},
		{"and(arg0) == 1", 1, 3, "takes 2 operands, not 1"},
		{"arg0.foo == 1", 1, 4, "only arguments"},
		{"[1].exists(x, x == 1)", 1, 10, "there is no function"},
		{"true < false", 1, 5, "no order"},
		{"-arg2 == 1", 1, 0, "- needs an int"},
		{"arg0 in arg1", 1, 5, "needs a list"},
		{"true == 1", 1, 5, "cannot be compared"},
		{strings.Repeat("(", 100) + "true" + strings.Repeat(")", 100), 1, 60, "recursion"},
		{strings.Repeat("arg0 == 1 || ", 400) + "true", 1, 0, "too"},
	} {
		_, err := expression.Parse(c.text, argTypes)
		var e *expression.Error
		if !errors.As(err, &e) {
			t.Errorf("%q: error %v", c.text, err)
			continue
		}
		if !strings.Contains(e.Message, c.want) || len(c.text) < 50 && (e.Line != c.line || e.Column != c.column) {
			t.Errorf("%q: %d:%d %q, want %d:%d %q", c.text, e.Line, e.Column, e.Message, c.line, c.column, c.want)
		}
	}
}

// TestString checks that different expressions have different texts.
func TestString(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{
		"arg0 == 1", "arg1 == 1", "arg2 == 1", "arg0 == 2", "arg0 < 1", "arg0 > 1", "int32(arg2) == 1", "uint32(arg2) == 1",
		"int(arg2) == 1", "int64(arg2) == 1", "true", "false", "arg0 + 1 == 1", "arg0 - 1 == 1", "and(arg0, 1) == 1", "or(arg0, 1) == 1",
	} {
		e, err := expression.Parse(text, argTypes)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[e.String()]; ok {
			t.Errorf("%q and %q are both %s", text, other, e)
		}
		seen[e.String()] = text
	}
}
