// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/test/lab"
)

// seekPolicy tells the marked lseek calls of the test program.
const seekPolicy = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: "seek"
spec:
  kprobes:
  - call: "sys_lseek"
    syscall: true
    args: [{index: 2, type: int}]
    selectors:
    - matchArgs: [{index: 2, operator: Equal, values: ["4444"]}]
`

// TestProcesses makes processes that are hard to tell right, and looks at
// their events.
func TestProcesses(t *testing.T) {
	lab.Privileged(t)
	a := lab.StartAgent(t, "--enable-process-cred")
	a.AddPolicy(seekPolicy)
	w := a.Watch()
	for name, test := range map[string]func(*testing.T, *lab.Events){
		"fields": fields, "exec by another thread": threadExec, "threads": threads, "fork without exec": forkExit, "ends": ends,
		"deep tree": deepTree, "long arguments": longArguments, "arguments with other bytes": otherBytes,
		"in memory": inMemory, "deleted": deleted, "setuid": setuid, "container": container, "reused pid": reusedPID,
	} {
		t.Run(name, func(t *testing.T) { test(t, w.For(t)) })
	}
}

// mustProc runs the test program.
func mustProc(t *testing.T, args ...string) lab.Result {
	t.Helper()
	r := lab.Run(t, exec.Command(lab.Proc(t), args...))
	if r.Code != 0 {
		t.Fatalf("proc %q: %+v", args, r)
	}
	return r
}

// fields checks an ordinary process against what this process knows.
func fields(t *testing.T, w *lab.Events) {
	cmd := exec.Command("/bin/sh", "-c", "exit 3", "two words", "")
	cmd.Dir = t.TempDir()
	r := lab.Run(t, cmd)
	e := w.Await("exec", lab.Exec(r.PID)).GetProcessExec()
	p := e.GetProcess()
	sh, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	got := []any{p.GetCwd(), p.GetArguments(), p.GetUid().GetValue(), p.GetTid().GetValue(), p.GetFlags(), p.GetInInitTree().GetValue(), p.GetDocker()}
	want := []any{cmd.Dir, `-c "exit 3" "two words" ""`, uint32(0), r.PID, "execve clone", false, ""}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("process %q, want %q", got, want)
	}
	if b := p.GetBinary(); b != sh && b != "/bin/sh" {
		t.Errorf("binary %q", b)
	}
	if e.GetParent().GetPid().GetValue() != uint32(os.Getpid()) || !strings.Contains(e.GetParent().GetBinary(), "scenario.test") {
		t.Errorf("parent %v", e.GetParent())
	}
	exit := w.Await("exit", lab.Exit(r.PID)).GetProcessExit()
	if exit.GetStatus() != 3 || exit.GetSignal() != "" || exit.GetProcess().GetExecId() != p.GetExecId() {
		t.Errorf("exit %v", exit)
	}
}

func threadExec(t *testing.T, w *lab.Events) {
	r := mustProc(t, "thread-exec", "/bin/true", "by a thread")
	p := w.Await("exec of true", lab.Both(lab.Exec(r.PID), lab.ExecOf("/bin/true", "by a thread"))).GetProcessExec()
	if p.GetProcess().GetTid().GetValue() != r.PID || p.GetParent().GetBinary() != lab.Proc(t) || p.GetParent().GetPid().GetValue() != r.PID {
		t.Errorf("exec %v", p)
	}
	w.Await("exit", lab.Exit(r.PID))
	w.Settle()
	if exits := w.All(lab.Exit(r.PID)); len(exits) != 1 || exits[0].GetProcessExit().GetProcess().GetExecId() != p.GetProcess().GetExecId() {
		t.Errorf("exits %v", exits)
	}
}

func threads(t *testing.T, w *lab.Events) {
	r := mustProc(t, "thread-seek")
	want := strings.Fields(r.Stdout)
	seeks := w.AwaitN("lseek of both threads", 2, func(e *lab.Event) bool {
		return lab.Kprobe("seek")(e) && e.GetProcessKprobe().GetProcess().GetPid().GetValue() == r.PID
	})
	id := w.Await("exec", lab.Exec(r.PID)).GetProcessExec().GetProcess().GetExecId()
	for i, e := range seeks {
		p := e.GetProcessKprobe().GetProcess()
		if strconv.Itoa(int(p.GetTid().GetValue())) != want[i] || p.GetExecId() != id {
			t.Errorf("thread %d: tid %v, want %s; exec id %s, want %s", i, p.GetTid(), want[i], p.GetExecId(), id)
		}
	}
	if want[0] == want[1] {
		t.Error("the program made both calls in one thread")
	}
}

func forkExit(t *testing.T, w *lab.Events) {
	r := mustProc(t, "fork-exit")
	pid, err := strconv.Atoi(strings.TrimSpace(r.Stdout))
	if err != nil {
		t.Fatal(err)
	}
	exit := w.Await("exit of the child", lab.Exit(uint32(pid))).GetProcessExit()
	if exit.GetStatus() != 7 || exit.GetProcess().GetBinary() != lab.Proc(t) || exit.GetParent().GetPid().GetValue() != r.PID || !strings.Contains(exit.GetProcess().GetFlags(), "clone") {
		t.Errorf("exit %v", exit)
	}
}

// ends are processes that end before anybody can look at them.
func ends(t *testing.T, w *lab.Events) {
	const n = 200
	var pids []uint32
	for range n {
		pids = append(pids, lab.Run(t, exec.Command("/bin/true", "short-lived")).PID)
	}
	for _, pid := range pids {
		e := w.Await("exec", lab.Both(lab.Exec(pid), lab.ExecOf("/bin/true", "short-lived"))).GetProcessExec()
		if e.GetParent().GetPid().GetValue() != uint32(os.Getpid()) || e.GetProcess().GetCwd() == "" {
			t.Fatalf("exec %v", e)
		}
		w.Await("exit", lab.Exit(pid))
	}
}

func deepTree(t *testing.T, w *lab.Events) {
	const depth = 200
	r := mustProc(t, "deep", strconv.Itoa(depth))
	root := w.Await("root of the tree", lab.ExecOf(lab.Proc(t), "deep 200")).GetProcessExec().GetProcess()
	if root.GetPid().GetValue() != r.PID {
		t.Fatalf("root %v", root)
	}
	above := root
	for n := depth - 1; n >= 0; n-- {
		e := w.Await("level", lab.Both(lab.ExecOf(lab.Proc(t), "deep "), func(e *lab.Event) bool {
			return e.GetProcessExec().GetProcess().GetArguments() == "deep "+strconv.Itoa(n)
		})).GetProcessExec()
		if e.GetParent().GetExecId() != above.GetExecId() || e.GetProcess().GetParentExecId() != above.GetExecId() {
			t.Fatalf("level %d: parent %v, want %v", n, e.GetParent(), above)
		}
		above = e.GetProcess()
	}
}

// longArguments are whole to 256 KiB, and told to be cut above.
func longArguments(t *testing.T, w *lab.Events) {
	for _, test := range []struct {
		parts int
		cut   bool
	}{{2, false}, {10, true}} {
		part := strings.Repeat("x", 100<<10)
		args := make([]string, test.parts)
		for i := range args {
			args[i] = part
		}
		r := lab.Run(t, exec.Command("/bin/true", args...))
		p := w.Await("exec", lab.Exec(r.PID)).GetProcessExec().GetProcess()
		whole := p.GetArguments() == strings.Join(args, " ")
		if cut := strings.Contains(p.GetFlags(), "truncArgs"); cut != test.cut || whole == test.cut || len(p.GetArguments()) < 200<<10 {
			t.Errorf("%d KiB: flags %q, %d bytes, whole %v", test.parts*100, p.GetFlags(), len(p.GetArguments()), whole)
		}
	}
}

func otherBytes(t *testing.T, w *lab.Events) {
	r := lab.Run(t, exec.Command("/bin/true", "a\xff\xfeb", "line\nbreak", "\x1b[31m", "ü"))
	p := w.Await("exec", lab.Exec(r.PID)).GetProcessExec().GetProcess()
	if got := p.GetArguments(); !strings.HasPrefix(got, "a") || !strings.Contains(got, "�b") || !strings.HasSuffix(got, "ü") {
		t.Errorf("arguments %q", got)
	}
}

// mustCopy copies a program and returns the path of the copy.
func mustCopy(t *testing.T, from string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(path, []byte(mustRead(t, from)), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func inMemory(t *testing.T, w *lab.Events) {
	r := mustProc(t, "memory-exec", "/bin/true", "in memory")
	noLinks(t, w, r.PID, "in memory")
}

func deleted(t *testing.T, w *lab.Events) {
	r := mustProc(t, "deleted-exec", mustCopy(t, "/bin/true"), "deleted")
	noLinks(t, w, r.PID, "deleted")
}

// noLinks checks a process whose file has no name any more.
func noLinks(t *testing.T, w *lab.Events, pid uint32, argument string) {
	t.Helper()
	p := w.Await("exec", lab.Both(lab.Exec(pid), func(e *lab.Event) bool {
		return e.GetProcessExec().GetProcess().GetArguments() == strconv.Quote(argument) || e.GetProcessExec().GetProcess().GetArguments() == argument
	})).GetProcessExec().GetProcess()
	inode := p.GetBinaryProperties().GetFile().GetInode()
	if inode.GetLinks() != nil && inode.GetLinks().GetValue() != 0 || inode.GetNumber() == 0 {
		t.Errorf("binary properties %v", p.GetBinaryProperties())
	}
}

func setuid(t *testing.T, w *lab.Events) {
	const nobody = 65534
	path := mustCopy(t, "/bin/true")
	if err := os.Chown(path, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o755|os.ModeSetuid|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	r := lab.Run(t, exec.Command(path))
	p := w.Await("exec", lab.Exec(r.PID)).GetProcessExec().GetProcess()
	b := p.GetBinaryProperties()
	if b.GetSetuid().GetValue() != nobody || b.GetSetgid().GetValue() != nobody || b.GetSetuid() == nil {
		t.Errorf("binary properties %v", b)
	}
	if c := p.GetProcessCredentials(); c.GetUid().GetValue() != 0 || c.GetEuid().GetValue() != nobody {
		t.Errorf("credentials %v", c)
	}
}

// container runs a process in a cgroup with the name of a container's.
func container(t *testing.T, w *lab.Events) {
	top := "/sys/fs/cgroup/memory"
	if _, err := os.Stat(top); err != nil {
		top = "/sys/fs/cgroup"
	}
	id := strings.Repeat("0123456789abcdef", 4)
	cgroup := filepath.Join(top, "docker-"+id+".scope")
	if err := os.Mkdir(cgroup, 0o755); err != nil {
		t.Skipf("no cgroup can be made: %v", err)
	}
	defer func() {
		if err := os.Remove(cgroup); err != nil {
			t.Error(err)
		}
	}()
	r := mustProc(t, "procs", filepath.Join(cgroup, "cgroup.procs"), "/bin/true", "contained")
	p := w.Await("exec", lab.Both(lab.Exec(r.PID), lab.ExecOf("/bin/true", "contained"))).GetProcessExec().GetProcess()
	if p.GetDocker() != id[:31] {
		t.Errorf("container id %q, want %q", p.GetDocker(), id[:31])
	}
	// The cgroup can go when the kernel has forgotten the process.
	w.Await("exit", lab.Exit(r.PID))
}

// reusedPID makes the kernel give out a pid again at once.
func reusedPID(t *testing.T, w *lab.Events) {
	const last = "/proc/sys/kernel/ns_last_pid"
	first := lab.Run(t, exec.Command("/bin/true", "first")).PID
	var second lab.Result
	for try := 0; second.PID != first; try++ {
		if try == 500 {
			t.Fatal("the pid was not given out again")
		}
		if err := os.WriteFile(last, []byte(strconv.Itoa(int(first)-1)), 0); err != nil {
			t.Skipf("the kernel lacks CONFIG_CHECKPOINT_RESTORE: %v", err)
		}
		second = lab.Run(t, exec.Command("/bin/sh", "-c", "exit 9", "second"))
	}
	// Another process of the machine may have had the pid in between.
	for i, exec := range []func(*lab.Event) bool{lab.ExecOf("/bin/true", "first"), lab.ExecOf("/bin/sh", "second")} {
		p := w.Await("exec", lab.Both(lab.Exec(first), exec)).GetProcessExec().GetProcess()
		exit := w.Await("exit of this process", func(e *lab.Event) bool {
			return e.GetProcessExit().GetProcess().GetExecId() == p.GetExecId()
		}).GetProcessExit()
		if exit.GetStatus() != uint32(9*i) || exit.GetProcess().GetArguments() != p.GetArguments() {
			t.Errorf("exit %d: %v", i, exit)
		}
	}
}

// TestOlderProcesses looks for processes from before the agent, among them
// kernel threads, in the export file.
func TestOlderProcesses(t *testing.T) {
	lab.Privileged(t)
	sleeper := exec.Command("/bin/sleep", "1000")
	sleeper.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sleeper.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = sleeper.Wait() // it was killed
	})
	export := filepath.Join(t.TempDir(), "events.log")
	a := lab.StartAgent(t, "--export-filename", export, "--export-file-max-size-mb", "1000")
	w := a.Watch()
	r := lab.Run(t, exec.Command("/bin/true", "younger"))
	w.Await("exec", lab.Exec(r.PID))
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	found := map[uint32]*tetragon.ProcessExec{}
	for _, e := range mustEvents(t, export) {
		if x := e.GetProcessExec(); x != nil {
			found[x.GetProcess().GetPid().GetValue()] = x
		}
	}
	old := found[uint32(sleeper.Process.Pid)]
	if p := old.GetProcess(); !strings.HasPrefix(p.GetFlags(), "procFS") || p.GetBinary() != "/usr/bin/sleep" || p.GetArguments() != "1000" {
		t.Errorf("older process %v", p)
	}
	if old.GetParent().GetPid().GetValue() != uint32(os.Getpid()) {
		t.Errorf("parent of an older process %v", old.GetParent())
	}
	if p := found[2].GetProcess(); p.GetBinary() != "[kthreadd]" || !strings.Contains(p.GetFlags(), "procFS") {
		t.Errorf("kernel thread %v", p)
	}
	if p := found[r.PID].GetProcess(); strings.Contains(p.GetFlags(), "procFS") || p.GetParentExecId() != old.GetParent().GetExecId() {
		t.Errorf("younger process %v", p)
	}
}

// mustEvents reads events from an export file.
func mustEvents(tb testing.TB, paths ...string) []*lab.Event {
	tb.Helper()
	var out []*lab.Event
	for _, path := range paths {
		for line := range bytes.Lines([]byte(mustRead(tb, path))) {
			out = append(out, mustEvent(tb, line))
		}
	}
	return out
}
