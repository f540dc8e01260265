// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
)

// TestExpressionErrors checks where errors in expressions are reported.
func TestExpressionErrors(t *testing.T) {
	for name, c := range map[string]struct{ value, want string }{
		"plain":      {"arg0 == ", "test.yaml:13:18: expression"},
		"unknown":    {"arg0 == 1 || x > 1", "test.yaml:13:24: expression \"arg0 == 1 || x > 1\": \"x\" is unknown here"},
		"quoted":     {`"arg0 == 1 || x > 1"`, "test.yaml:13:25: "},
		"single":     {`'arg0 == 1 || x > 1'`, "test.yaml:13:25: "},
		"escapes":    {`"arg0 \x3d= 1 || x > 1"`, "test.yaml:13:11: "},
		"text":       {"arg1 == 1", "arg1 is a string, expressions are about integers"},
		"fd":         {"arg2 == 1", "declare it as int for its number"},
		"no such":    {"arg3 == 1", "there are only 3 args, arg3 is not one of them"},
		"no bool":    {"arg0 + 1", "compare it with something"},
		"second one": {"arg0 == 1\n        - arg0 =", "test.yaml:14:"},
	} {
		t.Run(name, func(t *testing.T) {
			p := mustParse(t, spec("e", "  kprobes:\n  - call: sys_read\n    args: [{index: 2, type: int}, {index: 1, type: string}, {index: 0, type: fd}]\n"+
				"    selectors:\n    - matchArgs:\n      - operator: CelExpr\n        values:\n        - "+c.value+"\n"))
			_, err := compile.Compile(input(p))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

// TestExpressionsShared checks that equal expressions are one, and that the
// filters of a selector are one expression.
func TestExpressionsShared(t *testing.T) {
	args := "[{index: 2, type: int}, {index: 0, type: int}]"
	swapped := "[{index: 0, type: int}, {index: 2, type: int}]"
	h := mustHook(t, mustCompile(t,
		readPolicy(t, "a", args, `[{matchArgs: [{operator: CelExpr, values: [arg0 > arg1]}]}, {matchArgs: [{operator: CelExpr, values: [arg0>arg1]}]}]`),
		readPolicy(t, "b", swapped, `[{matchArgs: [{operator: CelExpr, values: [arg1 > arg0]}]}]`),
		readPolicy(t, "c", args, `[{matchArgs: [{operator: CelExpr, values: [arg0 > arg1]}, {operator: CelExpr, values: [arg0 > 1, arg1 > 1]}]}]`),
	), "read")
	if len(h.Expressions) != 2 {
		t.Errorf("%d expressions: %v", len(h.Expressions), h.Expressions)
	}
	for _, s := range h.Slots {
		if !s.Filtered {
			t.Errorf("slot %+v is not filtered", s)
		}
	}
}
