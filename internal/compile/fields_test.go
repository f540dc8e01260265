// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
)

// fakeFields is the format of one tracepoint, demo/event.
type fakeFields struct{}

func (fakeFields) TracepointField(subsystem, event string, index uint32) (compile.FieldInfo, error) {
	fields := []compile.FieldInfo{
		{Name: "common_type", CType: "unsigned short", Size: 2},
		{Name: "pid", CType: "pid_t", Size: 4, Signed: true},
		{Name: "count", CType: "size_t", Size: 8},
		{Name: "name", CType: "__data_loc char[]", Size: 4, DataLoc: true},
		{Name: "text", CType: "const char *", Size: 8},
		{Name: "args", CType: "unsigned long[6]", Size: 48},
		{Name: "flag", CType: "bool", Size: 1},
		{Name: "odd", CType: "struct odd", Size: 24},
		{Name: "offset", CType: "loff_t", Size: 8, Signed: true},
		{Name: "flags", CType: "unsigned long", Size: 8},
	}
	if subsystem != "demo" || event != "event" {
		return compile.FieldInfo{}, fmt.Errorf("no such tracepoint")
	}
	if int64(index) >= int64(len(fields)) {
		return compile.FieldInfo{}, fmt.Errorf("the last field is %d", len(fields)-1)
	}
	return fields[index], nil
}

func TestTracepointAutoTypes(t *testing.T) {
	p := mustParse(t, spec("auto", `  tracepoints:
  - subsystem: demo
    event: event
    args: [{index: 0}, {index: 1}, {index: 2}, {index: 3}, {index: 4, sizeArgIndex: 3}, {index: 6}, {index: 8}, {index: 5}]
`))
	h := mustHook(t, mustCompile(t, p), "demo/event")
	want := []compile.SlotType{
		compile.TypeU16, compile.TypeS32, compile.TypeSize, compile.TypeDataLoc,
		compile.TypeCharBuf, compile.TypeU8, compile.TypeS64, compile.TypeConstBuf,
	}
	for i, slot := range h.Groups[0].Args {
		if got := h.Slots[slot].Type; got != want[i] {
			t.Errorf("arg %d has type %d, want %d", i, got, want[i])
		}
	}
	if s := h.Slots[h.Groups[0].Args[4]]; s.SizeArg != 3 || s.Max != 4095 {
		t.Errorf("buffer slot %+v", s)
	}
	if s := h.Slots[h.Groups[0].Args[7]]; s.Element != 8 || s.Max != 48 || s.Signed {
		t.Errorf("array slot %+v", s)
	}
	if got := h.Groups[0].FunctionName; got != "demo/event" {
		t.Errorf("function name %q", got)
	}
}

func TestTracepointFieldErrors(t *testing.T) {
	for name, test := range map[string]struct{ event, arg, want string }{
		"pointer to text": {"event", "{index: 4}", "give the type string"},
		"no array":        {"event", "{index: 7, type: const_buf}", "is no array of integers"},
		"structure":       {"event", "{index: 7}", "has no type that auto can choose"},
		"no such field":   {"event", "{index: 10}", "the last field is 9"},
		"no such event":   {"other", "{index: 1}", "no such tracepoint"},
		"no data_loc":     {"event", "{index: 1, type: data_loc}", "is no data_loc"},
	} {
		t.Run(name, func(t *testing.T) {
			p := mustParse(t, spec("fields", "  tracepoints:\n  - subsystem: demo\n    event: "+test.event+"\n    args: ["+test.arg+"]\n"))
			_, err := compile.Compile(input(p))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// TestLintWithoutFields checks that a filter on a field of unknown type is
// checked as far as possible where no kernel is at hand.
func TestLintWithoutFields(t *testing.T) {
	for _, test := range []struct {
		filter string
		ok     bool
	}{
		{`{index: 5, operator: Equal, values: ["-1"]}`, true},
		{`{index: 5, operator: InMap, values: ["1:18446744073709551615"]}`, true},
		{`{index: 5, operator: Prefix, values: ["/etc"]}`, true},
		{`{index: 5, operator: GT, values: ["abc"]}`, false},
		{`{index: 5, operator: SPort, values: ["80"]}`, false},
	} {
		p := mustParse(t, spec("lint", "  tracepoints:\n  - subsystem: a\n    event: b\n    args: [{index: 5}]\n    selectors: [{matchArgs: ["+test.filter+"]}]\n"))
		_, err := compile.Compile(compile.Input{Policies: []compile.InputPolicy{{Policy: p, FollowBit: -1}}})
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", test.filter, err)
		}
	}
}
