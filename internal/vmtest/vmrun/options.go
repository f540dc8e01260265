// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vedette-io/vedette/internal/vmtest"
)

const usage = `usage: vmrun [flags] COMMAND [ARG...]

Runs COMMAND as root under another kernel, in a guest that ends with it, and exits as it does: with 124 when
the guest died (the end of the kernel's log is printed), with 125 when there was no guest. COMMAND, when it is
a path of this machine, comes with the libraries it is linked with; busybox provides the rest.

  vmrun -k 5.10 uname -r
  CGO_ENABLED=0 go test -exec "vmrun -k 6.12" ./internal/hook

`

// options is a command line.
type options struct {
	kernel  string
	g       vmtest.Guest
	verbose bool
	argv    []string
}

// parse reads a command line. Help and complaints are written to w.
func parse(args []string, w io.Writer) (*options, error) {
	o := &options{g: vmtest.Guest{Timeout: 3 * time.Minute}}
	f := flag.NewFlagSet("vmrun", flag.ContinueOnError)
	f.SetOutput(w)
	f.Usage = func() {
		fmt.Fprint(w, usage)
		f.PrintDefaults()
	}
	f.StringVar(&o.kernel, "k", "newest", "`kernel`: a series such as 6.12, newest, or a directory")
	f.IntVar(&o.g.Memory, "m", 1024, "memory of the guest in `MiB`")
	f.IntVar(&o.g.Disk, "disk", 0, "give the guest an ext4 disk of so many `MiB` at /tmp")
	f.IntVar(&o.g.CPUs, "smp", 1, "`number` of processors")
	f.DurationVar(&o.g.Timeout, "timeout", o.g.Timeout, "how `long` the guest may live")
	f.StringVar(&o.g.Append, "append", "", "`text` to add to the kernel's command line")
	f.StringVar(&o.g.Dir, "dir", "", "working `directory` of the command (default: the current one for tests, else /)")
	f.BoolVar(&o.g.CountInstructions, "icount", false, "let the guest's clock count instructions, one a nanosecond")
	f.BoolVar(&o.verbose, "v", false, "print the kernel's log, and how the guest did")
	f.Func("f", "`HOST[:GUEST]`, a file or directory to add; can be given several times", func(text string) error {
		file, err := vmtest.ParseFile(text)
		o.g.Files = append(o.g.Files, file)
		return err
	})
	list := func(name, help string, to *[]string) {
		f.Func(name, help+"; can be given several times", func(text string) error {
			*to = append(*to, text)
			return nil
		})
	}
	list("mod", "kernel `module` to load first", &o.g.Modules)
	list("e", "`KEY=VALUE` for the environment of the command", &o.g.Env)
	list("return", "`path` that the command writes, to bring back", &o.g.Return)
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	o.argv = f.Args()
	if len(o.argv) == 0 {
		return nil, errors.New("no command; see vmrun --help")
	}
	return o, nil
}

// guest returns the guest of the command line. One for a test binary gets what "go test" expects.
func (o *options) guest() (vmtest.Guest, error) {
	var err error
	if o.g.Kernel, err = vmtest.Find(o.kernel); err != nil {
		return o.g, err
	}
	if !isTest(o.argv) {
		return o.g, nil
	}
	if o.g.Dir == "" {
		if o.g.Dir, err = os.Getwd(); err != nil {
			return o.g, err
		}
	}
	testdata := filepath.Join(o.g.Dir, "testdata")
	if _, err := os.Stat(testdata); err == nil {
		o.g.Files = append(o.g.Files, vmtest.File{Host: testdata})
	}
	o.g.Return = append(o.g.Return, written(o.argv)...)
	if dir := os.Getenv("GOCOVERDIR"); dir != "" {
		o.g.Return = append(o.g.Return, dir)
		o.g.Env = append(o.g.Env, "GOCOVERDIR="+dir)
	}
	return o.g, nil
}

// isTest says whether a command is a test binary that "go test" runs.
func isTest(argv []string) bool {
	return slices.ContainsFunc(argv[1:], func(arg string) bool { return strings.HasPrefix(arg, "-test.") })
}

// returned are the flags of a test binary that name what it writes ("go help testflag").
var returned = []string{"coverprofile", "gocoverdir", "cpuprofile", "memprofile", "blockprofile", "mutexprofile", "trace"}

// written returns the paths that a test binary writes for "go test".
func written(argv []string) []string {
	var paths []string
	for _, arg := range argv {
		name, path, ok := strings.Cut(arg, "=")
		if ok && filepath.IsAbs(path) && slices.Contains(returned, strings.TrimPrefix(name, "-test.")) {
			paths = append(paths, path)
		}
	}
	return paths
}
