// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Guest is a machine that runs one command under a kernel and ends with it. The zero value of a field is
// its default; only Kernel has none.
type Guest struct {
	// Kernel is the kernel that boots.
	Kernel Kernel
	// Init is the program that is the first process: one whose main calls [pid1.Main] first. The default is
	// the program that runs.
	Init string
	// Files are added to the guest, which otherwise has the command and busybox.
	Files []File
	// Modules are kernel modules to load before the command starts, with those that they depend on.
	Modules []string
	// Env is added to the command's environment, as KEY=VALUE.
	Env []string
	// Dir is the command's working directory, / by default.
	Dir string
	// Append is added to the command line of the kernel.
	Append string
	// CPUs is the number of processors, 1 by default.
	CPUs int
	// Memory of the guest in MiB, 1024 by default. The files are in it.
	Memory int
	// Disk gives the guest a disk of so many MiB with the file system ext4, at /tmp. All other files are in
	// memory, where some operations behave differently: reading does not look for signals.
	Disk int
	// Timeout is how long the guest may live. Without one it lives as long as its command.
	Timeout time.Duration
	// CountInstructions makes the guest's clock count instructions: each takes one nanosecond, so that
	// a time measured inside is a number of instructions and the same every time.
	CountInstructions bool
	// Return are absolute paths that the command may write, and that are brought back to the same paths
	// here. What is a directory here is one there, too.
	Return []string
	// Stdout and Stderr get the output of the command, nil throws it away.
	Stdout, Stderr io.Writer
	// Log gets the log of the kernel, nil throws it away.
	Log io.Writer
}

// Result is how the command in a guest ended.
type Result struct {
	// ExitCode is the exit code of the command, or 128 and the number of the signal that ended it.
	ExitCode int
	// Release is the kernel's release, as the guest told it.
	Release string
	// LSM is the guest's list of active Linux security modules, separated by commas.
	LSM string
	// Boot is how long the kernel took to start the first process, and Command how long the command ran,
	// both by the clock of the guest.
	Boot, Command time.Duration
}

// DeadError says that a guest ended and did not tell how its command ended.
type DeadError struct {
	// Reason says why.
	Reason string
	// Log is the end of the kernel's log.
	Log string
}

func (e *DeadError) Error() string { return "the guest died: " + e.Reason }

// The defaults of a guest.
const (
	defaultCPUs   = 1
	defaultMemory = 1024
)

// Run boots the guest and runs a command in it. argv[0] is a name for the guest's PATH, or a path: a program
// of this machine at that path comes along. The error is a [*DeadError] when the guest panicked or took too
// long.
func (g Guest) Run(ctx context.Context, argv ...string) (Result, error) {
	if len(argv) == 0 {
		return Result{}, errors.New("guest: no command")
	}
	if err := g.complete(argv); err != nil {
		return Result{}, fmt.Errorf("guest: %w", err)
	}
	major, err := qemuVersion()
	if err != nil {
		return Result{}, err
	}
	dir, err := os.MkdirTemp("", "vedette-guest-")
	if err != nil {
		return Result{}, fmt.Errorf("guest: %w", err)
	}
	result, err := g.boot(ctx, dir, major, argv)
	return result, errors.Join(err, os.RemoveAll(dir))
}

// complete puts the defaults in place, and adds the command to the files.
func (g *Guest) complete(argv []string) (err error) {
	if g.CPUs == 0 {
		g.CPUs = defaultCPUs
	}
	if g.Memory == 0 {
		g.Memory = defaultMemory
	}
	if g.Init == "" {
		if g.Init, err = os.Executable(); err != nil {
			return err
		}
	}
	if !strings.Contains(argv[0], "/") {
		return nil
	}
	if argv[0], err = filepath.Abs(argv[0]); err != nil {
		return err
	}
	if info, err := os.Stat(argv[0]); err == nil && info.Mode().IsRegular() {
		g.Files = append(g.Files[:len(g.Files):len(g.Files)], File{Host: argv[0]})
	}
	return nil
}

// boot runs QEMU in the temporary directory dir.
func (g *Guest) boot(ctx context.Context, dir string, major int, argv []string) (Result, error) {
	if g.Disk > 0 {
		g.Modules = append(diskModules, g.Modules...)
		if err := makeDisk(diskPath(dir), g.Disk); err != nil {
			return Result{}, fmt.Errorf("guest: %w", err)
		}
	}
	initramfs := filepath.Join(dir, "initramfs")
	if err := g.createInitramfs(initramfs, argv); err != nil {
		return Result{}, err
	}
	if g.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, g.Timeout)
		defer cancel()
	}
	kHz := uint64(countedKHz)
	if !g.CountInstructions {
		kHz = measureTSC()
	}
	cmd := exec.CommandContext(ctx, qemu, g.qemuArgs(dir, initramfs, g.threadsWork(major), kHz)...)
	report, err := newReport(dir, g.Return)
	if err != nil {
		return Result{}, err
	}
	log := &tail{}
	complaint := &tail{}
	cmd.Stderr = complaint
	runErr := runWithPipes(cmd, [ports]io.Writer{
		portLog: tee(log, g.Log), portStdout: tee(g.Stdout), portStderr: tee(g.Stderr), portReport: report,
	})
	result, err := report.finish()
	if err == nil {
		return result, nil
	}
	if !errors.Is(err, errNoReport) {
		return Result{}, err
	}
	return Result{}, g.died(ctx, runErr, log, complaint)
}

func (g *Guest) createInitramfs(path string, argv []string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("guest: %w", err)
	}
	return errors.Join(g.writeInitramfs(f, argv), f.Close())
}

// died says why there is no report.
func (g *Guest) died(ctx context.Context, err error, log, complaint *tail) error {
	dead := &DeadError{Reason: "it ended without a result", Log: log.String()}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		dead.Reason = fmt.Sprintf("it took longer than %v", g.Timeout)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		dead.Reason = fmt.Sprintf("%s: %v: %s", qemu, err, strings.TrimSpace(complaint.String()))
	case strings.Contains(dead.Log, "Kernel panic"):
		dead.Reason = "its kernel panicked"
	}
	return dead
}

// tee writes to all that are not nil.
func tee(writers ...io.Writer) io.Writer {
	var given []io.Writer
	for _, w := range writers {
		if w != nil {
			given = append(given, w)
		}
	}
	return io.MultiWriter(given...)
}
