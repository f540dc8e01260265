// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-io/vedette/internal/compile"
)

// fakeFunctions are the functions of a small kernel.
type fakeFunctions []string

func (f fakeFunctions) MatchingFunctions(pattern *regexp.Regexp) ([]string, error) {
	if f == nil {
		return nil, errors.New("no list")
	}
	var names []string
	for _, name := range f {
		if pattern.MatchString(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func (f fakeFunctions) HasFunction(name string) (bool, error) {
	if f == nil {
		return false, errors.New("no list")
	}
	return slices.Contains(f, name), nil
}

const everyCall = "  kprobes:\n  - call: list:all\n  lists:\n  - name: all\n    type: generated_syscalls\n"

func matching(pattern string) string {
	return "  kprobes:\n  - call: list:some\n    syscall: false\n  lists:\n  - name: some\n    type: generated_ftrace\n    pattern: " + pattern + "\n"
}

// TestGeneratedLists checks lists that the kernel fills.
func TestGeneratedLists(t *testing.T) {
	calls := strings.Fields("__x64_sys_read __x64_sys_openat __arm64_sys_read __arm64_sys_openat vfs_read vfs_write fd_install")
	var none fakeFunctions
	for name, test := range map[string]struct {
		body      string
		functions compile.Functions
		want      []string
		err       string
	}{
		"system calls":           {body: everyCall, functions: fakeFunctions(calls), want: []string{"openat", "read"}},
		"functions":              {body: matching("^vfs_"), functions: fakeFunctions(calls), want: []string{"vfs_read", "vfs_write"}},
		"not system calls":       {body: matching("_read$"), functions: fakeFunctions(calls), want: []string{"vfs_read"}},
		"nothing matches":        {body: matching("openat$"), functions: fakeFunctions(calls), err: `no function of this kernel that can be hooked matches "openat$"`},
		"no kernel":              {body: everyCall},
		"no kernel, functions":   {body: matching("^vfs_")},
		"no list of functions":   {body: matching("^vfs_"), functions: none, err: "no list"},
		"no list of call":        {body: everyCall, functions: none, err: "which system calls the kernel has is not known: no list"},
		"system calls as values": {body: everyCall + "  tracepoints:\n  - {subsystem: raw_syscalls, event: sys_enter, raw: true, args: [{index: 1, type: syscall64}], selectors: [{matchArgs: [{index: 1, operator: InMap, values: ['list:all']}]}]}\n", functions: fakeFunctions(calls), want: []string{"openat", "read", "sys_enter"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := input(mustParse(t, spec("generated", test.body)))
			in.Functions = test.functions
			plan, err := compile.Compile(in)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, h := range plan.Hooks {
				got = append(got, h.Key.Name)
			}
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("hooks (-want +got):\n%s", diff)
			}
		})
	}
}
