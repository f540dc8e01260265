// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/executable"
)

// TestLoader checks the events of files that are mapped to be executed.
func TestLoader(t *testing.T) {
	r := mustRig(t)
	r.mustAdd(t, document("code", "loader: true"), "code")
	r.mustAdd(t, document("code-of-host", "loader: true\nhostSelector: {}"), "code-of-host")
	t.Run("mmap", func(t *testing.T) {
		path := mustProgram(t, "0123456789abcdefghij")
		mustMap(t, path, unix.PROT_READ|unix.PROT_EXEC)
		mustMap(t, path, unix.PROT_READ|unix.PROT_EXEC)
		e := r.mustLoad(t, path)
		if e.Process.Pid.GetValue() != uint32(os.Getpid()) || string(e.Buildid) != "0123456789abcdefghij" || e.Parent == nil {
			t.Errorf("event %v", e)
		}
	})
	t.Run("mprotect", func(t *testing.T) {
		path := mustProgram(t, "a build id of mprotect"[:20])
		if err := unix.Mprotect(mustMap(t, path, unix.PROT_READ), unix.PROT_READ|unix.PROT_EXEC); err != nil {
			t.Fatal(err)
		}
		if e := r.mustLoad(t, path); string(e.Buildid) != "a build id of mprote" {
			t.Errorf("event %v", e)
		}
	})
	t.Run("exec", func(t *testing.T) {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		child := exec.Command(self, "-test.run=^$")
		if err := child.Run(); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(self)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		want, err := executable.ReadBuildID(file)
		if err != nil {
			t.Logf("this program: %v", err)
		}
		var e *tetragon.ProcessLoader
		if !r.journal.await(patience, func() bool {
			i := slices.IndexFunc(r.journal.loads, func(l *tetragon.ProcessLoader) bool {
				return l.Process.Pid.GetValue() == uint32(child.Process.Pid) && filepath.Base(l.Path) == filepath.Base(self)
			})
			if i >= 0 {
				e = r.journal.loads[i]
			}
			return i >= 0
		}) || e == nil {
			t.Fatal("the event does not come")
		}
		// It is told of the new image, not of the one that called exec.
		if e.Process.Arguments != "-test.run=^$" || !bytes.Equal(e.Buildid, want) {
			t.Errorf("event %v, build id %x, want %x", e, e.Buildid, want)
		}
	})
	t.Run("status", func(t *testing.T) {
		p := r.mustPolicy(t, "code")
		if !slices.Contains(p.Sensors, "loader") || p.Stats.ActionCounters.Post < 3 || p.KernelMemoryBytes == 0 ||
			len(p.HookStatuses) != 1 || p.HookStatuses[0].VedetteAttachment != "perf_mmap" || p.HookStatuses[0].Section != "loader" {
			t.Errorf("policy %v", p)
		}
	})
	t.Run("without a policy", func(t *testing.T) {
		for _, name := range []string{"code", "code-of-host"} {
			r.mustEnable(t, name, false)
		}
		unseen, seen := mustProgram(t, "unseen.............."), mustProgram(t, "seen................")
		mustMap(t, unseen, unix.PROT_READ|unix.PROT_EXEC)
		time.Sleep(300 * time.Millisecond)
		r.mustEnable(t, "code-of-host", true)
		mustMap(t, seen, unix.PROT_READ|unix.PROT_EXEC)
		r.mustLoad(t, seen)
		r.journal.mu.Lock()
		defer r.journal.mu.Unlock()
		if slices.ContainsFunc(r.journal.loads, func(l *tetragon.ProcessLoader) bool { return l.Path == unseen }) {
			t.Error("an event without a policy")
		}
	})
}

// mustEnable enables or disables a policy.
func (r *rig) mustEnable(tb testing.TB, name string, enable bool) {
	tb.Helper()
	if _, err := r.ConfigureTracingPolicy(context.Background(), &tetragon.ConfigureTracingPolicyRequest{Name: name, Enable: &enable}); err != nil {
		tb.Fatal(err)
	}
}

// mustLoad waits for the event of a file, and checks that there is only one.
func (r *rig) mustLoad(tb testing.TB, path string) *tetragon.ProcessLoader {
	tb.Helper()
	var found []*tetragon.ProcessLoader
	r.journal.await(patience, func() bool {
		found = nil
		for _, l := range r.journal.loads {
			if l.Path == path {
				found = append(found, l)
			}
		}
		return len(found) != 0
	})
	if len(found) != 1 {
		tb.Fatalf("events of %s: %v", path, found)
	}
	return found[0]
}

// mustMap maps the beginning of a file and returns its memory.
func mustMap(tb testing.TB, path string, protection int) []byte {
	tb.Helper()
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	mem, err := unix.Mmap(int(file.Fd()), 0, os.Getpagesize(), protection, unix.MAP_PRIVATE)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := unix.Munmap(mem); err != nil {
			tb.Error(err)
		}
	})
	return mem
}

// mustProgram writes a file that is an ELF program with a build id of 20 bytes, and nothing else.
func mustProgram(tb testing.TB, buildID string) string {
	tb.Helper()
	little := binary.LittleEndian
	b := make([]byte, 4096)
	copy(b, "\x7fELF\x02\x01\x01")
	little.PutUint16(b[16:], 3)  // ET_DYN
	little.PutUint32(b[20:], 1)  // version
	little.PutUint64(b[32:], 64) // where segments are described
	little.PutUint16(b[54:], 56)
	little.PutUint16(b[56:], 1)
	little.PutUint32(b[64:], 4) // PT_NOTE
	little.PutUint64(b[72:], 120)
	little.PutUint64(b[64+32:], 16+20)
	little.PutUint64(b[64+40:], 16+20)
	little.PutUint32(b[120:], 4)
	little.PutUint32(b[124:], 20)
	little.PutUint32(b[128:], 3) // NT_GNU_BUILD_ID
	copy(b[132:], "GNU\x00"+buildID)
	path := filepath.Join(tb.TempDir(), "library")
	if err := os.WriteFile(path, b, 0o755); err != nil {
		tb.Fatal(err)
	}
	return path
}
