// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/vedette-io/vedette/internal/agent"
	"github.com/vedette-io/vedette/internal/cli"
	"github.com/vedette-io/vedette/internal/vmtest"
	"github.com/vedette-io/vedette/internal/vmtest/pid1"
)

func main() {
	// In a guest of run --kernel, this program is the first process.
	pid1.Main()
	program := cli.Program{
		Name:       filepath.Base(os.Args[0]),
		Stdin:      os.Stdin,
		Stdout:     os.Stdout,
		Stderr:     os.Stderr,
		RunAgent:   agent.Run,
		RunCommand: agent.RunCommand,
		RunGuest: func(ctx context.Context, g vmtest.Guest, argv ...string) (vmtest.Result, error) {
			return g.Run(ctx, argv...)
		},
	}
	os.Exit(program.Main(os.Args[1:]))
}
