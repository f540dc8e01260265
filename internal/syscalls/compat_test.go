// SPDX-License-Identifier: Apache-2.0

package syscalls

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestCompatFunctions(t *testing.T) {
	for call, want := range map[string]string{
		"read": "compat_sys_read sys_read", "stat": "compat_sys_newstat", "getuid": "sys_getuid16", "getuid32": "sys_getuid",
	} {
		functions := CompatFunctions(call)
		if got := strings.Join(functions, " "); got != want {
			t.Errorf("%s: %s, want %s", call, got, want)
		}
		for _, function := range functions {
			for _, name := range []string{function, CompatPrefix + function} {
				if got, ok := CompatCall(name); !ok || got != call {
					t.Errorf("%s is %q, %t, want %s", name, got, ok, call)
				}
			}
		}
	}
	for _, function := range []string{"__x64_sys_read", "__ia32_sys_stat64", "__ia32_sys_reed", ""} {
		if got, ok := CompatCall(function); ok {
			t.Errorf("%q is %s", function, got)
		}
	}
}

// TestCompatTables checks that what is said of i386 calls is said of calls
// that are in their table, and that no two calls have one function.
func TestCompatTables(t *testing.T) {
	callOf := map[string]string{}
	for call, functions := range compatFunctions {
		if _, ok := Number("i386", call); !ok {
			t.Errorf("there is no call %s", call)
		}
		for function := range strings.FieldsSeq(functions) {
			if other := callOf[function]; other != "" {
				t.Errorf("%s is of %s and %s", function, other, call)
			}
			callOf[function] = call
		}
	}
	for _, call := range slices.Concat(slices.Collect(maps.Keys(sameCalls)), slices.Collect(maps.Keys(compatPrototypes()))) {
		if _, ok := Number("i386", call); !ok {
			t.Errorf("there is no call %s", call)
		}
	}
}

func TestSameCall(t *testing.T) {
	for call, want := range map[string]string{
		"stat64": "stat", "chown32": "chown", "setresuid32": "setresuid", "mmap2": "mmap", "openat": "openat", "socketcall": "socketcall",
	} {
		if got := SameCall(call); got != want {
			t.Errorf("%s does what %s does, want %s", call, got, want)
		}
	}
}

// TestCompatPrototype checks that every parameter is one register: of 64 bits
// none by itself is.
func TestCompatPrototype(t *testing.T) {
	for _, call := range Names("i386") {
		params, _ := CompatPrototype(call)
		if len(params) > 6 {
			t.Errorf("%s has %d parameters", call, len(params))
		}
		for _, p := range params {
			if slices.Contains([]string{"loff_t", "u64", "__u64"}, p.Type) {
				t.Errorf("%s: %s %s is in two registers", call, p.Type, p.Name)
			}
		}
	}
	if params, ok := CompatPrototype("fstat64"); !ok || len(params) != 2 || params[1].Name != "statbuf" {
		t.Errorf("fstat64: %+v, %t", params, ok)
	}
}
