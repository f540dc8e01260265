// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/test/lab"
)

// TestSecondInstance starts another agent with the run directory of the
// first.
func TestSecondInstance(t *testing.T) {
	lab.Privileged(t)
	dir := lab.NewRunDir(t)
	first := lab.LaunchAgent(t, dir)
	first.AwaitReady()
	second := lab.LaunchAgent(t, dir)
	if err := second.Await(); err == nil {
		t.Error("the second agent ended with success")
	}
	want := fmt.Sprintf("another instance of the agent is running with pid %d", first.PID())
	if log := strings.TrimSpace(second.Log()); !strings.Contains(log, want) || strings.Contains(log, "\n") {
		t.Errorf("the second agent says %q, want %q", log, want)
	}
	first.Vedette("status")
}

// TestCleanEnd ends an agent that has policies, clients and an export: the
// status is 0, and nothing of it is left on the machine.
func TestCleanEnd(t *testing.T) {
	lab.Privileged(t)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			dir := lab.NewRunDir(t)
			before := traces(t)
			a := lab.LaunchAgent(t, dir, "--tracing-policy", lab.SeedPolicy(), "--export-filename", filepath.Join(t.TempDir(), "events.log"))
			a.AwaitReady()
			a.Watch()
			if err := a.End(signal); err != nil {
				t.Errorf("the agent ended with %v", err)
			}
			left, err := os.ReadDir(dir)
			if err != nil || len(left) != 0 {
				t.Errorf("left in the run directory: %v, %v", left, err)
			}
			after := traces(t)
			for what, text := range before {
				if after[what] != text {
					t.Errorf("%s before:\n%s\nafter:\n%s", what, text, after[what])
				}
			}
		})
	}
}

// traces is what an agent could leave behind: mounts, pinned objects and
// cgroups.
func traces(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{"mounts": mustRead(t, "/proc/self/mounts")}
	for _, pattern := range []string{"/sys/fs/bpf/*", "/sys/fs/bpf/*/*", "/sys/fs/cgroup/*vedette*", "/sys/fs/cgroup/*/*vedette*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		out[pattern] = strings.Join(found, "\n")
	}
	return out
}

// TestAfterEnd checks that an agent that was ended enforces nothing any more,
// even when it had no time to clean up.
func TestAfterEnd(t *testing.T) {
	lab.Privileged(t)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			dir := lab.NewRunDir(t)
			secret := mustWrite(t, "secret", secretText)
			a := lab.LaunchAgent(t, dir, "--tracing-policy", mustWrite(t, "policy.yaml", mustProtect(t, secret)))
			a.AwaitReady()
			if r := lab.Run(t, exec.Command(lab.Reader(t), "read", secret)); !r.Killed() {
				t.Errorf("while the agent runs: %+v", r)
			}
			if err := a.End(signal); (err == nil) != (signal == syscall.SIGTERM) {
				t.Errorf("the agent ended with %v", err)
			}
			if r := lab.Run(t, exec.Command(lab.Reader(t), "read", secret)); r.Code != 0 {
				t.Errorf("after the agent: %+v", r)
			}
			// What the killed one left does not keep the next one away.
			next := lab.LaunchAgent(t, dir)
			next.AwaitReady()
		})
	}
}

// TestWithoutRoot wants one clear sentence.
func TestWithoutRoot(t *testing.T) {
	lab.Privileged(t)
	for _, args := range [][]string{{"agent"}, {"run", "--", "true"}} {
		cmd := exec.Command(lab.Vedette(t), args...)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		r := lab.Run(t, cmd)
		if text := strings.TrimSpace(r.Stderr); r.Code == 0 || !strings.Contains(text, "root") || strings.Contains(text, "\n") {
			t.Errorf("vedette %s: %+v", args[0], r)
		}
	}
}

// TestPolicyFiles gives the agent a directory with every kind of file: the
// good policy loads, and each of the others is named.
func TestPolicyFiles(t *testing.T) {
	lab.Privileged(t)
	dir := t.TempDir()
	secret := mustWrite(t, "secret", secretText)
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("1-broken.yaml", "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: broken}\nspec: {kprobez: []}\n")
	write("2-binary", "\x00\x01\x02")
	write("3-huge.yaml", "")
	if err := os.Truncate(filepath.Join(dir, "3-huge.yaml"), 100<<20); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "4-pipe.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/nowhere", filepath.Join(dir, "5-dangling.yaml")); err != nil {
		t.Fatal(err)
	}
	write("9-good.yaml", mustProtect(t, secret))
	a := lab.StartAgent(t, "--tracing-policy-dir", dir, "--tracing-policy", t.TempDir())
	log := a.Log()
	for _, name := range []string{"1-broken.yaml", "2-binary", "3-huge.yaml", "4-pipe.yaml", "5-dangling.yaml"} {
		if !strings.Contains(log, `file=`+filepath.Join(dir, name)) {
			t.Errorf("%s is not reported", name)
		}
	}
	if !strings.Contains(log, "did you mean") || strings.Count(log, `msg="policy not loaded"`) != 6 {
		t.Errorf("reports:\n%s", log)
	}
	if r := lab.Run(t, exec.Command(lab.Reader(t), "read", secret)); !r.Killed() {
		t.Errorf("the good policy is not in force: %+v", r)
	}
	for name, args := range map[string][]string{"directory": {dir}, "100 MB": {filepath.Join(dir, "3-huge.yaml")}, "broken": {filepath.Join(dir, "1-broken.yaml")}} {
		if out, err := a.TryVedette(append([]string{"tp", "add"}, args...)...); err == nil || out == "" || len(out) > 1000 {
			t.Errorf("add of a %s: %v, %s", name, err, out)
		}
	}
	a.Vedette("status")
}

// TestFullDisk exports to a file system that has room for little: the agent
// says so and goes on serving, and goes on exporting when there is room.
func TestFullDisk(t *testing.T) {
	lab.Privileged(t)
	dir := t.TempDir()
	if err := syscall.Mount("small", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	export := filepath.Join(dir, "events.log")
	ballast := filepath.Join(dir, "ballast")
	a := lab.StartAgent(t, "--export-filename", export, "--export-allowlist", `{"binary_regex":["^/bin/true$"]}`)
	if err := os.WriteFile(ballast, make([]byte, 16<<20), 0o600); err == nil {
		t.Fatal("the file system is not full")
	}
	w := a.Watch()
	for range 100 {
		lab.Run(t, exec.Command("/bin/true", "while full"))
	}
	if !a.AwaitLog("no space left on device") {
		t.Errorf("the full disk is not reported:\n%s", a.Log())
	}
	r := lab.Run(t, exec.Command("/bin/true", "served"))
	w.Await("event while the disk is full", lab.Exec(r.PID))
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(lab.Patience)
	for !strings.Contains(mustRead(t, export), "with room") {
		if time.Now().After(deadline) {
			t.Fatalf("nothing is exported when there is room again:\n%s", a.Log())
		}
		lab.Run(t, exec.Command("/bin/true", "with room"))
		time.Sleep(20 * time.Millisecond) // to ask again, not to fill the disk
	}
	if err := a.Stop(); err != nil {
		t.Errorf("the agent ended with %v", err)
	}
	kept, lost := 0, uint64(0)
	for _, e := range mustEvents(t, export) {
		lost += e.GetVedetteLostEvents().GetCount()
		if lab.ExecOf("/bin/true", "while full")(e) {
			kept++
		}
	}
	if kept != 100 && lost == 0 {
		t.Errorf("%d of 100 events from while the disk was full are in the file, and it tells of no loss", kept)
	}
}

// TestSlowClient has a client that does not read, and one that vanishes: the
// others get every event, and the slow one is told how many it lost.
func TestSlowClient(t *testing.T) {
	lab.Privileged(t)
	lab.RealSpeed(t)
	a := lab.StartAgent(t, "--event-queue-size", "1000")
	ctx, cancel := context.WithTimeout(context.Background(), 5*lab.Patience)
	defer cancel()
	slow, err := a.Client.GetEvents(ctx, &tetragon.GetEventsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slow.Header(); err != nil {
		t.Fatal(err)
	}
	vanishing := exec.Command(lab.Vedette(t), "getevents", "--server-address", a.Address())
	out, err := vanishing.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := vanishing.Start(); err != nil {
		t.Fatal(err)
	}
	w := a.Watch()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := vanishing.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = vanishing.Wait() // it was killed

	// More than the queue and what the connection buffers hold.
	const n = 3000
	long := strings.Repeat("x", 1000)
	for range n {
		lab.Run(t, exec.Command("/bin/true", long))
	}
	w.AwaitN("every exec for the quick client", n, lab.ExecOf("/bin/true", long))
	lost := uint64(0)
	for got := 0; got < n && lost == 0; got++ {
		e, err := slow.Recv()
		if err != nil {
			t.Fatal(err)
		}
		lost += e.GetVedetteLostEvents().GetCount()
	}
	if lost == 0 {
		t.Error("the slow client is not told of its loss")
	}
	a.Vedette("status")
}
