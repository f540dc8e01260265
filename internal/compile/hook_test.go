// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/compile/corpus"
	"github.com/vedette-io/vedette/internal/policy"
)

// TestHookNames checks the spellings of one system call, and the names that
// events report.
func TestHookNames(t *testing.T) {
	p := mustParse(t, spec("names", `  kprobes:
  - call: sys_newuname
  - call: __x64_sys_uname
  - call: list:calls
  lists:
  - name: calls
    type: syscalls
    values: [sys_read, __x64_sys_write, __arm64_sys_read]
`))
	plan := mustCompile(t, p)
	got := make(map[string][]string)
	for _, h := range plan.Hooks {
		if h.Key.Kind != compile.HookSyscall {
			t.Errorf("hook %+v", h.Key)
		}
		for _, g := range h.Groups {
			_, name, _ := strings.Cut(g.FunctionName, "_sys_")
			got[h.Key.Name] = append(got[h.Key.Name], fmt.Sprintf("%s %d", name, g.Entry))
		}
	}
	want := map[string][]string{"uname": {"newuname 0", "uname 1"}, "read": {"read 2"}, "write": {"write 2"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("hooks %v, want %v", got, want)
	}
}

func TestIgnoreCallNotFound(t *testing.T) {
	plan := mustCompile(t, mustParse(t, spec("ignore", "  kprobes:\n  - call: sys_nothing\n    ignore: {callNotFound: true}\n  - call: sys_read\n")))
	if len(plan.Hooks) != 1 || plan.Hooks[0].Key.Name != "read" {
		t.Errorf("hooks %+v", plan.Hooks)
	}
}

func TestSyscallLists(t *testing.T) {
	p := mustParse(t, spec("lists", `  tracepoints:
  - subsystem: raw_syscalls
    event: sys_enter
    raw: true
    args: [{index: 1, type: syscall64}]
    selectors: [{matchArgs: [{index: 1, operator: InMap, values: ["list:calls"]}]}, {matchArgs: [{index: 1, operator: NotInMap, values: ["list:calls"]}]}]
  lists:
  - name: calls
    type: syscalls
    values: [x64/sys_read, i386/sys_read, sys_close]
`))
	h := mustHook(t, mustCompile(t, p), "sys_enter")
	// read is 0 and close 3; in the 32-bit table read is 3 and close 6.
	for number, want := range map[uint64]uint64{0: 1, 3: 1, 1<<31 | 3: 1, 1<<31 | 6: 2, 6: 2, 1 << 31: 2} {
		if got := h.Match(&compile.Values{Args: []compile.Value{{Int: number}}}); got[0] != want {
			t.Errorf("system call %#x: %d, want %d", number, got[0], want)
		}
	}
}

// TestWinners checks groups of one rule, of several, and across words.
func TestWinners(t *testing.T) {
	groups := []int{1, 3, 60, 2, 1, 70, 1}
	var policies []*policy.Policy
	for i, n := range groups {
		policies = append(policies, readPolicy(t, fmt.Sprintf("p%d", i), "[]", "["+strings.Repeat("{}, ", n)+"]"))
	}
	h := mustHook(t, mustCompile(t, policies...), "read")
	if want := (1 + 4 + 61 + 3 + 1 + 71 + 1 + 63) / 64; h.Words != want {
		t.Errorf("%d words, want %d", h.Words, want)
	}
	all := bits(h.Vectors[0])
	if len(all) != len(h.Rules) {
		t.Errorf("vector 0 has %d rules, want %d", len(all), len(h.Rules))
	}
	m := slices.Clone(h.Vectors[0])
	for len(bits(m)) > 0 {
		var want []int
		for _, g := range h.Groups {
			for bit := int(g.FirstBit); bit < int(g.FirstBit+g.Bits); bit++ {
				if m[bit/64]>>(bit%64)&1 != 0 {
					want = append(want, bit)
					break
				}
			}
		}
		if got := bits(h.Winners(m)); !slices.Equal(got, want) {
			t.Fatalf("of %v win %v, want %v", bits(m), got, want)
		}
		for _, bit := range want {
			m[bit/64] &^= 1 << (bit % 64)
		}
	}
}

// TestSharedSlots checks that policies share arguments that are the same, and
// that filters mark only what they read.
func TestSharedSlots(t *testing.T) {
	a := readPolicy(t, "a", "[{index: 0, type: int}, {index: 1, type: string}]", "[{}]")
	b := readPolicy(t, "b", "[{index: 1, type: string, label: name}, {index: 0, type: uint32}]",
		`[{matchArgs: [{index: 1, operator: Prefix, values: [a]}]}]`)
	h := mustHook(t, mustCompile(t, a, b), "read")
	want := []compile.Slot{
		{Index: 0, Type: compile.TypeS32},
		{Index: 1, Type: compile.TypeString, Max: 4096, Filtered: true},
		{Index: 0, Type: compile.TypeU32},
	}
	if !slices.Equal(h.Slots, want) {
		t.Errorf("slots %+v, want %+v", h.Slots, want)
	}
	if !slices.Equal(h.Groups[1].Args, []uint8{1, 2}) || !slices.Equal(h.Groups[1].Labels, []string{"name", ""}) {
		t.Errorf("group %+v", h.Groups[1])
	}
}

// TestFolding checks that all filters on one value are one dimension, that
// process dimensions come first, and that equal vectors are stored once.
func TestFolding(t *testing.T) {
	var policies []*policy.Policy
	for i := range 20 {
		policies = append(policies, readPolicy(t, fmt.Sprintf("p%d", i), "[{index: 1, type: string}, {index: 2, type: size_t}]", `[{
			matchBinaries: [{operator: In, values: [/a]}, {operator: Prefix, values: [/b]}], matchPIDs: [{operator: NotIn, values: [1]}],
			matchArgs: [
				{index: 1, operator: Prefix, values: [a, ab]}, {index: 1, operator: NotEqual, values: [abc]}, {index: 1, operator: Postfix, values: [c]},
				{index: 2, operator: GT, values: ["1"]}, {index: 2, operator: NotEqual, values: ["7"]}, {index: 2, operator: Mask, values: ["2"]}]}]`))
	}
	h := mustHook(t, mustCompile(t, policies...), "read")
	var got []string
	for _, d := range h.Dims {
		got = append(got, fmt.Sprintf("%d/%d/%d", d.Source, d.Index, d.Kind))
	}
	// pid, binary, then size_t by intervals and mask, then the string.
	want := []string{"3/0/1", "6/0/3", "1/1/1", "1/1/2", "1/0/4", "1/0/5"}
	if !slices.Equal(got, want) || h.NumProc != 2 {
		t.Errorf("dimensions %v with %d of the process, want %v", got, h.NumProc, want)
	}
	if len(h.Vectors) != 2 {
		t.Errorf("%d vectors, want 2: all rules have the same filters", len(h.Vectors))
	}
	if len(h.Table) > 20 {
		t.Errorf("%d table entries", len(h.Table))
	}
}

// TestTables checks what the loader relies on in the tables of random sets.
func TestTables(t *testing.T) {
	for seed := range uint64(200) {
		s := corpus.NewAll(seed)
		plan, err := compile.Compile(s.Input())
		if err != nil {
			t.Fatal(err)
		}
		again, _ := compile.Compile(s.Input())
		if !reflect.DeepEqual(plan, again) {
			t.Fatalf("seed %d: two compilations differ", seed)
		}
		checkStringTable(t, plan.Process.Strings)
		for _, h := range plan.Hooks {
			checkStringTable(t, h.Strings)
			checkHook(t, h)
		}
	}
}

func checkHook(t *testing.T, h *compile.Hook) {
	t.Helper()
	seen := make(map[string]bool)
	for _, v := range h.Vectors {
		key := fmt.Sprint(v)
		if seen[key] || len(v) != h.Words {
			t.Errorf("vector %v is there twice, or does not have %d words", v, h.Words)
		}
		seen[key] = true
	}
	for i, d := range h.Dims {
		if of := d.Source.OfArgument(); of != (i >= h.NumProc) {
			t.Errorf("dimension %d of source %d, %d are of the process", i, d.Source, h.NumProc)
		}
		if d.Kind != compile.DimInterval {
			continue
		}
		rows := h.Table[d.Base : d.Base+d.Len]
		if rows[0].Key != 0 || !slices.IsSortedFunc(rows, func(a, b compile.Entry) int {
			if a.Key < b.Key {
				return -1
			}
			return 1
		}) {
			t.Errorf("intervals %+v", rows)
		}
		for j := 1; j < len(rows); j++ {
			if rows[j].A == rows[j-1].A {
				t.Errorf("two intervals with one verdict: %+v", rows[j-1:j+1])
			}
		}
	}
}

func checkStringTable(t *testing.T, table []compile.StringEntry) {
	t.Helper()
	defaults := make(map[uint32]bool)
	for _, e := range table {
		if len(e.Data) == 0 {
			defaults[e.State] = true
		}
		if len(e.Data) > compile.ChunkLen || e.Next != 0 && len(e.Data) != compile.ChunkLen {
			t.Errorf("entry of %d bytes goes on in state %d", len(e.Data), e.Next)
		}
	}
	for _, e := range table {
		if !defaults[e.State] || e.Next != 0 && !defaults[e.Next] {
			t.Errorf("state %d or %d has no entry without data", e.State, e.Next)
		}
	}
}

// TestIntervalsArePadded checks that a search which does not look at where a
// table ends finds the same as one that does.
func TestIntervalsArePadded(t *testing.T) {
	for _, n := range []int{1, 4, 8, 100} {
		var values []string
		for i := range n {
			values = append(values, fmt.Sprintf(`"%d"`, 10*i))
		}
		h := mustHook(t, mustCompile(t, readPolicy(t, "a", "[{index: 2, type: uint64}]",
			"[{matchArgs: [{index: 2, operator: Equal, values: ["+strings.Join(values, ", ")+"]}]}]")), "read")
		d := h.Dims[0]
		steps := compile.IntervalSteps(d.Len)
		if rows := len(h.Table) - int(d.Base); rows != 1<<steps || steps < 3 {
			t.Fatalf("%d rows for %d intervals, want 2 to the power of %d", rows, d.Len, steps)
		}
		last := h.Table[d.Base+d.Len-1]
		for _, e := range h.Table[d.Base+d.Len:] {
			if e.Key != math.MaxUint64 || e.A != last.A {
				t.Errorf("row %+v behind %+v", e, last)
			}
		}
	}
}
