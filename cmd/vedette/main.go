// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"github.com/vedette-io/vedette/internal/agent"
	"github.com/vedette-io/vedette/internal/cli"
)

func main() {
	program := cli.Program{
		Stdin:      os.Stdin,
		Stdout:     os.Stdout,
		Stderr:     os.Stderr,
		RunAgent:   agent.Run,
		RunCommand: agent.RunCommand,
	}
	os.Exit(program.Main(os.Args[1:]))
}
