// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package executable

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/executable/executabletest"
)

func mustOpen(tb testing.TB, path string) *File {
	tb.Helper()
	f, err := Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := f.Close(); err != nil {
			tb.Error(err)
		}
	})
	return f
}

// wantError fails unless an error has all of the texts.
func wantError(tb testing.TB, err error, texts ...string) {
	tb.Helper()
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) {
			tb.Errorf("error %v, want %q", err, text)
		}
	}
}

func TestPlaces(t *testing.T) {
	p := executabletest.Build(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(p.Path, link); err != nil {
		t.Fatal(err)
	}
	f := mustOpen(t, link)
	if at, err := f.Symbol("greet", 0); err != nil || at != p.Greet {
		t.Errorf("greet at %#x, %v, want %#x", at, err, p.Greet)
	}
	if at, err := f.Symbol("greet", 3); err != nil || at != p.Greet+3 {
		t.Errorf("greet+3 at %#x, %v", at, err)
	}
	if at, err := f.Address(p.GreetAddress); err != nil || at != p.Greet {
		t.Errorf("address at %#x, %v, want %#x", at, err, p.Greet)
	}
	if err := f.CheckOffset(p.Greet); err != nil {
		t.Error(err)
	}
	for offset, want := range map[uint64]bool{p.Greet: true, p.Greet + 3: false} {
		if begins, err := f.BeginsFunction(offset); err != nil || begins != want {
			t.Errorf("a function begins at %#x: %v, %v", offset, begins, err)
		}
	}
	_, err := f.Symbol("graet", 0)
	wantError(t, err, link, "graet", "did you mean greet?")
	_, err = f.Symbol("greet", 1<<40)
	wantError(t, err, "no code", "greet+0x10000000000")
	_, err = f.Address(1)
	wantError(t, err, "no code at address 0x1")
	wantError(t, f.CheckOffset(1<<40), "no code at offset")
	if f.IsGo() {
		t.Error("taken for a Go program")
	}
}

func TestProbes(t *testing.T) {
	p := executabletest.Build(t)
	f := mustOpen(t, p.Path)
	sites, err := f.Probes("test", "site")
	if err != nil || len(sites) != 2 {
		t.Fatalf("%+v, %v", sites, err)
	}
	for i, s := range sites {
		if s.Offset != p.Sites[i] || s.Semaphore != p.Semaphore || len(s.Args) != 4 || s.Args[1] != "8@%rsi" {
			t.Errorf("place %d: %+v, want offset %#x and semaphore %#x", i, s, p.Sites[i], p.Semaphore)
		}
	}
	plain, err := f.Probes("test", "plain")
	if err != nil || len(plain) != 1 || plain[0].Semaphore != 0 {
		t.Errorf("%+v, %v", plain, err)
	}
	_, err = f.Probes("test", "sight")
	wantError(t, err, p.Path, "did you mean", "test:site")
	_, err = mustOpen(t, "/bin/true").Probes("test", "site")
	wantError(t, err, "no static probes")
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, change func([]byte) []byte) string {
		data, err := os.ReadFile(executabletest.Build(t).Path)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, change(data), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	_, err := Open(filepath.Join(dir, "none"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, c := range []struct{ path, want string }{
		{dir, "not a regular file"},
		{write("text", func([]byte) []byte { return []byte("#!/bin/sh\n") }), "not an ELF file"},
		{write("arm", func(b []byte) []byte { b[18], b[19] = 183, 0; return b }), "EM_AARCH64"},
		{write("relocatable", func(b []byte) []byte { b[16] = 1; return b }), "neither a program nor"},
		{write("cut", func(b []byte) []byte { return b[:100] }), "not an ELF file"},
	} {
		_, err := Open(c.path)
		wantError(t, err, c.path, c.want)
	}
}

// TestHugeFile has a table of names of a size that no memory holds, in a file
// that takes no room.
func TestHugeFile(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: reads 512 MiB")
	}
	path := executabletest.Build(t).Path
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range []uint64{5, 6} { // .strtab, .shstrtab
		changed := slices.Clone(data)
		header := binary.LittleEndian.Uint64(changed[40:]) + 64*section
		binary.LittleEndian.PutUint64(changed[header+32:], 1<<40)
		if err := os.WriteFile(path, changed, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, 1<<41); err != nil {
			t.Skip(err)
		}
		f, err := Open(path)
		if err == nil {
			_, err = f.Symbol("greet", 0)
			if closed := f.Close(); closed != nil {
				t.Error(closed)
			}
		}
		if !errors.Is(err, errTooLarge) {
			t.Errorf("section %d: %v", section, err)
		}
	}
}

// TestIdentity replaces a file while it is open.
func TestIdentity(t *testing.T) {
	p := executabletest.Build(t)
	f := mustOpen(t, p.Path)
	if again := mustOpen(t, p.Path); again.Identity() != f.Identity() {
		t.Error("one file, two identities")
	}
	if err := os.Rename(executabletest.Build(t).Path, p.Path); err != nil {
		t.Fatal(err)
	}
	if other := mustOpen(t, p.Path); other.Identity() == f.Identity() {
		t.Error("another file, the same identity")
	}
	if this := mustOpen(t, f.OpenPath()); this.Identity() != f.Identity() {
		t.Error("the path of the open file leads to another one")
	}
}

// source is a program with what compilers make of names.
const source = `
#include <stdio.h>
__attribute__((noinline)) int shared_name(int a) { return a + 1; }
static int one(void) { return 1; }
static int two(void) { return 2; }
static int (*resolve(void))(void) { return one; }
int chosen(void) __attribute__((ifunc("resolve")));
int main(void) { return shared_name(chosen() + two()); }
`

// TestCompiled looks at what a compiler makes.
func TestCompiled(t *testing.T) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "a.c")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{{"-O0"}, {"-O0", "-no-pie"}, {"-O0", "-shared", "-fPIC", "-s"}} {
		program := filepath.Join(dir, "a.out")
		if out, err := exec.Command(cc, slices.Concat(flags, []string{"-o", program, file})...).CombinedOutput(); err != nil {
			t.Skipf("%v: %s", err, out)
		}
		f := mustOpen(t, program)
		at, err := f.Symbol("shared_name", 0)
		if err != nil {
			t.Fatal(flags, err)
		}
		if err := f.CheckOffset(at); err != nil {
			t.Error(flags, err)
		}
		_, err = f.Symbol("chosen", 0)
		wantError(t, err, "GNU_IFUNC")
	}
}

// TestGo looks functions up in a stripped Go program.
func TestGo(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: builds a program")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\n//go:noinline\nfunc watched(n int) int { return n + 1 }\n\nfunc main() { println(watched(1)) }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var at []uint64
	for _, flags := range []string{"-ldflags=", "-ldflags=-s -w"} {
		program := filepath.Join(dir, "program")
		cmd := exec.Command("go", "build", flags, "-o", program, "main.go")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		f := mustOpen(t, program)
		offset, err := f.Symbol("main.watched", 0)
		if err != nil {
			t.Fatal(err)
		}
		if begins, err := f.BeginsFunction(offset); err != nil || !begins {
			t.Errorf("no function begins at %#x: %v", offset, err)
		}
		if !f.IsGo() {
			t.Error("not taken for a Go program")
		}
		at = append(at, offset)
	}
	if len(at) != 2 || at[0] != at[1] {
		t.Errorf("the function is at %#x", at)
	}
}

// FuzzFile changes bytes of a program: whatever becomes of it, looking places
// up in it ends, with places in the file or with an error.
func FuzzFile(f *testing.F) {
	data, err := os.ReadFile(executabletest.Build(f).Path)
	if err != nil {
		f.Fatal(err)
	}
	for _, at := range []int{16, 40, 56, 100, len(data) - 300} {
		f.Add(at, []byte{0xff})
	}
	f.Fuzz(func(t *testing.T, at int, change []byte) {
		if at < 0 || at >= len(data) || len(change) > 64 {
			return
		}
		changed := slices.Clone(data)
		copy(changed[at:], change)
		path := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(path, changed, 0o755); err != nil {
			t.Fatal(err)
		}
		file, err := Open(path)
		if err != nil {
			return
		}
		defer file.Close()
		if offset, err := file.Symbol("greet", 0); err == nil {
			if err := file.CheckOffset(offset); err != nil {
				t.Error(err)
			}
		}
		probes, err := file.Probes("test", "site")
		for _, p := range probes {
			if err := file.CheckOffset(p.Offset); err != nil {
				t.Error(err)
			}
		}
		if err == nil && len(probes) == 0 {
			t.Error("no places and no error")
		}
	})
}
