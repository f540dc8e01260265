// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

// TestIntegerOperators checks every operator at the ends of its ranges, on
// types of every width.
func TestIntegerOperators(t *testing.T) {
	for _, test := range []struct {
		typ, operator, values string
		yes, no               []int64
	}{
		{"int", "Equal", `["1", "0x10", "-1"]`, []int64{1, 16, -1}, []int64{0, 2, 15, 17, -2}},
		{"int", "NotEqual", `["1", "-1"]`, []int64{0, 2, -2, 1 << 30}, []int64{1, -1}},
		{"int", "GT", `["5", "-3"]`, []int64{-2, 0, 6}, []int64{-3, -4, -1 << 31}},
		{"int", "GreaterThan", `["2147483647"]`, nil, []int64{2147483647, -1}},
		{"int", "LT", `["-5", "3"]`, []int64{2, 0, -100}, []int64{3, 4}},
		{"int", "LessThan", `["-2147483648"]`, nil, []int64{-2147483648, 0}},
		{"int", "InRange", `["-2:2", "10:10"]`, []int64{-2, 0, 2, 10}, []int64{-3, 3, 9, 11}},
		{"int", "NotInRange", `["-2:2"]`, []int64{-3, 3}, []int64{-2, 0, 2}},
		{"int", "InMap", `["5", "7:9"]`, []int64{5, 7, 9}, []int64{4, 6, 10}},
		{"int", "NotInMap", `["5", "7:9"]`, []int64{4, 6, 10}, []int64{5, 8}},
		{"int", "Mask", `["0x80000000", "1"]`, []int64{-1, -2147483648, 1, 3}, []int64{0, 2}},
		{"int", "Mask", `["-1"]`, []int64{1, -5}, []int64{0}},
		{"int8", "LT", `["-1"]`, []int64{-2, -128}, []int64{-1, 0, 127}},
		{"int16", "GT", `["-1"]`, []int64{0, 32767}, []int64{-1, -32768}},
		{"uint8", "GT", `["127"]`, []int64{128, 255}, []int64{127, 0}},
		{"uint16", "InRange", `["65535:65535"]`, []int64{65535}, []int64{0, 65534}},
		{"uint32", "Equal", `["4294967295"]`, []int64{4294967295}, []int64{0, 4294967294}},
		{"int64", "GT", `["-9223372036854775808"]`, []int64{-9223372036854775807, 0}, []int64{-9223372036854775808}},
		{"uint64", "GT", `["9223372036854775807"]`, []int64{-1, -9223372036854775808}, []int64{0, 9223372036854775807}},
		{"uint64", "LT", `["0"]`, nil, []int64{0, -1}},
		{"size_t", "Equal", `["4294967296"]`, []int64{4294967296}, []int64{0}},
		{"ulong", "NotEqual", `["18446744073709551615"]`, []int64{0, 1}, []int64{-1}},
		{"long", "Equal", `["-1"]`, []int64{-1}, []int64{4294967295}},
	} {
		t.Run(test.typ+" "+test.operator+" "+test.values, func(t *testing.T) {
			p := readPolicy(t, "ints", "[{index: 2, type: "+test.typ+"}]",
				"[{matchArgs: [{index: 2, operator: "+test.operator+", values: "+test.values+"}]}]")
			h := mustHook(t, mustCompile(t, p), "read")
			for want, values := range map[uint64][]int64{1: test.yes, 0: test.no} {
				for _, v := range values {
					if got := h.Match(&compile.Values{Args: []compile.Value{{Int: uint64(v)}}}); got[0] != want {
						t.Errorf("%d: %d, want %d", v, got[0], want)
					}
				}
			}
			if got := h.Match(&compile.Values{Args: []compile.Value{{Failed: true}}}); got[0] != 0 {
				t.Error("a value that could not be read satisfies the filter")
			}
		})
	}
}

// TestReturnOperators checks that return values are narrowed to their type.
func TestReturnOperators(t *testing.T) {
	for _, test := range []struct {
		typ, filter string
		yes, no     []int64
	}{
		{"int", `{index: 0, operator: LT, values: ["0"]}`, []int64{-1, 0xffffffff, -1 << 31}, []int64{0, 1, 1 << 32}},
		{"uint32", `{index: 0, operator: Equal, values: ["4294967295"]}`, []int64{-1, 0xffffffff}, []int64{0}},
		{"size_t", `{index: 0, operator: GT, values: ["100"]}`, []int64{-1, 101}, []int64{100, 0}},
		{"int8", `{index: 0, operator: Mask, values: ["0x80"]}`, []int64{0x80, -1}, []int64{0x7f, 0x100}},
	} {
		p := mustParse(t, spec("ret", "  kprobes:\n  - call: sys_read\n    return: true\n    returnArg: {index: 0, type: "+test.typ+"}\n"+
			"    selectors: [{matchReturnArgs: ["+test.filter+"]}]\n"))
		h := mustHook(t, mustCompile(t, p), "read")
		if !h.HasReturn || h.Rules[0].Flags&compile.RuleReturn == 0 || !h.Groups[0].HasReturn {
			t.Errorf("%s: rule %+v does not wait for the return", test.typ, h.Rules[0])
		}
		for want, values := range map[uint64][]int64{1: test.yes, 0: test.no} {
			for _, v := range values {
				m := h.Match(&compile.Values{})
				h.MatchReturn(m, v)
				if m[0] != want {
					t.Errorf("%s %s: %#x: %d, want %d", test.typ, test.filter, v, m[0], want)
				}
			}
		}
	}
}

// TestStringOperators checks every operator, nested values and the lengths at
// which the tables are chained.
func TestStringOperators(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for _, test := range []struct {
		operator string
		values   []string
		yes, no  []string
	}{
		{"Equal", []string{"a", "abc"}, []string{"a", "abc"}, []string{"", "ab", "abcd", "b"}},
		{"Equal", []string{""}, []string{""}, []string{"a"}},
		{"NotEqual", []string{"a"}, []string{"", "ab"}, []string{"a"}},
		{"Equal", []string{"a\\0\\0"}, []string{"a"}, []string{"ab"}},
		{"Prefix", []string{"/etc/", "/etc/ssh/"}, []string{"/etc/", "/etc/ssh/x"}, []string{"/etc", "/et", ""}},
		{"NotPrefix", []string{"/etc/", "/etc/ssh/"}, []string{"/etc", ""}, []string{"/etc/", "/etc/ssh/x"}},
		{"Prefix", []string{""}, []string{"", "a"}, nil},
		{"Postfix", []string{".key", ""}, []string{"a.key", "b"}, nil},
		{"Postfix", []string{".key"}, []string{".key", "a.key"}, []string{"key", ".key1", ""}},
		{"NotPostfix", []string{".key"}, []string{"key", ""}, []string{"/x.key"}},
		{"Postfix", []string{long(128)}, []string{long(128), "y" + long(128), long(4000)}, []string{long(127), long(128) + "y"}},
	} {
		checkStrings(t, test.operator, test.values, test.yes, test.no)
	}
	for _, n := range []int{247, 248, 249, 495, 496, 497, 744, 4095} {
		v := long(n)
		longer := []string{v + "x", v + "y"}
		shorter := []string{v[:n-1], v[:n-1] + "y"}
		checkStrings(t, "Equal", []string{v}, []string{v}, append(longer, shorter...))
		checkStrings(t, "NotEqual", []string{v}, append(longer, shorter...), []string{v})
		checkStrings(t, "Prefix", []string{v}, append(longer, v), shorter)
		checkStrings(t, "Prefix", []string{v, v[:n-1]}, append(longer, v, v[:n-1]), []string{v[:n-2]})
	}
}

func checkStrings(t *testing.T, operator string, values, yes, no []string) {
	t.Helper()
	var quoted []string
	for _, v := range values {
		quoted = append(quoted, `"`+v+`"`)
	}
	p := readPolicy(t, "strings", "[{index: 1, type: string}]",
		"[{matchArgs: [{index: 1, operator: "+operator+", values: ["+strings.Join(quoted, ", ")+"]}]}]")
	h := mustHook(t, mustCompile(t, p), "read")
	name := operator
	for _, v := range values {
		name += fmt.Sprintf(" %.10q (%d)", v, len(v))
	}
	for want, texts := range map[uint64][]string{1: yes, 0: no} {
		for _, s := range texts {
			if got := h.Match(&compile.Values{Args: []compile.Value{{Str: []byte(s)}}}); got[0] != want {
				t.Errorf("%s: %.10q (%d bytes): %d, want %d", name, s, len(s), got[0], want)
			}
		}
	}
	if got := h.Match(&compile.Values{Args: []compile.Value{{Failed: true}}}); got[0] != 0 {
		t.Errorf("%s: a string that could not be read satisfies the filter", name)
	}
}

// TestTruncatedStrings checks what is said of strings whose end is not known.
func TestTruncatedStrings(t *testing.T) {
	for _, test := range []struct {
		operator string
		want     uint64
	}{
		{"Equal", 0}, {"NotEqual", 1}, {"Prefix", 1}, {"NotPrefix", 0}, {"Postfix", 0}, {"NotPostfix", 0},
	} {
		p := readPolicy(t, "truncated", "[{index: 1, type: char_buf, sizeArgIndex: 3}]",
			`[{matchArgs: [{index: 1, operator: `+test.operator+`, values: ["aaa"]}]}]`)
		h := mustHook(t, mustCompile(t, p), "read")
		got := h.Match(&compile.Values{Args: []compile.Value{{Str: []byte("aaa"), Truncated: true}}})
		if got[0] != test.want {
			t.Errorf("%s: %d, want %d", test.operator, got[0], test.want)
		}
	}
}

// TestDescriptorWithoutPath checks that a pipe satisfies no filter on paths.
func TestDescriptorWithoutPath(t *testing.T) {
	for _, operator := range []string{"Equal", "NotEqual", "Prefix", "NotPrefix", "Postfix", "NotPostfix"} {
		p := readPolicy(t, "pipe", "[{index: 0, type: fd}]", `[{matchArgs: [{index: 0, operator: `+operator+`, values: ["/"]}]}]`)
		h := mustHook(t, mustCompile(t, p), "read")
		if got := h.Match(&compile.Values{Args: []compile.Value{{Int: 3}}}); got[0] != 0 {
			t.Errorf("%s matches a descriptor without a path", operator)
		}
	}
}

// TestLongestValues checks values of MaxString bytes, which the validation of
// a text may not let through.
func TestLongestValues(t *testing.T) {
	whole := strings.Repeat("x", compile.MaxString)
	for _, operator := range []policy.Operator{policy.OpEqual, policy.OpPrefix} {
		p := readPolicy(t, "longest", "[{index: 1, type: string}]", `[{matchArgs: [{index: 1, operator: Equal, values: ["x"]}]}]`)
		filter := &p.Spec.Kprobes[0].Selectors[0].MatchArgs[0]
		filter.Operator, filter.Values = operator, []string{whole}
		h := mustHook(t, mustCompile(t, p), "read")
		for text, want := range map[string]uint64{whole: 1, whole[1:]: 0, whole[1:] + "y": 0} {
			if got := h.Match(&compile.Values{Args: []compile.Value{{Str: []byte(text)}}}); got[0] != want {
				t.Errorf("%s of %d bytes: %d, want %d", operator, len(text), got[0], want)
			}
		}
		filter.Values[0] += "x"
		if _, err := compile.Compile(input(p)); err == nil || !strings.Contains(err.Error(), "4097 bytes is too long, at most 4096") {
			t.Errorf("%s of 4097 bytes: %v", operator, err)
		}
	}
}
