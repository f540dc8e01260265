// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"io"
	"log/slog"
	"os"

	"github.com/vedette-io/vedette/internal/agent"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/vmtest"
)

// Program is the program vedette: its standard streams and the things that its command line can
// start. Every field but Name must be set.
type Program struct {
	// Name is the name that the program was started under, shown in its help; vedette where it is empty.
	Name           string
	Stdin          *os.File
	Stdout, Stderr io.Writer
	// RunAgent runs an agent until the context ends.
	RunAgent func(context.Context, agent.Config, *slog.Logger) error
	// RunCommand runs a command under the eyes of an agent of its own. It calls emit for one event at
	// a time; the event is valid during the call only. When the context ends, so must the command.
	RunCommand func(ctx context.Context, cfg agent.Config, cmd agent.Command, emit func(*event.Event)) (agent.CommandResult, error)
	// RunGuest runs a command in a guest with another kernel.
	RunGuest func(ctx context.Context, g vmtest.Guest, argv ...string) (vmtest.Result, error)
}

// Main runs the program with arguments (without its name) until it ends or a signal ends it, and
// returns the exit status.
func (p Program) Main(args []string) int {
	ctx, stop := withSignals(context.Background())
	defer stop()
	return p.Run(ctx, args)
}

// Run runs the program with arguments (without its name) and returns the exit status.
func (p Program) Run(ctx context.Context, args []string) int {
	root := newRootCommand(p)
	root.SetArgs(args)
	return p.report(ctx, root.ExecuteContext(ctx))
}
