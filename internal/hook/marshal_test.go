// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"strings"
	"testing"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/syscalls"
)

func TestStringKeyKeepsGenerationsApart(t *testing.T) {
	e := compile.StringEntry{State: compile.StateBinaryEnd, Data: []byte("tac/"), Next: 7, Vector: 3}
	for g := range uint32(2) {
		key, value := stringKey(e, g), stringValue(e, g)
		if got := generationOf(key); got != g {
			t.Errorf("generation %d is read as %d", g, got)
		}
		if key.Prefixlen != 32+4*8 || string(key.Data[:4]) != "tac/" {
			t.Errorf("key %d bits, %q", key.Prefixlen, key.Data[:4])
		}
		if value.Next != 7|g<<31 || value.Vector != 3 {
			t.Errorf("value %+v", value)
		}
	}
	if v := stringValue(compile.StringEntry{}, 1); v.Next != 0 {
		t.Errorf("the end of a chain leads to state %d", v.Next)
	}
}

func TestFirstLookFetches(t *testing.T) {
	fetched := map[uint8]bool{}
	arg := compile.Dim{Kind: compile.DimInterval, Source: compile.SourceArg, Index: 2, Signed: true}
	first, second := dimConfig(arg, fetched), dimConfig(arg, fetched)
	fetch, signed := uint8(bpf.ContractVdDimFlagsVD_DIM_FETCH), uint8(bpf.ContractVdDimFlagsVD_DIM_SIGNED)
	if first.Flags != fetch|signed || second.Flags != signed {
		t.Errorf("flags %d and %d", first.Flags, second.Flags)
	}
	if d := dimConfig(compile.Dim{Kind: compile.DimInterval, Source: compile.SourcePID}, fetched); d.Flags != 0 {
		t.Errorf("a process id is fetched: %d", d.Flags)
	}
}

func TestRawSlots(t *testing.T) {
	slots := []compile.Slot{
		{Index: 0, Type: compile.TypeFD, Filtered: true},
		{Index: 1, Type: compile.TypeCharBuf, SizeArg: 3, ReturnCopy: true, Max: 4095},
	}
	got := rawSlots(slots)
	if got[0].Raw != 0 || got[0].Flags != uint8(bpf.ContractVdSlotFlagsVD_SLOT_FILTERED) || got[0].SizeFrom != 0 {
		t.Errorf("slot 0: %+v", got[0])
	}
	if got[1].Raw != 1 || got[1].SizeFrom != sizeRaw || got[1].SizeRaw != 2 || got[1].Max != 4095 ||
		got[1].Flags != uint8(bpf.ContractVdSlotFlagsVD_SLOT_RETURN_COPY) {
		t.Errorf("slot 1: %+v", got[1])
	}
	if n := rawArgs(slots); n != 3 {
		t.Errorf("%d arguments are read, want 3", n)
	}
}

func TestFieldSlots(t *testing.T) {
	format := &kernel.Format{Fields: []kernel.Field{
		{Name: "fd", Offset: 16, Size: 8}, {Name: "buf", Offset: 24, Size: 8}, {Name: "args", Offset: 32, Size: 48},
	}}
	got, err := fieldSlots([]compile.Slot{{Index: 1, Type: compile.TypeCharBuf, SizeArg: 3}}, format)
	if err != nil {
		t.Fatal(err)
	}
	want := bpf.SlotConfig{
		Type: uint8(compile.TypeCharBuf), From: uint8(bpf.ContractVdSlotFromVD_FROM_FIELD), Width: 8,
		SizeFrom: sizeField, SizeWidth: 8, Offset: 24, SizeOffset: 32,
	}
	if got[0] != want {
		t.Errorf("%+v, want %+v", got[0], want)
	}
	for _, bad := range []compile.Slot{{Index: 3}, {Index: 0, SizeArg: 4}} {
		if _, err := fieldSlots([]compile.Slot{bad}, format); err == nil || !strings.Contains(err.Error(), "3 fields") {
			t.Errorf("slot %+v: %v", bad, err)
		}
	}
}

func TestFDCallBits(t *testing.T) {
	bits := fdCallBits("x64")
	for _, name := range fdCalls {
		nr, ok := syscalls.Number("x64", name)
		if !ok {
			t.Errorf("system call %q is not known", name)
			continue
		}
		if bits[nr/64]>>(nr%64)&1 == 0 {
			t.Errorf("%s (%d) is not in the set", name, nr)
		}
	}
	if bits[0]&1 != 0 {
		t.Error("read returns no descriptor")
	}
}

func TestSameRules(t *testing.T) {
	plan := mustPlan(t, preadPolicies(6)...)
	a, b := *plan.Hooks[0], *mustPlan(t, preadPolicies(6)...).Hooks[0]
	b.Groups = append([]compile.Group(nil), b.Groups...)
	b.Groups[0].Policy = 9
	if !sameRules(&a, &b) {
		t.Error("another number of the policy is taken for another program")
	}
	b.Rules = append([]compile.Rule(nil), b.Rules...)
	b.Rules[0].Flags |= compile.RuleKill
	if sameRules(&a, &b) {
		t.Error("another action is taken for the same program")
	}
}
