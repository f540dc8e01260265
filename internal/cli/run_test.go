// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/vedette-io/vedette/internal/agent"
	"github.com/vedette-io/vedette/internal/event"
)

// runWith returns a session whose commands end as given, after one event.
func runWith(result agent.CommandResult, err error, got *agent.Command) session {
	return session{runCommand: func(_ context.Context, cfg agent.Config, cmd agent.Command, emit func(*event.Event)) (agent.CommandResult, error) {
		if cfg.ServerAddress != "" || cfg.PolicyDir != "" {
			return agent.CommandResult{}, errors.New("a server or other policies were asked for")
		}
		if got != nil {
			*got = cmd
		}
		emit(&event.Event{Kind: event.KindExec, NodeName: "n", Process: &event.Process{Binary: cmd.Path, PID: 3}})
		return result, err
	}}
}

func mustScript(tb testing.TB) string {
	tb.Helper()
	path := mustWrite(tb, "script", "#!/bin/sh\n")
	if err := os.Chmod(path, 0o700); err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestRun(t *testing.T) {
	script := mustScript(t)
	line := "🚀 process n " + script + " \n"
	kill := &agent.Kill{Policy: "protect-secret", Hook: "__x64_sys_read", Argument: "argument 0 = /etc/secret"}
	for _, test := range []struct {
		name   string
		result agent.CommandResult
		err    error
		status int
		stdout string
		stderr string
	}{
		{"success", agent.CommandResult{}, nil, 0, line, ""},
		{"failure", agent.CommandResult{ExitCode: 3}, nil, 3, line, ""},
		{"killed by a policy", agent.CommandResult{ExitCode: 137, KilledBy: kill}, nil, 137, line,
			"vedette: killed by policy \"protect-secret\", hook __x64_sys_read, argument 0 = /etc/secret\n"},
		{"killed without an argument", agent.CommandResult{ExitCode: 137, KilledBy: &agent.Kill{Policy: "p", Hook: "h"}}, nil, 137, line,
			"vedette: killed by policy \"p\", hook h\n"},
		{"no root", agent.CommandResult{}, errors.New("vedette must run as root"), 1, line, "vedette: vedette must run as root\n"},
		{"bad format", agent.CommandResult{}, &agent.StartError{Path: script, Err: syscall.ENOEXEC}, 126, line, "vedette: " + script + ": cannot be executed: exec format error\n"},
		{"vanished", agent.CommandResult{}, &agent.StartError{Path: script, Err: syscall.ENOENT}, 127, line, "vedette: " + script + ": no such file or directory\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			runWith(test.result, test.err, nil).run(t, "run", "--", script).check(t, test.status, test.stdout, test.stderr)
		})
	}
}

func TestRunArguments(t *testing.T) {
	script := mustScript(t)
	good := mustWrite(t, "good.yaml", goodPolicy)
	for _, test := range []struct {
		args []string
		want agent.Command
	}{
		{[]string{script}, agent.Command{Path: script, Argv: []string{script}}},
		{[]string{script, "-o", "x", "--all"}, agent.Command{Path: script, Argv: []string{script, "-o", "x", "--all"}}},
		{[]string{"--all", "--", script, "--", "-p"}, agent.Command{Path: script, Argv: []string{script, "--", "-p"}, All: true}},
		{[]string{"-p", good, "--policy=" + good, script}, agent.Command{Path: script, Argv: []string{script}, Policies: []string{good, good}}},
	} {
		var got agent.Command
		runWith(agent.CommandResult{}, nil, &got).run(t, append([]string{"run"}, test.args...)...)
		if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(agent.Command{}, "Stdin", "Stdout", "Stderr")); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.args, diff)
		}
	}
}

func TestRunCommandNotFound(t *testing.T) {
	dir := t.TempDir()
	plain := mustWrite(t, "plain", "text")
	for name, test := range map[string]struct {
		status int
		want   string
	}{
		"no-such-command-here": {127, "no-such-command-here: command not found"},
		dir + "/missing":       {127, dir + "/missing: no such file or directory"},
		plain:                  {126, plain + ": cannot be executed: permission denied"},
		dir:                    {126, dir + ": cannot be executed: is a directory"},
	} {
		session{}.run(t, "run", "--", name).check(t, test.status, "", "vedette: "+test.want+"\n")
	}
	session{}.run(t, "run").check(t, exitUsage, "", "vedette: run needs a command to run, e.g. \"vedette run -- ls /tmp\" (see \"vedette run --help\")\n")
}

func TestRunPolicyErrors(t *testing.T) {
	bad := mustWrite(t, "bad.yaml", strings.Replace(goodPolicy, "subsystem", "subsytem", 1))
	got := session{}.run(t, "run", "-p", bad, "--", mustScript(t))
	if got.status != 1 || !strings.HasPrefix(got.stderr, bad+":7:5: error: ") || !strings.Contains(got.stderr, "\nvedette: the policies cannot be applied: ") {
		t.Errorf("status %d, %q", got.status, got.stderr)
	}
}

func TestRunOutput(t *testing.T) {
	script := mustScript(t)
	s := runWith(agent.CommandResult{}, nil, nil)
	const tail = `","auid":0,"tid":0,"in_init_tree":false}},"node_name":"n"}` + "\n"
	json := `{"process_exec":{"process":{"pid":3,"uid":0,"binary":"` + script + tail
	s.run(t, "run", "-o", "json", script).check(t, 0, json, "")

	file := filepath.Join(t.TempDir(), "events.json")
	s.run(t, "run", "-o", "json", "--output-file", file, script).check(t, 0, "", "")
	if got, err := os.ReadFile(file); err != nil || string(got) != json {
		t.Errorf("file has %q, %v, want %q", got, err, json)
	}
	// The command ends as it does, whoever reads its events.
	failing := runWith(agent.CommandResult{ExitCode: 4}, nil, nil)
	failing.stdout = &brokenPipe{}
	failing.run(t, "run", script).check(t, 4, "", "")
	failing.stdout = fullDisk{}
	failing.run(t, "run", script).check(t, 4, "", "vedette: write events: no space left on device\n")
}

// TestRunSignals checks which signals end a command: all but those that the terminal sends to it too.
func TestRunSignals(t *testing.T) {
	for number, ends := range map[syscall.Signal]bool{syscall.SIGINT: false, syscall.SIGTERM: true, syscall.SIGHUP: true} {
		parent, cancel := context.WithCancelCause(t.Context())
		ctx, stop := withoutInterrupt(parent)
		ended := make(chan struct{})
		context.AfterFunc(ctx, func() { close(ended) })
		cancel(signalError{number})
		if ends {
			<-ended
		}
		// What has been started by the end of the parent is over when another one has run.
		after := make(chan struct{})
		context.AfterFunc(parent, func() { close(after) })
		<-after
		if got := ctx.Err() != nil; got != ends {
			t.Errorf("%v ended the command: %v, want %v", number, got, ends)
		}
		stop()
	}
}

func TestWithSignals(t *testing.T) {
	ctx, stop := withSignals(t.Context())
	defer stop()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	var cause signalError
	if !errors.As(context.Cause(ctx), &cause) || cause.signal != syscall.SIGHUP {
		t.Errorf("cause %v", context.Cause(ctx))
	}
}
