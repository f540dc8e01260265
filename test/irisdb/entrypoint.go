// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// The places of the database inside the container.
const (
	databasePath = "/usr/irissys/bin/irisdb"
	databaseDir  = "/usr/irissys/bin"
)

// entrypoint is pid 1 of the namespace: it starts the database, reaps every
// process that is left to it, and ends with the database.
func entrypoint(args []string) error {
	db, err := os.StartProcess(databasePath, append([]string{databasePath}, args...), &os.ProcAttr{
		Dir: databaseDir, Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Env: os.Environ(),
	})
	if err != nil {
		return fmt.Errorf("start the database: %w", err)
	}
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("wait: %w", err)
		}
		if pid != db.Pid {
			continue
		}
		if status.ExitStatus() != 0 {
			return fmt.Errorf("the database ended with status %#x", int(status))
		}
		return nil
	}
}
