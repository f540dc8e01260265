// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/event"
)

// runs runs a command line of the shell and returns how it ended and the
// lines that were told of it.
func runs(t *testing.T, cmd Command, script string) (CommandResult, []string) {
	t.Helper()
	if testing.Short() {
		t.Skip("loads programs into the kernel: not with -short")
	}
	if os.Geteuid() != 0 {
		t.Skip("loading BPF programs needs root")
	}
	cmd.Path, cmd.Argv = "/bin/sh", []string{"sh", "-c", script}
	cfg := DefaultConfig()
	var lines []string
	result, err := RunCommand(context.Background(), cfg, cmd, func(e *event.Event) {
		line, err := event.AppendCompact(nil, e, event.CompactOptions{})
		if err != nil {
			t.Error(err)
		}
		lines = append(lines, string(line))
	})
	if err != nil {
		t.Fatal(err)
	}
	return result, lines
}

func containsLine(lines []string, parts ...string) bool {
	return slices.ContainsFunc(lines, func(line string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) })
	})
}

func TestRunCommand(t *testing.T) {
	result, lines := runs(t, Command{}, "/bin/true; (/bin/false); exit 3")
	if result.ExitCode != 3 || result.KilledBy != nil {
		t.Errorf("result %+v", result)
	}
	for _, want := range [][]string{
		{"process", "/bin/sh", "exit 3"}, {"process", "/bin/true"}, {"exit", "/bin/true", " 0"},
		{"exit", "/bin/false", " 1"}, {"exit", "/bin/sh", " 3"},
	} {
		if !containsLine(lines, want...) {
			t.Errorf("no line with %q in\n%s", want, strings.Join(lines, "\n"))
		}
	}
}

// TestRunCommandKilledWithStack has the event of the kill wait for the names of
// its stack, longer than that of the end.
func TestRunCommandKilledWithStack(t *testing.T) {
	dir := t.TempDir()
	secret, file := filepath.Join(dir, "secret"), filepath.Join(dir, "policy.yaml")
	text := strings.Replace(readPolicy("keep", secret), "{action: Sigkill}", "{action: Post, kernelStackTrace: true, userStackTrace: true}, {action: Sigkill}", 1)
	for path, text := range map[string]string{secret: "secret", file: text} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	result, lines := runs(t, Command{Policies: []string{file}}, "read line < "+secret)
	if result.KilledBy == nil || result.KilledBy.Policy != "keep" {
		t.Errorf("result %+v, killed by %+v", result, result.KilledBy)
	}
	if !containsLine(lines, "read", secret) {
		t.Errorf("no read in\n%s", strings.Join(lines, "\n"))
	}
}

func TestRunCommandKilled(t *testing.T) {
	dir := t.TempDir()
	secret, file := filepath.Join(dir, "secret"), filepath.Join(dir, "policy.yaml")
	for path, text := range map[string]string{secret: "secret", file: readPolicy("keep", secret)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := Command{Policies: []string{file}}
	result, lines := runs(t, cmd, "exec /bin/cat < "+secret+" | /bin/cat")
	if result.ExitCode != 0 || result.KilledBy != nil {
		t.Errorf("only a part of the command was killed: %+v", result)
	}
	if !containsLine(lines, "read", secret) || !containsLine(lines, "exit", "SIGKILL") {
		t.Errorf("no kill in\n%s", strings.Join(lines, "\n"))
	}
	result, _ = runs(t, cmd, "read line < "+secret)
	want := Kill{Policy: "keep", Hook: "__x64_sys_read", Argument: "argument 0 = " + secret}
	if result.ExitCode != 128+9 || result.KilledBy == nil || *result.KilledBy != want {
		t.Errorf("result %+v, killed by %+v, want %+v", result, result.KilledBy, want)
	}
	result, _ = runs(t, cmd, "kill -9 $$")
	if result.ExitCode != 128+9 || result.KilledBy != nil {
		t.Errorf("killed by no policy: %+v", result)
	}
}

func TestRunCommandBadPolicy(t *testing.T) {
	if testing.Short() || os.Geteuid() != 0 {
		t.Skip("loads programs into the kernel: needs root, and not -short")
	}
	marker := filepath.Join(t.TempDir(), "ran")
	cmd := Command{Path: "/bin/touch", Argv: []string{"touch", marker}, Policies: []string{"/no/such/policy"}}
	if _, err := RunCommand(context.Background(), DefaultConfig(), cmd, func(*event.Event) {}); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("the command ran without its policy")
	}
}
