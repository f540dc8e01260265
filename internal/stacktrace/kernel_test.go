// SPDX-License-Identifier: Apache-2.0

package stacktrace

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-io/vedette/internal/event"
)

const kallsyms = `ffffffff81000000 T _text
ffffffff81000100 t do_syscall_64
ffffffff81000300 T entry_SYSCALL_64_after_hwframe
ffffffff81000400 D some_data
ffffffff81000500 T bpf_trace_run2
ffffffffc0000000 t ext4_read	[ext4]
ffffffffc0001000 t bpf_prog_0123456789abcdef_vd_hook_enter	[bpf]
`

func mustKernel(tb testing.TB, text string) *kernelSymbols {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "kallsyms")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return &kernelSymbols{path: path}
}

func TestKernelFrames(t *testing.T) {
	k := mustKernel(t, kallsyms)
	stack := []uint64{0xffffffffc0001010, 0xffffffff81000510, 0xffffffffc0000020, 0xffffffff81000142, 0xffffffff81000300, 0x1000}
	want := []event.StackFrame{
		{Symbol: "ext4_read", Module: "ext4", Offset: 0x20},
		{Symbol: "do_syscall_64", Offset: 0x42},
		{Symbol: "entry_SYSCALL_64_after_hwframe"},
		{}, // nobody knows it
	}
	if diff := cmp.Diff(want, k.frames(nil, stack, false)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	exposed := k.frames(nil, stack[3:4], true)
	if len(exposed) != 1 || exposed[0].Address != stack[3] {
		t.Errorf("frames %v, want address %#x", exposed, stack[3])
	}
	// What runs programs is left out at the beginning only.
	inner := k.frames(nil, []uint64{0xffffffff81000142, 0xffffffff81000510}, false)
	if len(inner) != 2 || inner[1].Symbol != "bpf_trace_run2" {
		t.Errorf("frames %v", inner)
	}
}

func TestKernelHidesAddresses(t *testing.T) {
	k := mustKernel(t, "0000000000000000 T _text\n")
	k.prepare()
	if k.err == nil || !strings.Contains(k.err.Error(), "kptr_restrict") {
		t.Errorf("error %v", k.err)
	}
	if got := k.frames(nil, []uint64{0xffffffff81000142}, false); len(got) != 1 || got[0].Symbol != "" {
		t.Errorf("frames %v", got)
	}
}

// A module that was loaded later is found, but the names are not read again for every unknown address.
func TestKernelModuleLoaded(t *testing.T) {
	k := mustKernel(t, kallsyms)
	k.prepare()
	later := kallsyms + "ffffffffd0000000 t late_read\t[late]\n"
	if err := os.WriteFile(k.path, []byte(later), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := []uint64{0xffffffffd0000004}
	if got := k.frames(nil, addr, false); got[0].Symbol != "" {
		t.Errorf("frames %v, read again at once", got)
	}
	k.read = k.read.Add(-2 * reread)
	if got := k.frames(nil, addr, false); got[0] != (event.StackFrame{Symbol: "late_read", Module: "late", Offset: 4}) {
		t.Errorf("frames %v", got)
	}
}

func TestKernelSyntax(t *testing.T) {
	for _, line := range []string{"", "x", "zz T name", "ffffffff81000000 T", "ffffffff81000000 Tname"} {
		if _, _, _, _, err := parseSymbol(line); err == nil {
			t.Errorf("%q is understood", line)
		}
	}
}
