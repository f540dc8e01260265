// SPDX-License-Identifier: Apache-2.0

package instance

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// holdEnv makes the test binary an agent that holds the lock of a path until its input ends.
const holdEnv = "VEDETTE_TEST_HOLD_LOCK"

func TestMain(m *testing.M) {
	path := os.Getenv(holdEnv)
	if path == "" {
		os.Exit(m.Run())
	}
	if _, err := Acquire(path); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("locked")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
}

// mustHold starts another process that holds the lock.
func mustHold(tb testing.TB, path string) *exec.Cmd {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdEnv+"="+path)
	if _, err := cmd.StdinPipe(); err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		tb.Fatalf("the other process says %q, %v", line, err)
	}
	return cmd
}

func mustAcquire(tb testing.TB, path string) *Lock {
	tb.Helper()
	l, err := Acquire(path)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func TestAnotherProcessHoldsTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "vedette.pid")
	other := mustHold(t, path)
	_, err := Acquire(path)
	var running *RunningError
	if !errors.As(err, &running) || running.PID != other.Process.Pid || running.PIDFile != path {
		t.Fatalf("error %v, want one with pid %d", err, other.Process.Pid)
	}
	if want := fmt.Sprintf("running with pid %d", other.Process.Pid); !strings.Contains(err.Error(), want) {
		t.Errorf("message %q, want %q", err, want)
	}
	// Killed, it leaves its file behind, which does no harm.
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait()
	l := mustAcquire(t, path)
	text, err := os.ReadFile(path)
	if err != nil || string(text) != fmt.Sprintf("%d\n", os.Getpid()) {
		t.Errorf("pid file has %q, %v", text, err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the pid file is still there: %v", err)
	}
}

func TestAcquireErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Acquire(dir); err == nil {
		t.Error("a directory is locked")
	}
	target := filepath.Join(dir, "target")
	if err := os.WriteFile(target, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(link); err == nil {
		t.Error("a symbolic link is followed")
	}
	if text, _ := os.ReadFile(target); string(text) != "precious" {
		t.Errorf("the target of the link has %q", text)
	}
}

func TestUnreadablePID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vedette.pid")
	l := mustAcquire(t, path)
	defer func() { _ = l.Release() }()
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	_, err := Acquire(path)
	var running *RunningError
	if !errors.As(err, &running) || running.PID != 0 || strings.Contains(err.Error(), "pid 0") {
		t.Errorf("error %v", err)
	}
}

// TestOnlyOneHoldsTheLock has many starting and ending at the same time, each removing the file.
func TestOnlyOneHoldsTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vedette.pid")
	var group sync.WaitGroup
	var mu sync.Mutex
	holders, acquired := 0, 0
	for range 8 {
		group.Go(func() {
			for range 200 {
				l, err := Acquire(path)
				if err != nil {
					continue
				}
				mu.Lock()
				holders, acquired = holders+1, acquired+1
				if holders > 1 {
					t.Error("two hold the lock")
				}
				holders--
				mu.Unlock()
				if err := l.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if acquired == 0 {
		t.Error("nobody ever gets the lock")
	}
}

func TestInfo(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "vedette-info.json")
	if _, err := ReadInfo(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want ErrNotExist", err)
	}
	want := Info{PID: 42, ServerAddress: "unix:///run/x.sock"}
	for range 2 { // the second replaces the first
		if err := want.Write(path); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != `{"pid":42,"server_address":"unix:///run/x.sock"}`+"\n" {
		t.Errorf("file has %q, %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got, err := ReadInfo(path); err != nil || got != want {
		t.Errorf("read %+v, %v", got, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files are left, want 1", len(entries))
	}
	for range 2 {
		if err := RemoveInfo(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := want.Write(filepath.Join(dir, "no", "such")); err == nil {
		t.Error("a missing directory is no error")
	}
}

func TestReadBadInfo(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"syntax": "{", "type": `{"pid":"x"}`, "large": strings.Repeat(" ", maxInfo+1)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadInfo(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v does not name the file", name, err)
		}
	}
	if _, err := ReadInfo(dir); err == nil {
		t.Error("a directory is read")
	}
}
