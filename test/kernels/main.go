// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette-io/vedette/internal/vmtest"
	"github.com/vedette-io/vedette/internal/vmtest/pid1"
)

const usage = `usage: kernels [flags] PACKAGE...

Runs the tests of packages as root under other kernels, e.g.

  go run ./test/kernels -k "5.10 newest" ./internal/hook

`

// options is a command line.
type options struct {
	kernels  []string
	packages []string
	guests   int
	timeout  time.Duration
	run      string
	verbose  bool
}

func main() {
	pid1.Main()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errFailed):
		fmt.Println("FAIL")
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "kernels:", err)
		os.Exit(2)
	}
}

func parse(args []string, w io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("kernels", flag.ContinueOnError)
	f.SetOutput(w)
	f.Usage = func() {
		fmt.Fprint(w, usage)
		f.PrintDefaults()
	}
	kernels := f.String("k", "newest", "the `kernels`, separated by spaces: series such as 6.12, newest, or directories")
	f.IntVar(&o.guests, "guests", 2, "how `many` guests run at a time")
	f.DurationVar(&o.timeout, "timeout", 5*time.Minute, "how `long` the tests of a package may take")
	f.StringVar(&o.run, "run", "", "run only tests that match the `expression`")
	f.BoolVar(&o.verbose, "v", false, "print every test")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	o.kernels, o.packages = strings.Fields(*kernels), f.Args()
	if len(o.kernels) == 0 || len(o.packages) == 0 || o.guests < 1 {
		return nil, errors.New("kernels and packages must be named; see --help")
	}
	return o, nil
}

func run(ctx context.Context, args []string) (err error) {
	o, err := parse(args, os.Stderr)
	if err != nil {
		return err
	}
	var kernels []vmtest.Kernel
	for _, name := range o.kernels {
		k, err := vmtest.Find(name)
		if err != nil {
			return err
		}
		kernels = append(kernels, k)
	}
	dir, err := os.MkdirTemp("", "vedette-kernels-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	suite, err := build(ctx, dir, o.packages)
	if err != nil {
		return err
	}
	return o.runAll(ctx, suite, kernels)
}

// runAll runs every package on every kernel. The results come kernel by kernel, in the order of the command
// line, each when it and those before it are there.
func (o *options) runAll(ctx context.Context, s *suite, kernels []vmtest.Kernel) error {
	var guests errgroup.Group
	guests.SetLimit(o.guests)
	results := make([]chan result, 0, len(kernels)*len(s.packages))
	for range cap(results) {
		results = append(results, make(chan result, 1))
	}
	go func() {
		for i := range results {
			k, p := kernels[i/len(s.packages)], s.packages[i%len(s.packages)]
			guests.Go(func() error {
				results[i] <- s.test(ctx, o, k, p)
				return nil
			})
		}
	}()
	failed := false
	for i := range results {
		if i%len(s.packages) == 0 {
			fmt.Printf("=== kernel %s (%s)\n", o.kernels[i/len(s.packages)], kernels[i/len(s.packages)].Release)
		}
		r := <-results[i]
		r.print(os.Stdout, o.kernels[i/len(s.packages)], o.verbose)
		failed = failed || r.failed()
	}
	if failed {
		return errFailed
	}
	return nil
}
