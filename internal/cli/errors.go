// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/vedette-io/vedette/internal/policy"
)

// The exit statuses of the program. Those of run are the command's, or a shell's where the command
// could not be executed.
const (
	exitOK            = 0
	exitFailure       = 1
	exitUsage         = 2
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignal        = 128
)

// exitError ends the program with a status. Its err is printed unless it is nil.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usageErrorf returns the error of a command line that cannot be understood.
func usageErrorf(cmd *cobra.Command, format string, args ...any) error {
	hint := fmt.Sprintf(" (see %q)", cmd.CommandPath()+" --help")
	return &exitError{exitUsage, fmt.Errorf(format+"%s", append(args, hint)...)}
}

// report prints the error that a command ended with, and returns the exit status.
func (p Program) report(ctx context.Context, err error) int {
	var exit *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		if exit.err != nil {
			p.printError(exit.err)
		}
		return exit.status
	case errors.Is(err, syscall.EPIPE):
		// Whoever read the output has seen enough.
		return exitOK
	}
	var interrupted signalError
	if errors.As(context.Cause(ctx), &interrupted) && errors.Is(err, context.Canceled) {
		return exitSignal + int(interrupted.signal)
	}
	p.printError(err)
	return exitFailure
}

// printError prints an error as one line. What is wrong with a policy is shown in its text first.
func (p Program) printError(err error) {
	var invalid *policy.Error
	if errors.As(err, &invalid) {
		// The diagnostics are an addition: where they cannot be written, neither can the line.
		_ = policy.Render(p.Stderr, invalid.Source, invalid.Diagnostics, useColor(p.Stderr, colorAuto))
		errorf(p.Stderr, "%s: %s", invalid.Source.Name, countDiagnostics(invalid.Diagnostics))
		return
	}
	errorf(p.Stderr, "%s", err)
}

// errorf prints one line for the user. A message of several lines, as a server may send it, goes on
// in indented lines.
func errorf(w io.Writer, format string, args ...any) {
	text := strings.TrimSpace(fmt.Sprintf(format, args...))
	fmt.Fprintf(w, "vedette: %s\n", strings.ReplaceAll(text, "\n", "\n  "))
}
