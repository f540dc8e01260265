// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/test/lab"
)

// mustWatch runs a command with vedette run.
func mustWatch(t *testing.T, args ...string) lab.Result {
	t.Helper()
	lab.Privileged(t)
	return lab.Run(t, exec.Command(lab.Vedette(t), append([]string{"run"}, args...)...))
}

func TestRunExitStatus(t *testing.T) {
	for name, test := range map[string]struct {
		argv   []string
		status int
	}{
		"success":        {[]string{"true"}, 0},
		"status":         {[]string{"sh", "-c", "exit 42"}, 42},
		"signal":         {[]string{"sh", "-c", "kill -TERM $$"}, 128 + 15},
		"not found":      {[]string{"no-such-command-at-all"}, 127},
		"not executable": {[]string{"/etc/passwd"}, 126},
	} {
		t.Run(name, func(t *testing.T) {
			if r := mustWatch(t, append([]string{"--"}, test.argv...)...); r.Code != test.status {
				t.Errorf("status is to be %d: %+v", test.status, r)
			}
		})
	}
}

// TestRunKill names what ended the command: policy, hook and argument, in
// every one of several runs.
func TestRunKill(t *testing.T) {
	lab.Privileged(t)
	secret := mustWrite(t, "secret", secretText)
	policy := mustWrite(t, "policy.yaml", strings.ReplaceAll(otherPolicy, "FILE", secret))
	named := func(line string) bool {
		return strings.Contains(line, `killed by policy "other", hook `) && strings.HasSuffix(line, "sys_read, argument 0 = "+secret+"\n")
	}
	for range 20 {
		r := mustWatch(t, "-p", policy, "--", lab.Reader(t), "read", secret)
		if r.Code != 128+9 || !named(r.Stderr) || strings.Count(r.Stderr, "\n") != 1 {
			t.Fatalf("%+v", r)
		}
		if !strings.Contains(r.Stdout, "📚 read ") || !strings.Contains(r.Stdout, " SIGKILL\n") || strings.Contains(r.Stdout, secretText) {
			t.Fatalf("events:\n%s", r.Stdout)
		}
	}
	other := mustWrite(t, "other", secretText)
	if r := mustWatch(t, "-p", policy, "--", lab.Reader(t), "read", other); r.Code != 0 || r.Stderr != "" || !strings.Contains(r.Stdout, secretText) {
		t.Errorf("another file: %+v", r)
	}
}

// TestRunOutput checks whose events are shown, and in which form.
func TestRunOutput(t *testing.T) {
	lab.Privileged(t)
	// The command asks this process, which is none of its descendants, to
	// run another one while it lives.
	elsewhere := "echo started >&2; read line"
	run := func(flags ...string) string {
		t.Helper()
		cmd := exec.Command(lab.Vedette(t), append(append([]string{"run"}, flags...), "--", "sh", "-c", elsewhere)...)
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		told, tell, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, tell
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := told.Read(make([]byte, 16)); err != nil {
			t.Fatal(err)
		}
		lab.Run(t, exec.Command("/bin/true", "from elsewhere"))
		if _, err := stdin.Write([]byte("\n")); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		if err := tell.Close(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if out := run(); strings.Contains(out, "from elsewhere") || strings.Count(out, "\n") != 2 {
		t.Errorf("events of one command:\n%s", out)
	}
	if out := run("--all"); !strings.Contains(out, `/bin/true "from elsewhere"`) && !strings.Contains(out, `/bin/true "\"from elsewhere\""`) {
		t.Errorf("events of all:\n%s", out)
	}
	lines := strings.Split(strings.TrimSpace(run("-o", "json")), "\n")
	for i, kind := range []string{"process_exec", "process_exit"} {
		var e map[string]any
		if i >= len(lines) || json.Unmarshal([]byte(lines[i]), &e) != nil || e[kind] == nil {
			t.Errorf("line %d is not a %s:\n%s", i, kind, strings.Join(lines, "\n"))
		}
	}
}

// TestRunBesidesAgent runs a command with a policy while an agent runs:
// neither keeps the other from its work.
func TestRunBesidesAgent(t *testing.T) {
	lab.Privileged(t)
	a := lab.StartAgent(t)
	w := a.Watch()
	secret := mustWrite(t, "secret", secretText)
	policy := mustWrite(t, "policy.yaml", mustProtect(t, secret))
	r := mustWatch(t, "-p", policy, "--", lab.Reader(t), "pread64", secret)
	if r.Code != 128+9 {
		t.Errorf("%+v", r)
	}
	e := w.Await("exec of the reader", lab.ExecOf(lab.Reader(t), secret)).GetProcessExec()
	if e.GetParent().GetPid().GetValue() != r.PID {
		t.Errorf("parent %v, want pid %s", e.GetParent(), strconv.Itoa(int(r.PID)))
	}
}
