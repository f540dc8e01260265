// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

// onX86 skips a test elsewhere: only kernels of x86-64 have i386 calls.
func onX86(tb testing.TB) {
	tb.Helper()
	if runtime.GOARCH != "amd64" {
		tb.Skip("32-bit calls of x86-64")
	}
}

// TestCompatNames finds one hook for each 32-bit call, beside that of the call
// of the same name, and names it in events as the policy does.
func TestCompatNames(t *testing.T) {
	onX86(t)
	plan := mustCompile(t, mustParse(t, spec("names", `  kprobes:
  - call: __ia32_compat_sys_newstat
  - call: __ia32_sys_getuid
  - call: list:calls
  lists:
  - name: calls
    type: syscalls
    values: [i386/sys_getuid, i386/sys_stat, i386/sys_newuname, __ia32_sys_socketcall, sys_stat]
`)))
	var got []string
	for _, h := range plan.Hooks {
		for _, g := range h.Groups {
			kind := "32-bit "
			if h.Key.Kind != compile.HookCompatSyscall {
				kind = "64-bit "
			}
			got = append(got, kind+h.Key.Name+" "+g.FunctionName)
		}
	}
	want := []string{
		"32-bit stat __ia32_compat_sys_newstat", "32-bit stat __ia32_sys_stat", "32-bit getuid32 __ia32_sys_getuid", "32-bit getuid __ia32_sys_getuid",
		"32-bit uname __ia32_sys_newuname", "32-bit socketcall __ia32_sys_socketcall", "64-bit stat __x64_sys_stat",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("hooks\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestWarnCompat warns of calls that can be made unseen by the other table.
func TestWarnCompat(t *testing.T) {
	onX86(t)
	const list, kill = "  lists: [{name: calls, type: syscalls, values: [%]}]\n  kprobes:\n  - call: list:calls\n", "    selectors: [{matchActions: [{action: Sigkill}]}]\n"
	for calls, want := range map[string]int{
		"sys_openat":                                1,
		"i386/sys_openat":                           0,
		"sys_openat, i386/sys_openat":               0,
		"sys_mmap, i386/sys_mmap2":                  0,
		"sys_openat, sys_read, __ia32_sys_read":     1,
		"sys_arch_prctl, sys_openat, sys_fsopen":    1, // for the entry
		"sys_restart_syscall, i386/sys_sigaltstack": 1,
	} {
		p := mustParse(t, spec("calls", strings.Replace(list, "%", calls, 1)+kill))
		if got := mustCompile(t, p).Warnings[0]; len(got) != want {
			t.Errorf("%s: %v, want %d warnings", calls, got, want)
		}
	}
	if got := mustCompile(t, mustParse(t, spec("post", "  kprobes: [{call: sys_openat}]\n"))).Warnings[0]; len(got) != 0 {
		t.Errorf("a policy that only looks: %v", got)
	}
}

// TestCompatPrototypes describes arguments by their registers in 32-bit calls.
func TestCompatPrototypes(t *testing.T) {
	for call, want := range map[string]string{
		"read":       "uint32 string size_t",
		"lseek":      "uint32 int32 uint32",
		"pread64":    "uint32 string size_t uint32 uint32",
		"truncate64": "string uint32 uint32",
		"fstat64":    "uint32 -",
		"chown32":    "string uint32 uint32",
		"socketcall": "int32 -",
		"mremap":     "uint32 uint32 uint32 uint32 uint32",
	} {
		p := compile.CompatPrototype(call)
		if p == nil {
			t.Errorf("%s is not described", call)
			continue
		}
		var got []string
		for i := range p.Params {
			got = append(got, argTypeOf(p.Params[i]))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s: %s", call, s, want, p.Text)
		}
	}
	if p := compile.CompatPrototype("vm86"); p != nil {
		t.Errorf("vm86 is described: %s", p.Text)
	}
}

// argTypeOf is the argument type of a parameter as far as it is a number or
// text.
func argTypeOf(info compile.TypeInfo) string {
	switch {
	case info.Text:
		return string(policy.TypeString)
	case info.Kind != compile.KindInt:
		return "-"
	case info.CType == "size_t":
		return string(policy.TypeSize)
	}
	types := map[bool]map[int]string{true: {4: "int32", 8: "int64"}, false: {2: "uint16", 4: "uint32", 8: "uint64"}}
	return types[info.Signed][info.Size]
}
