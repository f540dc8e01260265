// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/test/lab"
)

const seedName = "iris-read-file-sigkill"

// TestSeed is the scenario that started the project, with its policy
// unchanged.
func TestSeed(t *testing.T) {
	lab.Privileged(t)
	a := lab.StartAgent(t, "--tracing-policy", lab.SeedPolicy())
	c := lab.StartContainer(t)
	w := a.Watch()
	if list := a.Vedette("tp", "list"); !strings.Contains(list, seedName) || !strings.Contains(list, "enabled") {
		t.Fatalf("the policy is not loaded:\n%s", list)
	}
	t.Run("cat from outside is killed", func(t *testing.T) { seedKills(t, c) })
	t.Run("events", func(t *testing.T) { seedEvents(t, w.For(t)) })
	t.Run("session from outside", func(t *testing.T) { seedSession(t, c) })
	t.Run("the database reads its key", func(t *testing.T) { seedDatabase(t, c) })
	t.Run("other files and commands", func(t *testing.T) { seedOthers(t, c) })
	t.Run("host", func(t *testing.T) { seedHost(t, c) })
}

// seedKills enters the container a hundred times: each cat is killed, and
// not a byte of the key is printed.
func seedKills(t *testing.T, c *lab.Container) {
	killed, silent := 0, 0
	for range 100 {
		r := lab.Run(t, c.Enter("cat", lab.KeyFile))
		if r.Killed() {
			killed++
		}
		if r.Stdout == "" {
			silent++
		}
	}
	if killed != 100 || silent != 100 {
		t.Errorf("%d of 100 killed, %d of 100 without a byte printed", killed, silent)
	}
	if r := lab.Run(t, c.Enter("cat", lab.SecretFile)); !r.Killed() || r.Stdout != "" {
		t.Errorf("the secret below the other prefix: %+v", r)
	}
}

// seedEvents checks that each kill is told once, and its process's end.
func seedEvents(t *testing.T, w *lab.Events) {
	w.Settle()
	kill := func(e *lab.Event) bool {
		k := e.GetProcessKprobe()
		return k.GetPolicyName() == seedName && k.GetAction() == tetragon.KprobeAction_KPROBE_ACTION_SIGKILL
	}
	kills := w.AwaitN("kill of each cat", 101, kill)
	if len(kills) != 101 {
		t.Errorf("%d events of 101 kills", len(kills))
	}
	for _, e := range kills {
		k := e.GetProcessKprobe()
		if !strings.HasSuffix(k.GetFunctionName(), "sys_read") || k.GetProcess().GetBinary() != "/usr/bin/cat" ||
			!strings.HasPrefix(k.GetArgs()[0].GetFileArg().GetPath(), "/usr/irissys/") {
			t.Fatalf("kill event %s", lab.JSON(e))
		}
		exit := w.Await("exit of the cat", lab.Exit(k.GetProcess().GetPid().GetValue())).GetProcessExit()
		if exit.GetSignal() != "SIGKILL" || exit.GetProcess().GetExecId() != k.GetProcess().GetExecId() {
			t.Fatalf("exit event %v", exit)
		}
	}
}

// seedSession checks what a user of the database sees who came from outside.
func seedSession(t *testing.T, c *lab.Container) {
	s := c.EnterSession()
	for line, want := range map[string]int{
		"ZF cat " + lab.KeyFile:              -1,
		"SHELL exec cat " + lab.SecretFile:   -1,
		"ZF cat " + lab.OtherFile:            0,
		"ZF pwd":                             0,
		"ZF ls /usr/irissys/mgr":             0,
		"SHELL exit 3":                       3,
		"SHELL cat " + lab.OtherFile + "; :": 0,
	} {
		if out, code := s.Do(line); code != want || want == -1 && out != "" {
			t.Errorf("%s: exit code %d, want %d; printed %q", line, code, want, out)
		}
	}
}

// seedDatabase checks that pid 1's child and its children read the key.
func seedDatabase(t *testing.T, c *lab.Container) {
	for line, want := range map[string]string{
		"READKEY":                          "key: 24 bytes\n",
		"ZF cat " + lab.KeyFile:            "the key of the database\n",
		"SHELL cat " + lab.KeyFile + "; :": "the key of the database\n",
		"SHELL cat " + lab.SecretFile:      "a password\n",
	} {
		if out, code := c.Do(line); code != 0 || out != want {
			t.Errorf("%s: exit code %d, printed %q", line, code, out)
		}
	}
}

func seedOthers(t *testing.T, c *lab.Container) {
	for _, argv := range [][]string{
		{"cat", lab.OtherFile}, {"ls", "-l", lab.KeyFile}, {"stat", lab.KeyFile}, {"bash", "-c", "echo hello"}, {"test", "-r", lab.KeyFile},
	} {
		if r := lab.Run(t, c.Enter(argv...)); r.Code != 0 {
			t.Errorf("%q: %+v", argv, r)
		}
	}
}

// seedHost reads files of the same paths in the host's pid namespace: those
// of the container from a process that enters its mount namespace only, and
// through the container's root.
func seedHost(t *testing.T, c *lab.Container) {
	full := c.Enter("cat", lab.KeyFile).Args
	for i, arg := range full {
		if arg == "-p" {
			full = append(full[:i:i], full[i+1:]...)
			break
		}
	}
	if r := lab.Run(t, exec.Command(full[0], full[1:]...)); r.Code != 0 || r.Stdout != "the key of the database\n" {
		t.Errorf("same path, pid namespace of the host: %+v", r)
	}
	key := filepath.Join("/proc", full[2], "root", lab.KeyFile)
	// Not this process: it would be the one that is killed.
	if r := lab.Run(t, exec.Command("cat", key)); r.Code != 0 || r.Stdout != "the key of the database\n" {
		t.Errorf("%s: %+v", key, r)
	}
}

// TestLineage tells a direct call of the database from one through a shell
// by the parents, in both forms of output, with no policy at all.
func TestLineage(t *testing.T) {
	lab.Privileged(t)
	a := lab.StartAgent(t)
	c := lab.StartContainer(t)
	w := a.Watch()
	const database = "/usr/irissys/bin/irisdb"
	if _, code := c.Do("ZF /usr/bin/cat " + lab.OtherFile); code != 0 {
		t.Fatal(code)
	}
	if _, code := c.Do("SHELL /usr/bin/head -c 1 " + lab.OtherFile + "; true"); code != 0 {
		t.Fatal(code)
	}
	direct := w.Await("cat", lab.ExecOf("/usr/bin/cat", lab.OtherFile)).GetProcessExec()
	if p := direct.GetParent(); p.GetBinary() != database || p.GetArguments() != "-w /home/irisowner -s /usr/irissys/mgr" || p.GetCwd() != "/usr/irissys/bin" {
		t.Errorf("parent of a direct call: %v", p)
	}
	if p := direct.GetProcess(); p.GetCwd() != "/usr/irissys/bin" || !strings.HasPrefix(p.GetFlags(), "execve") || p.GetParentExecId() != direct.GetParent().GetExecId() {
		t.Errorf("direct call: %v", p)
	}
	shelled := w.Await("head", lab.ExecOf("/usr/bin/head", lab.OtherFile)).GetProcessExec()
	shell := shelled.GetParent()
	if !strings.HasSuffix(shell.GetBinary(), "/bin/bash") || shell.GetArguments() != `-c "/usr/bin/head -c 1 `+lab.OtherFile+`; true"` {
		t.Errorf("parent of a call through a shell: %v", shell)
	}
	above := w.Await("the shell", lab.ExecOf(shell.GetBinary(), lab.OtherFile)).GetProcessExec()
	if above.GetProcess().GetExecId() != shell.GetExecId() || above.GetParent().GetExecId() != direct.GetParent().GetExecId() {
		t.Errorf("the shell's own event %v", above)
	}
	lineageOutput(t, direct)
}

// lineageOutput checks the two forms that people and programs read.
func lineageOutput(t *testing.T, exec *tetragon.ProcessExec) {
	t.Helper()
	e := &lab.Event{Event: &tetragon.GetEventsResponse_ProcessExec{ProcessExec: exec}, NodeName: "node"}
	text := lab.JSON(e)
	compact := mustGetEvents(t, text, "-o", "compact", "--color", "never")
	if want := "🚀 process node /usr/bin/cat " + lab.OtherFile; strings.TrimSpace(compact) != want {
		t.Errorf("compact %q, want %q", compact, want)
	}
	var got struct {
		ProcessExec struct {
			Process, Parent struct{ Cwd, Binary, Arguments, Flags string }
		} `json:"process_exec"`
	}
	if err := json.Unmarshal([]byte(mustGetEvents(t, text, "-o", "json")), &got); err != nil {
		t.Fatal(err)
	}
	if p := got.ProcessExec; p.Process.Binary != "/usr/bin/cat" || p.Process.Arguments != lab.OtherFile || p.Process.Cwd != "/usr/irissys/bin" ||
		!strings.HasPrefix(p.Process.Flags, "execve") || p.Parent.Binary != "/usr/irissys/bin/irisdb" {
		t.Errorf("json %+v", p)
	}
}

// mustGetEvents has getevents read events from its standard input.
func mustGetEvents(t *testing.T, events string, args ...string) string {
	t.Helper()
	cmd := exec.Command(lab.Vedette(t), append([]string{"getevents"}, args...)...)
	cmd.Stdin = strings.NewReader(strings.ReplaceAll(events, "\n", "") + "\n")
	r := lab.Run(t, cmd)
	if r.Code != 0 {
		t.Fatalf("getevents: %+v", r)
	}
	return r.Stdout
}
