// SPDX-License-Identifier: Apache-2.0

// Command vmrun runs a command as root under another kernel, in a guest, and ends as it ends. It serves by
// hand and as "go test -exec".
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/vedette-io/vedette/internal/vmtest"
	"github.com/vedette-io/vedette/internal/vmtest/pid1"
)

// The exit statuses that are not the command's.
const (
	exitDead   = 124
	exitFailed = 125
)

func main() {
	pid1.Main()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	o, err := parse(args, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return fail(err)
	}
	guest, err := o.guest()
	if err != nil {
		return fail(err)
	}
	guest.Stdout, guest.Stderr = os.Stdout, os.Stderr
	if o.verbose {
		guest.Log = os.Stderr
	}
	result, err := guest.Run(ctx, o.argv...)
	if err != nil {
		return fail(err)
	}
	if o.verbose {
		fmt.Fprintf(os.Stderr, "vmrun: kernel %s, security modules %s, booted in %v, ran for %v\n", result.Release, result.LSM, result.Boot, result.Command)
	}
	return result.ExitCode
}

// fail prints an error, with the kernel's last words when a guest died of it.
func fail(err error) int {
	var dead *vmtest.DeadError
	if errors.As(err, &dead) {
		fmt.Fprintf(os.Stderr, "--- end of the kernel's log\n%s---\nvmrun: %v\n", dead.Log, err)
		return exitDead
	}
	fmt.Fprintf(os.Stderr, "vmrun: %v\n", err)
	return exitFailed
}
