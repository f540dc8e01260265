// SPDX-License-Identifier: Apache-2.0

package executable

import (
	"os"
	"testing"

	"github.com/vedette-io/vedette/internal/executable/executabletest"
)

func mustFunctions(tb testing.TB, path string) (*File, *Functions) {
	tb.Helper()
	f, err := Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.Close() })
	functions, err := f.Functions()
	if err != nil {
		tb.Fatal(err)
	}
	return f, functions
}

func TestFunctionsOfC(t *testing.T) {
	p := executabletest.BuildWritable(t)
	f, functions := mustFunctions(t, p.Path)
	for offset, want := range map[uint64]string{
		p.Other: "other", p.Other + 5: "other", p.Other - 1: "add", p.Other - 7: "add", 1 << 40: "",
	} {
		if got := functions.At(offset); got != want {
			t.Errorf("at %#x: %q, want %q", offset, got, want)
		}
	}
	if at, ok := functions.OffsetOf(p.OtherAddress); !ok || at != p.Other {
		t.Errorf("%#x, %v", at, ok)
	}
	if !f.IsFixed() {
		t.Error("the program is always at the same addresses")
	}
	if _, err := f.BuildID(); err != ErrNoBuildID {
		t.Errorf("error %v", err)
	}
}

// The functions of this very program, which is in Go.
func TestFunctionsOfGo(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const name = "github.com/vedette-io/vedette/internal/executable.TestFunctionsOfGo"
	f, functions := mustFunctions(t, self)
	at, err := f.Symbol(name, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := functions.At(at); got != name {
		t.Errorf("%q", got)
	}
	if functions.Bytes() == 0 {
		t.Error("the table takes no memory")
	}
}
