// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/test/lab"
)

// protect is the example policy that protects a secret file.
const protect = "protect-secret-file"

const secretText = "a secret\n"

// mustProtect returns the example policy for a file of the test's own.
func mustProtect(tb testing.TB, path string) string {
	tb.Helper()
	text := mustRead(tb, lab.ExamplePolicy(protect))
	const value = `"/etc/vedette-example/secret"`
	if !strings.Contains(text, value) {
		tb.Fatal("the example does not protect what this test replaces")
	}
	return strings.ReplaceAll(text, value, `"`+path+`"`)
}

// TestProtect reads the protected file in every way that there is: each ends
// in SIGKILL at the call that its event names, and with no byte out. The same
// on another file is left alone.
func TestProtect(t *testing.T) {
	lab.Privileged(t)
	a := lab.StartAgent(t)
	secret, other := mustWrite(t, "secret", secretText), mustWrite(t, "other", secretText)
	a.AddPolicy(mustProtect(t, secret))
	w := a.Watch()
	for mode, call := range map[string]string{
		"read": "read", "pread64": "pread64", "readv": "readv", "preadv": "preadv", "preadv2": "preadv2",
		"copy_file_range": "copy_file_range", "sendfile": "sendfile64", "splice": "splice", "mmap": "mmap",
		"scm-rights": "read", "inherited": "read", "dup": "read", "dup2": "read", "fcntl-dupfd": "read", "thread": "read",
	} {
		t.Run(mode, func(t *testing.T) {
			w := w.For(t)
			r := lab.Run(t, exec.Command(lab.Reader(t), mode, secret))
			if !r.Killed() || r.Stdout != "" {
				t.Errorf("the secret: %+v", r)
			}
			killed := r.PID
			if mode == "inherited" {
				exec := w.Await("heir", lab.ExecOf(lab.Reader(t), "stdin "+secret)).GetProcessExec()
				killed = exec.GetProcess().GetPid().GetValue()
			}
			e := w.Await("kill event", func(e *lab.Event) bool {
				return lab.Kprobe(protect)(e) && e.GetProcessKprobe().GetProcess().GetPid().GetValue() == killed
			})
			checkKill(t, e, call, secret)
			if r := lab.Run(t, exec.Command(lab.Reader(t), mode, other)); r.Code != 0 || r.Stdout != secretText {
				t.Errorf("another file: %+v", r)
			}
		})
	}
}

func checkKill(t *testing.T, e *lab.Event, call, path string) {
	t.Helper()
	k := e.GetProcessKprobe()
	if !strings.HasSuffix(k.GetFunctionName(), "sys_"+call) || k.GetAction() != tetragon.KprobeAction_KPROBE_ACTION_SIGKILL {
		t.Errorf("killed by %s, action %v, want sys_%s", k.GetFunctionName(), k.GetAction(), call)
	}
	if len(k.GetArgs()) != 1 || k.GetArgs()[0].GetFileArg().GetPath() != path {
		t.Errorf("arguments %v, want the file %s", k.GetArgs(), path)
	}
}

// TestProtectOpenFile loads the policy when a process has the file open
// already.
func TestProtectOpenFile(t *testing.T) {
	lab.Privileged(t)
	a := lab.StartAgent(t)
	secret := mustWrite(t, "secret", secretText)
	cmd := exec.Command(lab.Reader(t), "await", secret)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, told, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stderr = told
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := told.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	a.AddPolicy(mustProtect(t, secret))
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the reader ended with %v, want it killed", err)
	}
}

// spellings are other ways to name the file.
func TestProtectSpellings(t *testing.T) {
	lab.Privileged(t)
	a := lab.StartAgent(t)
	secret := mustWrite(t, "secret", secretText)
	a.AddPolicy(mustProtect(t, secret))
	link := mustWrite(t, "link", "")
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, link); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"symbolic link": link, "dots": "/proc/../" + secret, "slashes": "//" + secret, "root of a process": "/proc/self/root" + secret,
	} {
		t.Run(name, func(t *testing.T) {
			if r := lab.Run(t, exec.Command("cat", path)); !r.Killed() || r.Stdout != "" {
				t.Errorf("%+v", r)
			}
		})
	}
}
