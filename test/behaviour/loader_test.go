// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/executable"
	"github.com/vedette-io/vedette/internal/mapping/mappingtest"
)

// TestLoader checks the events of files that are mapped to be executed.
func TestLoader(t *testing.T) {
	r := mustRig(t)
	r.mustAdd(t, document("code", "loader: true"), "code")
	r.mustAdd(t, document("code-of-host", "loader: true\nhostSelector: {}"), "code-of-host")
	t.Run("mmap", func(t *testing.T) {
		path := mappingtest.Library(t, "library", "0123456789abcdefghij")
		mappingtest.Map(t, path, unix.PROT_READ|unix.PROT_EXEC)
		mappingtest.Map(t, path, unix.PROT_READ|unix.PROT_EXEC)
		e := r.mustLoad(t, path)
		if e.Process.Pid.GetValue() != uint32(os.Getpid()) || string(e.Buildid) != "0123456789abcdefghij" || e.Parent == nil {
			t.Errorf("event %v", e)
		}
	})
	t.Run("mprotect", func(t *testing.T) {
		path := mappingtest.Library(t, "library", "a build id of mprotect"[:20])
		if err := unix.Mprotect(mappingtest.Map(t, path, unix.PROT_READ), unix.PROT_READ|unix.PROT_EXEC); err != nil {
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
		unseen, seen := mappingtest.Library(t, "library", "unseen.............."), mappingtest.Library(t, "library", "seen................")
		mappingtest.Map(t, unseen, unix.PROT_READ|unix.PROT_EXEC)
		time.Sleep(300 * time.Millisecond)
		r.mustEnable(t, "code-of-host", true)
		mappingtest.Map(t, seen, unix.PROT_READ|unix.PROT_EXEC)
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
