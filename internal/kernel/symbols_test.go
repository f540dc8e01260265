// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseKallsyms(t *testing.T) {
	const text = "ffffffff81000000 T _stext\nffffffff81000010 t local\nffffffff82000000 D jiffies\n" +
		"ffffffff83000000 b buffer\nffffffffc0000000 t probe_it\t[module]\n0000000000000000 W weak\n"
	var names []string
	if err := parseKallsyms(strings.NewReader(text), func(name string) { names = append(names, name) }); err != nil {
		t.Fatal(err)
	}
	if want := []string{"_stext", "local", "probe_it", "weak"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	for _, bad := range []string{"x\n", "ffffffff81000000 T\n", "ffffffff81000000 Tx y\n"} {
		if err := parseKallsyms(strings.NewReader(bad), func(string) {}); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestNameSet(t *testing.T) {
	var s nameSet
	reads := 0
	read := func(add func(string)) error {
		reads++
		for _, name := range []string{"b", "a", "b"} {
			add(name)
		}
		return nil
	}
	for name, want := range map[string]bool{"a": true, "b": true, "c": false, "": false} {
		if got, err := s.has(name, read); got != want || err != nil {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	if reads != 1 || len(s.sum) != 2 {
		t.Errorf("read %d times, %d names", reads, len(s.sum))
	}
	broken := errors.New("broken")
	var bad nameSet
	for range 2 {
		if _, err := bad.has("a", func(func(string)) error { return broken }); !errors.Is(err, broken) {
			t.Errorf("%v", err)
		}
	}
}

func TestHasSymbol(t *testing.T) {
	skipUnlessPrivileged(t)
	for name, want := range map[string]bool{"fd_install": true, "vfs_read": true, "nothing_of_that_name": false} {
		if got, err := Offered().HasSymbol(name); got != want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
