// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

// TestLimits checks that the policy that exceeds a limit is refused with the
// number, and not those before and after it.
func TestLimits(t *testing.T) {
	masks := func(from, to int) string {
		var filters []string
		for i := from; i < to; i++ {
			filters = append(filters, fmt.Sprintf(`{matchArgs: [{index: 2, operator: Mask, values: ["%d"]}]}`, i+1))
		}
		return "[" + strings.Join(filters, ", ") + "]"
	}
	sets := func(from, to int) string {
		var filters []string
		for i := from; i < to; i++ {
			filters = append(filters, fmt.Sprintf(`{matchPIDs: [{operator: In, followForks: true, values: [%d]}]}`, i+1))
		}
		return "[" + strings.Join(filters, ", ") + "]"
	}
	args := func(types ...string) string {
		var all []string
		for _, typ := range types {
			for i := range 4 {
				all = append(all, fmt.Sprintf("{index: %d, type: %s}", i, typ))
			}
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	number := "[{index: 2, type: uint64}]"
	for name, test := range map[string]struct {
		before, over, after *policy.Policy
		want                string
	}{
		"rules": {
			readPolicy(t, "a", "[]", "["+strings.Repeat("{}, ", 1000)+"]"),
			readPolicy(t, "b", "[]", "["+strings.Repeat("{}, ", 25)+"]"),
			readPolicy(t, "c", "[]", "["+strings.Repeat("{}, ", 24)+"]"),
			`hook "read" would have 1025 selectors of all policies, the limit is 1024`,
		},
		"masks": {
			readPolicy(t, "a", number, masks(0, 60)), readPolicy(t, "b", number, masks(60, 65)), readPolicy(t, "c", number, masks(0, 64)),
			`hook "read" would have 65 different masks on one value, the limit is 64`,
		},
		"sets": {
			readPolicy(t, "a", "[]", sets(0, 60)), readPolicy(t, "b", "[]", sets(60, 65)), readPolicy(t, "c", "[]", sets(0, 64)),
			"at most 64 different filters with followForks or followChildren",
		},
		"slots": {
			readPolicy(t, "a", args("int", "uint32"), "[{}]"), readPolicy(t, "b", args("int16", "uint16")[:len(args("int16", "uint16"))-1]+"]", "[{}]"),
			readPolicy(t, "c", args("int"), "[{}]"), "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if test.want == "" {
				mustCompile(t, test.before, test.over, test.after)
				test.over = readPolicy(t, "d", "[{index: 5, type: int}, {index: 5, type: uint8}]", "[{}]")
				test.before = readPolicy(t, "e", args("int", "uint32"), "[{}]")
				second := readPolicy(t, "f", args("int16", "uint16"), "[{}]")
				_, err := compile.Compile(input(test.before, second, test.over, test.after))
				checkRefused(t, err, 2, `hook "read" would have 18 different arguments of all policies, the limit is 16`)
				return
			}
			_, err := compile.Compile(input(test.before, test.over, test.after))
			checkRefused(t, err, 1, test.want)
		})
	}
}

// checkRefused checks that only one policy was refused, and why.
func checkRefused(t *testing.T, err error, index int, want string) {
	t.Helper()
	all := compile.PolicyErrors(err)
	if len(all) != 1 || all[0].Policy != index || !strings.Contains(all[0].Error(), want) {
		t.Errorf("error %v, want policy %d: %s", err, index, want)
	}
}

// TestReturnDimensions checks the limit of types of the return value.
func TestReturnDimensions(t *testing.T) {
	var entries strings.Builder
	for _, typ := range []string{"int", "uint32", "long", "ulong", "size_t"} {
		for _, op := range []string{"Equal", "Mask"} {
			fmt.Fprintf(&entries, "  - call: sys_read\n    return: true\n    returnArg: {index: 0, type: %s}\n"+
				"    selectors: [{matchReturnArgs: [{index: 0, operator: %s, values: [\"1\"]}]}]\n", typ, op)
		}
	}
	_, err := compile.Compile(input(mustParse(t, spec("returns", "  kprobes:\n"+entries.String()))))
	if err == nil || !strings.Contains(err.Error(), "would need 9 dimensions for return values, the limit is 8") {
		t.Errorf("error %v", err)
	}
}

// TestMostRules checks that a hook can have as many rules as MaxRules says,
// whatever the groups.
func TestMostRules(t *testing.T) {
	var policies []*policy.Policy
	for i := range compile.MaxRules / 2 {
		policies = append(policies, readPolicy(t, fmt.Sprintf("p%d", i), "[]", "[{}, {}]"))
	}
	h := mustHook(t, mustCompile(t, policies...), "read")
	if h.Words != compile.MaxWords || len(h.Rules) != compile.MaxRules {
		t.Errorf("%d words and %d rules, want %d and %d", h.Words, len(h.Rules), compile.MaxWords, compile.MaxRules)
	}
	if got := len(bits(h.Winners(h.Vectors[0]))); got != len(policies) {
		t.Errorf("%d winners of %d groups", got, len(policies))
	}
}

// TestManyFindings checks that a hostile policy gets a bounded report that
// says that it is not complete.
func TestManyFindings(t *testing.T) {
	values := strings.Repeat("sys_nothing, ", 20000)
	p := mustParse(t, spec("hostile", "  kprobes:\n  - call: list:all\n  lists:\n  - {name: all, type: syscalls, values: ["+values+"]}\n"))
	_, err := compile.Compile(input(p))
	all := compile.PolicyErrors(err)
	if len(all) != 1 || len(all[0].Diagnostics) != 1001 {
		t.Fatalf("%d errors", len(all))
	}
	if last := all[0].Diagnostics[1000].Message; last != "more than 1000 findings, the rest is not shown" {
		t.Errorf("last finding %q", last)
	}
}
