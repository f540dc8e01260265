// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-io/vedette/api/tetragon"
)

// TestStacks checks the stack traces of events: of a program that still runs, and of one that has ended.
func TestStacks(t *testing.T) {
	stacks.run(t)
	r := mustRig(t)
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("frames", func(t *testing.T) {
		for i, want := range []struct{ kernel, module, symbol string }{
			{kernel: "entry_SYSCALL_64", module: self, symbol: "(*actor).call"},
			{kernel: "entry_SYSCALL_64"},
			{module: self, symbol: "(*actor).call"},
			{},
			{module: "/program", symbol: "_start"},
			{kernel: "entry_SYSCALL_64", module: self, symbol: "(*actor).call"},
		} {
			events := r.stacksOf(stacks.policyName(i))
			if len(events) == 0 {
				t.Errorf("%s: no event", stacks.rows[i].name)
			}
			for _, e := range events {
				checkKernelStack(t, stacks.rows[i].name, e.kernel, want.kernel)
				checkUserStack(t, stacks.rows[i].name, e.user, want.module, want.symbol)
			}
		}
	})
}

func (r *rig) stacksOf(policy string) []hookEvent {
	r.journal.mu.Lock()
	defer r.journal.mu.Unlock()
	return slices.Clone(r.journal.hooks[policy])
}

// checkKernelStack checks that a stack goes on to the entry of the kernel, that it begins with a function of it,
// and that no addresses are shown.
func checkKernelStack(tb testing.TB, name string, stack []*tetragon.StackTraceEntry, entry string) {
	tb.Helper()
	if entry == "" {
		if len(stack) != 0 {
			tb.Errorf("%s: there is a stack of the kernel: %v", name, stack)
		}
		return
	}
	if !slices.ContainsFunc(stack, func(f *tetragon.StackTraceEntry) bool { return strings.HasPrefix(f.Symbol, entry) }) {
		tb.Errorf("%s: %s is not in the stack of the kernel: %v", name, entry, stack)
	}
	for _, f := range stack {
		if f.Address != 0 || f.Symbol == "" || strings.HasPrefix(f.Symbol, "bpf_") {
			tb.Errorf("%s: frame %v", name, f)
		}
	}
}

func checkUserStack(tb testing.TB, name string, stack []*tetragon.StackTraceEntry, module, symbol string) {
	tb.Helper()
	if symbol == "" {
		if len(stack) != 0 {
			tb.Errorf("%s: there is a stack of user space: %v", name, stack)
		}
		return
	}
	i := slices.IndexFunc(stack, func(f *tetragon.StackTraceEntry) bool {
		return filepath.Base(f.Module) == filepath.Base(module) && strings.HasSuffix(f.Symbol, symbol)
	})
	if i < 0 || stack[i].Offset == 0 || stack[i].Address != 0 {
		tb.Errorf("%s: %s of %s is not in the stack of user space: %v", name, symbol, module, stack)
	}
}

// lseekWith is a policy on lseek with an action.
func lseekWith(action string) string {
	return "kprobes:\n- call: sys_lseek\n  args: [{index: 0, type: int}]\n  selectors: [{matchPIDs: [{operator: In, values: [$PID]}], matchActions: [" + action + "]}]\n"
}

// linger is once, and stays until its stack has been looked at.
func linger(a *actor) {
	once(a)
	time.Sleep(2 * time.Second)
}

var stacks = register(table{name: "stacks", vars: programVars, rows: []row{
	{name: "both", act: linger, spec: lseekWith("{action: Post, kernelStackTrace: true, userStackTrace: true}"), want: []string{five}},
	{name: "kernel", act: once, spec: lseekWith("{action: Post, kernelStackTrace: true}"), want: []string{five}},
	{name: "user", act: linger, spec: lseekWith("{action: Post, userStackTrace: true}"), want: []string{five}},
	// Stacks are those of the rules that ask for them, also where others of the hook do.
	{name: "none", act: once, spec: lseekWith("{action: Post}"), want: []string{five}},
	{
		name: "ended", act: func(a *actor) { a.program() },
		spec: `
kprobes:
- call: sys_exit
  selectors: [{matchBinaries: [{operator: Postfix, values: [/program]}], matchActions: [{action: Post, userStackTrace: true}]}]
`,
		want: []string{"child: sys_exit()"},
	},
	{
		name: "with the return", act: func(a *actor) {
			a.lseek(1000, 0)
			time.Sleep(2 * time.Second)
		},
		want: []string{"sys_lseek(int 1000) = long -9"},
		spec: `
kprobes:
- call: sys_lseek
  args: [{index: 0, type: int}]
  return: true
  returnArg: {index: 0, type: int64}
  selectors: [{matchPIDs: [{operator: In, values: [$PID]}], matchActions: [{action: Post, kernelStackTrace: true, userStackTrace: true}]}]
`,
	},
}})
