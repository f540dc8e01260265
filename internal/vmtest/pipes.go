// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// runWithPipes runs a command whose descriptors from firstPipe on are pipes to the writers, and waits until
// the command has ended and all that it wrote is written. A writer that fails gets no more; the command
// goes on.
func runWithPipes(cmd *exec.Cmd, writers [ports]io.Writer) error {
	var wait sync.WaitGroup
	for _, w := range writers {
		read, write, err := os.Pipe()
		if err != nil {
			err = fmt.Errorf("guest: %w", err)
			return errors.Join(err, closeAll(cmd.ExtraFiles))
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, write)
		wait.Go(func() {
			defer read.Close()
			if _, err := io.Copy(w, read); err != nil {
				_, _ = io.Copy(io.Discard, read)
			}
		})
	}
	// It must not outlive this program, whatever ends it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := cmd.Start()
	err = errors.Join(err, closeAll(cmd.ExtraFiles))
	if err == nil {
		err = cmd.Wait()
	}
	wait.Wait()
	return err
}

func closeAll(files []*os.File) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
