// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
)

// modes are the kinds of processes.
var modes = map[string]func(args []string) error{
	"thread-exec":  threadExec,
	"thread-seek":  threadSeek,
	"fork-exit":    forkExit,
	"deep":         deep,
	"memory-exec":  memoryExec,
	"deleted-exec": deletedExec,
	"storm":        storm,
	"procs":        procs,
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "proc:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 || modes[args[0]] == nil {
		return errors.New("unknown mode; see the documentation of the package")
	}
	return modes[args[0]](args[1:])
}

// need returns an error when there are fewer than n arguments.
func need(args []string, n int) error {
	if len(args) < n {
		return fmt.Errorf("%d arguments are needed, not %d", n, len(args))
	}
	return nil
}
