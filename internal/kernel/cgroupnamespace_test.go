// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

const cgroupLink = "/proc/thread-self/ns/cgroup"

// TestInHostCgroups calls a function from a thread in a cgroup namespace of
// its own, as a container has one: the function runs in that of process 1.
func TestInHostCgroups(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	// Not this process: its first thread may be the one that leaves the namespace.
	first := exec.Command("sleep", "60")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = first.Process.Kill() // that it was killed is no error
		_ = first.Wait()
	})
	host := mustLink(t, fmt.Sprintf("/proc/%d/ns/cgroup", first.Process.Pid))
	procfs := t.TempDir()
	if err := os.MkdirAll(filepath.Join(procfs, "1", "ns"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(fmt.Sprintf("/proc/%d/ns/cgroup", first.Process.Pid), filepath.Join(procfs, "1", "ns", "cgroup")); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
			t.Error(err)
			return
		}
		own := mustLink(t, cgroupLink)
		failure := errors.New("of the function")
		var seen string
		entered, err := InHostCgroups(procfs, func() error { seen = mustLink(t, cgroupLink); return failure })
		if entered != nil || !errors.Is(err, failure) || seen != host || own == host {
			t.Errorf("the function ran in %s of %s and %s: %v, %v", seen, host, own, entered, err)
		}
		if now := mustLink(t, cgroupLink); now != own {
			t.Errorf("the caller's namespace is %s, it was %s", now, own)
		}
	}()
	<-done
	ran := false
	entered, err := InHostCgroups(t.TempDir(), func() error { ran = true; return nil })
	if !errors.Is(entered, fs.ErrNotExist) || err != nil || !ran {
		t.Errorf("without a process 1: %v, %v, ran %v", entered, err, ran)
	}
}

func mustLink(t *testing.T, path string) string {
	t.Helper()
	link, err := os.Readlink(path)
	if err != nil {
		t.Error(err)
	}
	return link
}
