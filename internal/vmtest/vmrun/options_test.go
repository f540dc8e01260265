// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-io/vedette/internal/vmtest"
)

func TestParse(t *testing.T) {
	o, err := parse([]string{"-k", "5.10", "-m", "512", "-smp", "2", "-timeout", "1m", "-append", "lsm=bpf", "-icount", "-f", "/a:/b", "-f", "/c",
		"-mod", "ext4", "-e", "A=1", "-e", "B=2", "-return", "/out", "-disk", "64", "-dir", "/d", "-v", "cmd", "-k", "x"}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	want := vmtest.Guest{
		Memory: 512, CPUs: 2, Timeout: time.Minute, Append: "lsm=bpf", CountInstructions: true, Disk: 64, Dir: "/d",
		Files: []vmtest.File{{Host: "/a", Guest: "/b"}, {Host: "/c"}}, Modules: []string{"ext4"}, Env: []string{"A=1", "B=2"}, Return: []string{"/out"},
	}
	if diff := cmp.Diff(want, o.g); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"cmd", "-k", "x"}, o.argv); diff != "" || o.kernel != "5.10" || !o.verbose {
		t.Errorf("%+v", o)
	}
}

func TestParseErrors(t *testing.T) {
	var help bytes.Buffer
	if _, err := parse([]string{"--help"}, &help); !errors.Is(err, flag.ErrHelp) || !strings.Contains(help.String(), "go test -exec") {
		t.Errorf("help: %v, %s", err, help.String())
	}
	for _, args := range [][]string{{}, {"-k", "5.10"}, {"-f", "/a:b", "x"}, {"-smp", "many", "x"}, {"-nothing", "x"}} {
		if _, err := parse(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}

// TestGuestOfTest checks that a test binary gets what "go test" gives it.
func TestGuestOfTest(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"VERSION", "vmlinux"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "testdata"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("GOCOVERDIR", "/cover")
	o := &options{kernel: dir, argv: []string{"/x.test", "-test.v", "-test.coverprofile=/p", "-test.run=/q", "-test.trace=relative"}}
	g, err := o.guest()
	if err != nil {
		t.Fatal(err)
	}
	want := vmtest.Guest{
		Kernel: vmtest.Kernel{Dir: dir}, Dir: dir, Files: []vmtest.File{{Host: filepath.Join(dir, "testdata")}},
		Return: []string{"/p", "/cover"}, Env: []string{"GOCOVERDIR=/cover"},
	}
	if diff := cmp.Diff(want, g); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	plain := &options{kernel: dir, argv: []string{"/bin/ls"}}
	if g, err := plain.guest(); err != nil || g.Dir != "" || g.Return != nil {
		t.Errorf("%+v, %v", g, err)
	}
}
