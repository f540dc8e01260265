// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/vedette-io/vedette/internal/agent"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/policy"
)

const runHelp = `Run a command, and print what it and its descendants do. Nothing needs to run before, and nothing is left behind:
an agent without a server starts inside this program and ends with the command. It must run as root.

Policies given with -p apply to the whole machine as long as the command runs, unless they say otherwise.

The exit status is that of the command, or 128 and the number of the signal that ended it. When a policy ended it,
the policy is named on standard error. As in a shell it is 127 for a command that is not found, and 126 for one that
cannot be executed. Ctrl-C goes to the command.

With --kernel all of this happens under another kernel, in a guest that QEMU emulates and that is gone afterwards. It
needs no root. The guest has the command with its libraries, the policies, busybox, and what --guest-file names; it has
no input and no network. scripts/kernels.sh fetches kernels.`

const runExample = `  # What does a build start?
  sudo vedette run -- make

  # Try a policy out
  sudo vedette run -p protect-secret.yaml -- cat /etc/secret

  # The events to a file, the output of the command to the terminal
  sudo vedette run -o json --output-file events.json -- ./install.sh

  # The same policy under Linux 5.10
  vedette run --kernel 5.10 --guest-file /etc/secret -p protect-secret.yaml -- cat /etc/secret`

// runCommand is the command run.
type runCommand struct {
	program    Program
	cfg        agent.Config
	format     eventFormat
	policies   []string
	all        bool
	outputFile string
	// kernel and guestFiles are of a guest; without a kernel the command runs on this machine.
	kernel     string
	guestFiles []string
}

// newRunCommand returns the command that runs a command and watches it.
func newRunCommand(p Program) *cobra.Command {
	r := &runCommand{program: p, cfg: agent.DefaultConfig()}
	cmd := &cobra.Command{
		Use:     "run [-p POLICY]... [flags] -- COMMAND [ARG...]",
		Short:   "Run a command, and print what it does",
		Long:    runHelp,
		Example: runExample,
		Args:    arguments("a command to run, e.g. \"vedette run -- ls /tmp\"", 1, -1),
		RunE:    func(cmd *cobra.Command, args []string) error { return r.run(cmd, args) },
	}
	flags := cmd.Flags()
	// What follows the command's name is the command's.
	flags.SetInterspersed(false)
	flags.StringArrayVarP(&r.policies, "policy", "p", nil, "policy `file` to apply; can be given several times")
	flags.BoolVar(&r.all, "all", false, "print the events of the whole machine, not only those of the command")
	flags.StringVar(&r.outputFile, "output-file", "", "`file` to write events to instead of standard output")
	flags.StringSliceVar(&r.cfg.Attach, attachFlag, nil, attachUsage)
	flags.BoolVar(&r.cfg.EnableProcessCred, "enable-process-cred", false, "tell the credentials and capabilities of processes")
	flags.BoolVar(&r.cfg.EnableProcessNS, "enable-process-ns", false, "tell the namespaces of processes")
	flags.StringVar(&r.kernel, kernelFlag, "", "run under another `kernel`, in a guest: 5.10, 6.12, newest, or a directory")
	flags.StringArrayVar(&r.guestFiles, guestFileFlag, nil, "`file` or directory for the guest, as HOST or HOST:GUEST; can be given several times")
	r.format.addFlags(cmd, formatCompact)
	completeFlag(cmd, "policy", completePolicyFiles)
	return cmd
}

func (r *runCommand) run(cmd *cobra.Command, argv []string) (err error) {
	if r.kernel != "" {
		return r.runInGuest(cmd, argv)
	}
	if len(r.guestFiles) > 0 {
		return usageErrorf(cmd, "--%s needs --%s", guestFileFlag, kernelFlag)
	}
	path, err := findCommand(argv[0])
	if err != nil {
		return err
	}
	if err := r.checkPolicies(); err != nil {
		return err
	}
	out := r.program.Stdout
	if r.outputFile != "" {
		file, err := os.Create(r.outputFile)
		if err != nil {
			return fmt.Errorf("output file: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		out = file
	}
	r.cfg.Version = Version()
	// Nobody is served, and nothing is loaded but what the command line names.
	r.cfg.ServerAddress, r.cfg.PolicyDir = "", ""

	ctx, stop := withoutInterrupt(cmd.Context())
	defer stop()
	printer := newEventPrinter(out, r.format)
	var printErr error
	result, err := r.program.RunCommand(ctx, r.cfg, r.command(path, argv), func(e *event.Event) {
		// The command goes on when nobody reads its events any more.
		if printErr == nil {
			printErr = errors.Join(printer.Print(e), printer.Flush())
		}
	})
	if err != nil {
		return startError(argv[0], err)
	}
	return r.finish(result, printErr)
}

// command describes the command for the agent.
func (r *runCommand) command(path string, argv []string) agent.Command {
	stdout, _ := r.program.Stdout.(*os.File)
	stderr, _ := r.program.Stderr.(*os.File)
	return agent.Command{
		Path: path, Argv: argv, Policies: r.policies, All: r.all,
		Stdin: r.program.Stdin, Stdout: stdout, Stderr: stderr,
	}
}

// checkPolicies shows what is wrong with the policies before anything is started.
func (r *runCommand) checkPolicies() error {
	l := &linter{program: r.program}
	var all []policy.Diagnostic
	for _, file := range r.policies {
		result := l.lint(file)
		if err := policy.Render(r.program.Stderr, result.source, result.diagnostics, useColor(r.program.Stderr, r.format.color)); err != nil {
			return err
		}
		all = append(all, result.diagnostics...)
	}
	if policy.HasErrors(all) {
		return fmt.Errorf("the policies cannot be applied: %s", countDiagnostics(all))
	}
	return nil
}

// finish says how the command ended, and ends as it did.
func (r *runCommand) finish(result agent.CommandResult, printErr error) error {
	if printErr != nil && !errors.Is(printErr, syscall.EPIPE) {
		errorf(r.program.Stderr, "write events: %v", printErr)
	}
	if kill := result.KilledBy; kill != nil {
		argument := ""
		if kill.Argument != "" {
			argument = ", " + kill.Argument
		}
		errorf(r.program.Stderr, "killed by policy %q, hook %s%s", kill.Policy, kill.Hook, argument)
	}
	if result.ExitCode != 0 {
		return &exitError{status: result.ExitCode}
	}
	return nil
}

// findCommand finds an executable as a shell does.
func findCommand(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", startError(name, &agent.StartError{Path: name, Err: err})
	}
	return path, nil
}

// startError returns the error of a command that did not run, with the status of a shell.
func startError(name string, err error) error {
	var start *agent.StartError
	if !errors.As(err, &start) {
		return err
	}
	switch {
	case errors.Is(start, exec.ErrNotFound):
		return &exitError{exitNotFound, fmt.Errorf("%s: command not found", name)}
	case errors.Is(start, fs.ErrNotExist):
		return &exitError{exitNotFound, fmt.Errorf("%s: no such file or directory", name)}
	}
	reason := start.Err
	var found *exec.Error
	if errors.As(reason, &found) {
		reason = found.Err
	}
	return &exitError{exitNotExecutable, fmt.Errorf("%s: cannot be executed: %w", name, reason)}
}

// withoutInterrupt returns a context that an interrupt from the terminal does not end: it reaches the
// command too, and the command decides what to do about it.
func withoutInterrupt(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	// As long as somebody listens, the signals do not end this program.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, syscall.SIGINT, syscall.SIGQUIT)
	stopFollowing := context.AfterFunc(parent, func() {
		var ending signalError
		if errors.As(context.Cause(parent), &ending) && ending.signal == syscall.SIGINT {
			return
		}
		cancel(context.Cause(parent))
	})
	return ctx, func() {
		stopFollowing()
		signal.Stop(interrupts)
		cancel(context.Canceled)
	}
}
