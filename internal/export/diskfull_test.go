// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mustMountTmpfs mounts a file system of the size at a new directory.
func mustMountTmpfs(tb testing.TB, size string) string {
	tb.Helper()
	if testing.Short() {
		tb.Skip("mounts a file system")
	}
	if os.Geteuid() != 0 {
		tb.Skip("mounting a tmpfs needs root")
	}
	dir := tb.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		tb.Fatalf("mount a tmpfs: %v", err)
	}
	tb.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			tb.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// TestRealDiskFull fills a file system, frees it, and finds every event in the file or counted.
func TestRealDiskFull(t *testing.T) {
	dir := mustMountTmpfs(t, "64k")
	cfg := testConfig(t)
	cfg.Filename, cfg.Buffer = filepath.Join(dir, "vedette.log"), 16<<10
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 40<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	w := mustOpen(t, cfg, openFile)
	published := 0
	publish := func(n int) {
		for range n {
			published++
			w.Write(fmt.Appendf(nil, "event %06d %s", published, strings.Repeat("x", 87)))
		}
	}
	publish(100)
	eventually(t, "the first events are written", func() bool { return w.Stats().Written == 100 })
	publish(900)
	eventually(t, "the disk is full", func() bool { return w.Stats().Failures > 1 })
	if text := mustRead(t, cfg.Filename); !strings.HasSuffix(text, "\n") {
		t.Errorf("the full file ends in the middle of a line: %q", text[strings.LastIndexByte(text, '\n')+1:])
	}
	publish(100)
	if w.Stats().Dropped == 0 {
		t.Fatal("nothing is dropped")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what was accepted is written", func() bool { s := w.Stats(); return s.Written > s.Accepted })
	publish(1)
	mustClose(t, w)
	last, lost := 0, 0
	for line := range strings.Lines(mustRead(t, cfg.Filename)) {
		var n int
		if _, err := fmt.Sscanf(line, "lost %d: ", &n); err == nil {
			last, lost = last+n, lost+n
		} else if _, err := fmt.Sscanf(line, "event %d ", &n); err != nil || n != last+1 || len(line) != 101 {
			t.Fatalf("after event %d: %q", last, line)
		} else {
			last = n
		}
	}
	if last != published || uint64(lost) != w.Stats().Dropped {
		t.Errorf("the file accounts for %d of %d events, %d of %d lost", last, published, lost, w.Stats().Dropped)
	}
}

// TestRealDiskFullWhileRotating checks that rotation and compression survive a full disk.
func TestRealDiskFullWhileRotating(t *testing.T) {
	dir := mustMountTmpfs(t, "64k")
	cfg := testConfig(t)
	cfg.Filename, cfg.Compress = filepath.Join(dir, "vedette.log"), true
	cfg.Params = Params{MaxSize: 8 << 10, MaxBackups: 2}
	w := mustOpen(t, cfg, openFile)
	line := []byte(strings.Repeat("x", 99))
	ballast := filepath.Join(dir, "ballast")
	for i := range 20 {
		if i == 10 {
			// As much as there is room for.
			_ = os.WriteFile(ballast, make([]byte, 64<<10), 0o600)
		}
		for range 100 {
			w.Write(line)
		}
	}
	eventually(t, "the disk is full", func() bool { return w.Stats().Failures > 0 })
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(t, "everything is written", func() bool { return w.Stats().Written >= 2000 })
	mustClose(t, w)
	for _, one := range mustBackups(t, cfg.Filename) {
		if !one.compressed && len(mustRead(t, one.path))%100 != 0 {
			t.Errorf("%s has torn lines", one.path)
		}
	}
	if n := len(mustBackups(t, cfg.Filename)); n > 2 {
		t.Errorf("%d backups, want at most 2", n)
	}
}
