// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vedette-io/vedette/internal/vmtest"
)

// The flags of run that are about the guest, and not passed on to the program in it.
const (
	kernelFlag    = "kernel"
	guestFileFlag = "guest-file"
)

// runInGuest runs this program in a guest, where it does what it was asked to do here.
func (r *runCommand) runInGuest(cmd *cobra.Command, argv []string) error {
	if err := r.checkPolicies(); err != nil {
		return err
	}
	guest, err := r.guest(argv)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("guest: %w", err)
	}
	result, err := r.program.RunGuest(cmd.Context(), guest, append([]string{self}, r.guestArgs(cmd, argv)...)...)
	var dead *vmtest.DeadError
	if errors.As(err, &dead) {
		return fmt.Errorf("%w\n%s", err, dead.Log)
	}
	if err != nil {
		return err
	}
	if result.ExitCode != 0 {
		return &exitError{status: result.ExitCode}
	}
	return nil
}

// guest describes the guest for a command.
func (r *runCommand) guest(argv []string) (vmtest.Guest, error) {
	g := vmtest.Guest{Stdout: r.program.Stdout, Stderr: r.program.Stderr}
	var err error
	if g.Kernel, err = vmtest.Find(r.kernel); err != nil {
		return g, err
	}
	if g.Dir, err = os.Getwd(); err != nil {
		return g, fmt.Errorf("guest: %w", err)
	}
	for _, text := range r.guestFiles {
		f, err := vmtest.ParseFile(text)
		if err != nil {
			return g, fmt.Errorf("--%s: %w", guestFileFlag, err)
		}
		g.Files = append(g.Files, f)
	}
	own := r.policies
	// What is no command here may be one of busybox's.
	if path, err := exec.LookPath(argv[0]); err == nil {
		own = append(own[:len(own):len(own)], path)
	}
	for _, path := range own {
		path, err := filepath.Abs(path)
		if err != nil {
			return g, fmt.Errorf("guest: %w", err)
		}
		g.Files = append(g.Files, vmtest.File{Host: path})
	}
	if r.outputFile != "" {
		path, err := filepath.Abs(r.outputFile)
		if err != nil {
			return g, fmt.Errorf("output file: %w", err)
		}
		g.Return = append(g.Return, path)
	}
	return g, nil
}

// guestArgs returns the arguments of this program in the guest: those that it was given, but for those about
// the guest.
func (r *runCommand) guestArgs(cmd *cobra.Command, argv []string) []string {
	args := []string{cmd.Name()}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch values := f.Value.(type) {
		case pflag.SliceValue:
			if f.Name == guestFileFlag {
				return
			}
			for _, value := range values.GetSlice() {
				args = append(args, "--"+f.Name+"="+value)
			}
		default:
			if f.Name != kernelFlag {
				args = append(args, "--"+f.Name+"="+f.Value.String())
			}
		}
	})
	command := argv[0]
	if path, err := exec.LookPath(command); err == nil {
		command = path
	}
	return append(append(args, "--", command), argv[1:]...)
}
