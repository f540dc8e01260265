// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
)

// TestObjectOperators checks the operators on numbers and files that the
// kernel's objects have.
func TestObjectOperators(t *testing.T) {
	set := func(old, now uint64) []compile.Value { return []compile.Value{{Int: old}, {Int: now}} }
	mode := func(mode uint32, path string) []compile.Value {
		return []compile.Value{{Mode: mode, Str: []byte(path)}}
	}
	number := func(n int32) []compile.Value { return []compile.Value{{Int: uint64(n)}} }
	const (
		capability = "[{index: 0, type: capability}]"
		sets       = "[{index: 0, type: cap_permitted}, {index: 1, type: kernel_cap_t}]"
		file       = "[{index: 0, type: file}]"
	)
	for name, test := range map[string]struct {
		args, filter string
		yes, no      [][]compile.Value
	}{
		"capability by name": {capability, "{index: 0, operator: Equal, values: [CAP_SYS_ADMIN, KILL, '1']}",
			[][]compile.Value{number(21), number(5), number(1)}, [][]compile.Value{number(0), number(22), {{Failed: true, Int: 21}}}},
		"range of capabilities": {capability, "{index: 0, operator: InRange, values: ['CAP_KILL:CAP_SETUID']}",
			[][]compile.Value{number(5), number(7)}, [][]compile.Value{number(4), number(8)}},
		"command by name": {"[{index: 0, type: bpf_cmd}]", "{index: 0, operator: NotEqual, values: [BPF_PROG_LOAD]}",
			[][]compile.Value{number(0), number(4)}, [][]compile.Value{number(5), {{Failed: true}}}},
		"set of names": {sets, "{index: 0, operator: Equal, values: ['CAP_CHOWN,KILL', '0x10']}",
			[][]compile.Value{set(0x21, 0), set(0x10, 0)}, [][]compile.Value{set(0x20, 0), set(0x31, 0), {{Failed: true, Int: 0x10}, {}}}},
		"gained": {sets, "{args: [0, 1], operator: CapabilitiesGained}",
			[][]compile.Value{set(1, 3), set(1, 2), set(0, 1<<63)}, [][]compile.Value{set(3, 1), set(3, 3), set(0, 0), {{Failed: true}, {Int: 1}}, {{}, {Failed: true, Int: 1}}}},
		"gained, the other way": {sets, "{args: [1, 0], operator: CapabilitiesGained}",
			[][]compile.Value{set(3, 1)}, [][]compile.Value{set(1, 3)}},
		"type of a file": {file, "{index: 0, operator: FileType, values: [reg, fifo]}",
			[][]compile.Value{mode(0o100644, "/a"), mode(0o10600, "")}, [][]compile.Value{mode(0o40755, "/a"), mode(0, "/a"), {{Failed: true, Mode: 0o100644}}}},
		"not of a type": {file, "{index: 0, operator: NotFileType, values: [dir]}",
			[][]compile.Value{mode(0o140777, ""), mode(0o100644, "/a")}, [][]compile.Value{mode(0o40755, "/a"), mode(0, "")}},
	} {
		t.Run(name, func(t *testing.T) {
			p := mustParse(t, spec("objects", "  kprobes:\n  - call: f\n    syscall: false\n    args: "+test.args+"\n    selectors: [{matchArgs: ["+test.filter+"]}]\n"))
			h := mustHook(t, mustCompile(t, p), "f")
			for _, s := range h.Slots {
				if len(h.Slots) == 1 && !s.Filtered {
					t.Errorf("slot %+v is not fetched before the verdict", s)
				}
			}
			for want, events := range map[uint64][][]compile.Value{1: test.yes, 0: test.no} {
				for _, args := range events {
					if got := h.Match(&compile.Values{Args: args}); got[0] != want {
						t.Errorf("%+v: %d, want %d", args, got[0], want)
					}
				}
			}
		})
	}
}

// TestGainedFetchesBoth checks that both sets are there when they are
// compared.
func TestGainedFetchesBoth(t *testing.T) {
	p := mustParse(t, spec("gained", "  kprobes:\n  - call: f\n    syscall: false\n    args: [{index: 0, type: int}, {index: 1, type: cap_effective}, {index: 2, type: cap_effective}]\n"+
		"    selectors: [{matchArgs: [{args: [1, 2], operator: CapabilitiesGained}]}]\n"))
	h := mustHook(t, mustCompile(t, p), "f")
	if d := h.Dims[0]; d.Index != 1 || d.Other != 2 || h.Slots[0].Filtered || !h.Slots[1].Filtered || !h.Slots[2].Filtered {
		t.Errorf("dimension %+v, slots %+v", d, h.Slots)
	}
}

// TestReturnSlot checks return values that are no integers.
func TestReturnSlot(t *testing.T) {
	p := mustParse(t, spec("ret", "  kprobes:\n  - call: f\n    syscall: false\n    args: [{index: 0, type: file}]\n    return: true\n    returnArg: {index: 0, type: cred}\n"))
	plain := mustParse(t, spec("plain", "  kprobes:\n  - call: f\n    syscall: false\n    return: true\n    returnArg: {index: 0, type: int}\n"))
	h := mustHook(t, mustCompile(t, p, plain), "f")
	if h.Groups[1].ReturnSlot != -1 || h.Groups[0].ReturnSlot != 1 {
		t.Fatalf("groups %+v", h.Groups)
	}
	if s := h.Slots[1]; s.From != compile.FromReturn || s.Type != compile.TypeCred || s.Filtered || len(h.Groups[0].Args) != 1 {
		t.Errorf("slot %+v, args %v", s, h.Groups[0].Args)
	}
}
