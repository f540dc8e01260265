// SPDX-License-Identifier: Apache-2.0

package syscalls

import (
	"slices"
	"testing"
)

func TestNameAndNumber(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		abi, name string
		number    uint32
	}{
		{"x64", "read", 0}, {"x64", "lseek", 8}, {"x64", "openat", 257}, {"x64", "uname", 63}, {"x64", "newfstatat", 262},
		{"i386", "read", 3}, {"i386", "open", 5}, {"i386", "_llseek", 140},
		{"arm64", "openat", 56}, {"arm64", "read", 63}, {"arm64", "execve", 221},
		{"arm32", "read", 3}, {"arm32", "openat", 322},
	} {
		t.Run(test.abi+"/"+test.name, func(t *testing.T) {
			t.Parallel()
			if got, ok := Name(test.abi, test.number); got != test.name || !ok {
				t.Errorf("Name(%d): got %q, %v", test.number, got, ok)
			}
			if got, ok := Number(test.abi, test.name); got != test.number || !ok {
				t.Errorf("Number(%q): got %d, %v", test.name, got, ok)
			}
		})
	}
}

func TestNumberAlias(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		abi, name string
		number    uint32
	}{
		{"x64", "newuname", 63}, {"x64", "newstat", 4}, {"x64", "sendfile64", 40}, {"x64", "umount", 166},
		{"x64", "fstatat", 262}, {"arm64", "newfstatat", 79}, {"arm64", "newuname", 160},
	} {
		if got, ok := Number(test.abi, test.name); got != test.number || !ok {
			t.Errorf("Number(%q, %q): got %d, %v, want %d", test.abi, test.name, got, ok, test.number)
		}
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	for _, number := range []uint32{400, 100_000, 1<<32 - 1} {
		if name, ok := Name("x64", number); ok {
			t.Errorf("Name(%d): got %q", number, name)
		}
	}
	if name, ok := Name("vax", 0); ok {
		t.Errorf("Name of an unknown ABI: got %q", name)
	}
	if number, ok := Number("vax", "read"); ok {
		t.Errorf("Number of an unknown ABI: got %d", number)
	}
	for _, name := range []string{"", "sys_read", "nosuch"} {
		if number, ok := Number("x64", name); ok {
			t.Errorf("Number(%q): got %d", name, number)
		}
		if params, ok := Prototype(name); ok {
			t.Errorf("Prototype(%q): got %v", name, params)
		}
	}
	if names := Names("vax"); names != nil {
		t.Errorf("Names of an unknown ABI: got %d", len(names))
	}
}

func TestNamesAgree(t *testing.T) {
	t.Parallel()
	for abi := range abis {
		names := Names(abi)
		if len(names) < 300 || !slices.IsSorted(names) {
			t.Errorf("%s: got %d names, sorted %v", abi, len(names), slices.IsSorted(names))
		}
		for _, name := range names {
			number, ok := Number(abi, name)
			if back, known := Name(abi, number); !ok || !known || back != name {
				t.Errorf("%s: %q has number %d, which is %q", abi, name, number, back)
			}
		}
	}
}

func TestPrototype(t *testing.T) {
	t.Parallel()
	want := []Param{{"int", "dfd"}, {"const char *", "filename"}, {"int", "flags"}, {"umode_t", "mode"}}
	if got, ok := Prototype("openat"); !ok || !slices.Equal(got, want) {
		t.Errorf("openat: got %v, %v", got, ok)
	}
	if got, ok := Prototype("getpid"); !ok || len(got) != 0 {
		t.Errorf("getpid: got %v, %v", got, ok)
	}
	if got, ok := Prototype("newuname"); !ok || len(got) != 1 {
		t.Errorf("newuname: got %v, %v", got, ok)
	}
}

// TestPrototypesAreCalls checks that every prototype is of a call of x64 and has at most six parameters.
func TestPrototypesAreCalls(t *testing.T) {
	t.Parallel()
	if len(prototypes()) < 80 {
		t.Errorf("got %d prototypes", len(prototypes()))
	}
	for name, params := range prototypes() {
		if _, ok := Number("x64", name); !ok {
			t.Errorf("%q is no system call", name)
		}
		if len(params) > 6 {
			t.Errorf("%q has %d parameters", name, len(params))
		}
	}
}

func TestParsePrototypeErrors(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"", "read", "read(int fd", "(int fd)", "read(fd)", "read(int fd, )"} {
		if name, params, err := parsePrototype(line); err == nil {
			t.Errorf("%q: got %q, %v", line, name, params)
		}
	}
}
