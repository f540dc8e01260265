// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }

// hookEvent is what the tests look at of an event.
type hookEvent struct {
	FunctionName string `json:"function_name"`
	PolicyName   string `json:"policy_name"`
	Message      string
	Action       string
	Args         []map[string]any
	Return       map[string]any
}

// mustWatch runs a command under a policy and returns its end and all events,
// a line each.
func mustWatch(t *testing.T, policy string, argv ...string) (lab.Result, string) {
	t.Helper()
	lab.Privileged(t)
	out := filepath.Join(t.TempDir(), "events")
	args := append([]string{"run", "-p", policy, "-o", "json", "--output-file", out, "--"}, argv...)
	r := lab.Run(t, exec.Command(lab.Vedette(t), args...))
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
	return r, string(text)
}

// mustRun runs a command under a policy and returns its end and the events
// of the policy.
func mustRun(t *testing.T, policy string, argv ...string) (lab.Result, []hookEvent) {
	t.Helper()
	r, text := mustWatch(t, policy, argv...)
	var events []hookEvent
	for line := range strings.Lines(text) {
		var e struct {
			Kprobe     *hookEvent `json:"process_kprobe"`
			Tracepoint *hookEvent `json:"process_tracepoint"`
			Uprobe     *hookEvent `json:"process_uprobe"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		for _, h := range []*hookEvent{e.Kprobe, e.Tracepoint, e.Uprobe} {
			if h != nil {
				events = append(events, *h)
			}
		}
	}
	return r, events
}

// mustAim returns the path of a policy like an example, with another value in
// place of the one that the example has.
func mustAim(t *testing.T, name, value, with string) string {
	t.Helper()
	text, err := os.ReadFile(lab.ExamplePolicy(name))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), value) {
		t.Fatalf("%s does not have the value %s", name, value)
	}
	path := filepath.Join(t.TempDir(), name+".yaml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), value, with)), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// find returns the events whose function or message is the one given.
func find(events []hookEvent, what string) []hookEvent {
	var out []hookEvent
	for _, e := range events {
		if strings.HasSuffix(e.FunctionName, what) || e.Message == what {
			out = append(out, e)
		}
	}
	return out
}

// file returns the path of an argument that is a file.
func file(arg map[string]any) any {
	f, _ := arg["file_arg"].(map[string]any)
	return f["path"]
}

// TestLint checks every example without a kernel.
func TestLint(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: builds the product")
	}
	files, err := filepath.Glob("policies/*.yaml")
	if err != nil || len(files) < 40 {
		t.Fatalf("examples %v, %v", files, err)
	}
	list, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{"protect-secret-file": true, "syscalls-per-binary": true, "file-access": true, "commands": true, "connect": true, "name-lookups": true,
		"mapped-code": true}
	for _, r := range rows("/") {
		tested[r.policy] = true
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".yaml")
		t.Run(name, func(t *testing.T) {
			r := lab.Run(t, exec.Command(lab.Vedette(t), "tracingpolicy", "lint", f))
			if r.Code != 0 || !strings.Contains(r.Stdout+r.Stderr, "no errors, no warnings") {
				t.Errorf("lint: %+v", r)
			}
			if !bytes.Contains(list, []byte("(policies/"+filepath.Base(f)+")")) {
				t.Error("README.md does not list this example")
			}
			if !tested[name] {
				t.Error("no test loads this example")
			}
		})
	}
}

func TestProtectSecretFile(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("a secret\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	policy := mustAim(t, "protect-secret-file", "/etc/vedette-example/secret", secret)
	r, events := mustRun(t, policy, "head", "-c", "1", secret)
	if r.Code != 137 || r.Stdout != "" || !strings.Contains(r.Stderr, `killed by policy "protect-secret-file"`) {
		t.Errorf("head: %+v", r)
	}
	if len(events) != 1 || events[0].Action != "KPROBE_ACTION_SIGKILL" || file(events[0].Args[0]) != secret {
		t.Errorf("events %+v", events)
	}
	if r, events := mustRun(t, policy, "cat", "/etc/passwd"); r.Code != 0 || len(events) != 0 {
		t.Errorf("another file: %+v, %v", r, events)
	}
}

func TestSyscallsPerBinary(t *testing.T) {
	r, events := mustRun(t, lab.ExamplePolicy("syscalls-per-binary"), "/bin/sh", "-c", "uname; cat /dev/null")
	if r.Code != 0 || len(events) == 0 {
		t.Fatalf("%+v, %d events", r, len(events))
	}
	calls := map[any]int{}
	for _, e := range events {
		id, ok := e.Args[0]["syscall_id"].(map[string]any)
		if !ok {
			t.Fatalf("event %+v", e)
		}
		calls[id["id"]]++
	}
	// uname is 63 on x86-64 and 160 on arm64.
	if calls[float64(63)]+calls[float64(160)] != 1 {
		t.Errorf("calls of uname %v", calls)
	}
	for id, n := range calls {
		if n != 1 {
			t.Errorf("call %v is told %d times in a minute", id, n)
		}
	}
	if _, events := mustRun(t, lab.ExamplePolicy("syscalls-per-binary"), "cat", "/dev/null"); len(events) != 0 {
		t.Errorf("events of another program: %v", events)
	}
}

func TestFileAccess(t *testing.T) {
	dir := t.TempDir()
	policy := mustAim(t, "file-access", "/etc/vedette-example", dir)
	path := filepath.Join(dir, "data")
	r, events := mustRun(t, policy, "/bin/sh", "-c", "echo hello > "+path+"; read line < "+path+"; : < /etc/passwd")
	if r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	opened, written, read := find(events, "file opened"), find(events, "file written"), find(events, "file read")
	if len(opened) < 2 || file(opened[0].Args[1]) != path {
		t.Errorf("opened: %+v", opened)
	}
	if len(written) != 1 || file(written[0].Args[0]) != path || written[0].Args[1]["size_arg"] != "6" {
		t.Errorf("written: %+v", written)
	}
	if len(read) == 0 || file(read[0].Args[0]) != path {
		t.Errorf("read: %+v", read)
	}
	for _, e := range events {
		if e.PolicyName != "file-access" || e.Action != "KPROBE_ACTION_POST" {
			t.Errorf("event %+v", e)
		}
	}
}

func TestCommands(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "vedette-example-tool")
	if err := os.Symlink("/bin/true", tool); err != nil {
		t.Fatal(err)
	}
	r, events := mustRun(t, lab.ExamplePolicy("commands"), "/bin/sh", "-c", tool+" -e /bin/sh; /bin/true")
	if r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	if len(events) != 1 || events[0].Message != "network tool" || events[0].Args[0]["string_arg"] != tool {
		t.Errorf("events %+v", events)
	}
}

func TestConnect(t *testing.T) {
	// Nobody listens at port 1 of this machine.
	_, events := mustRun(t, lab.ExamplePolicy("connect"), "/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/1")
	if len(events) != 1 {
		t.Fatalf("events %+v", events)
	}
	e := events[0]
	if e.Args[1]["int_arg"] != float64(16) || e.Return["int_arg"] != float64(-111) {
		t.Errorf("event %+v", e)
	}
	if _, events := mustRun(t, lab.ExamplePolicy("connect"), "/bin/true"); len(events) != 0 {
		t.Errorf("events of a program that does not connect: %v", events)
	}
}

func TestNameLookups(t *testing.T) {
	r, events := mustRun(t, lab.ExamplePolicy("name-lookups"), "getent", "ahosts", "localhost")
	if r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	if len(events) == 0 {
		t.Fatal("no events")
	}
	args := events[0].Args
	if len(args) != 2 || args[0]["string_arg"] != "localhost" || args[1]["int_arg"] != float64(0) || events[0].Message != "name looked up" {
		t.Errorf("event %+v", events[0])
	}
	if _, events := mustRun(t, lab.ExamplePolicy("name-lookups"), "/bin/true"); len(events) != 0 {
		t.Errorf("events of a program that looks up no name: %v", events)
	}
}
