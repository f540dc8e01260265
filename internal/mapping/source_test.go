// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/mapping/mappingtest"
	"github.com/vedette-io/vedette/internal/observe"
	"github.com/vedette-io/vedette/internal/process"
)

// mustOpen returns a source of this machine.
func mustOpen(t *testing.T) *Source {
	t.Helper()
	if testing.Short() {
		t.Skip("reads what the kernel tells: not with -short")
	}
	if os.Geteuid() != 0 {
		t.Skip("watching all processes needs root")
	}
	s, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestSource maps files and executes a program.
func TestSource(t *testing.T) {
	s := mustOpen(t)
	id := []byte("0123456789abcdefghij")
	loaded, changed, data := mappingtest.Library(t, "loaded", string(id)), mappingtest.Library(t, "changed", string(id)), mappingtest.Library(t, "data", string(id))
	begin, err := process.SinceBoot()
	if err != nil {
		t.Fatal(err)
	}
	mappingtest.Map(t, loaded, unix.PROT_READ|unix.PROT_EXEC)
	mappingtest.Map(t, data, unix.PROT_READ)
	if err := unix.Mprotect(mappingtest.Map(t, changed, unix.PROT_READ), unix.PROT_READ|unix.PROT_EXEC); err != nil {
		t.Fatal(err)
	}
	child := exec.Command("/proc/self/exe", "-test.run=^$")
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	end, err := process.SinceBoot()
	if err != nil {
		t.Fatal(err)
	}
	var here []string
	var ofChild []observe.Mapping
	if lost := s.Drain(func(m observe.Mapping) {
		switch m.PID {
		case uint32(os.Getpid()):
			here = append(here, filepath.Base(string(m.Path)))
			if m.Time < begin || m.Time > end || m.Size == 0 || m.Start == 0 {
				t.Errorf("mapping %+v, made between %d and %d", m, begin, end)
			}
			if s.TellsBuildIDs() && !bytes.Equal(m.BuildID, id) {
				t.Errorf("%s: build id %x", m.Path, m.BuildID)
			}
			if !s.TellsBuildIDs() && m.Inode == 0 {
				t.Errorf("%+v has no inode", m)
			}
		case uint32(child.Process.Pid):
			ofChild = append(ofChild, m)
		}
	}); lost != 0 {
		t.Errorf("%d records were lost", lost)
	}
	if len(here) != 2 || here[0] != "loaded" || here[1] != "changed" {
		t.Errorf("mapped here: %q", here)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if len(ofChild) == 0 || filepath.Base(string(ofChild[0].Path)) != filepath.Base(self) || ofChild[0].Exec == 0 || ofChild[0].Exec > ofChild[0].Time {
		t.Errorf("mapped by a program that was executed: %+v", ofChild)
	}
	if s.MemoryBytes() == 0 {
		t.Error("the rings take no memory")
	}
	if err := s.Refresh(); err != nil {
		t.Error(err)
	}
}

// mapped returns what the kernel of before 5.12 would tell of a file.
func mapped(t *testing.T, path string, mem []byte) observe.Mapping {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		t.Fatal(err)
	}
	m := observe.Mapping{PID: uint32(os.Getpid()), Path: []byte(path), Device: stat.Dev, Inode: stat.Ino, Size: uint64(len(mem))}
	if mem != nil {
		m.Start = address(mem)
	}
	return m
}

// TestBuildIDs reads build ids that the kernel does not tell.
func TestBuildIDs(t *testing.T) {
	if testing.Short() || os.Geteuid() != 0 {
		t.Skip("the mappings of processes are for root, and not with -short")
	}
	events := make(chan *event.Event, 8)
	b := NewBuildIDs("/proc", func(e *event.Event) { events <- e })
	id, other := []byte("0123456789abcdefghij"), []byte("another id that's it")
	path := mappingtest.Library(t, "library", string(id))
	mem := mappingtest.Map(t, path, unix.PROT_READ|unix.PROT_EXEC)
	byMapping := mapped(t, path, mem)
	byPath := byMapping
	byPath.Start = 0
	ended := byPath
	ended.PID = 1 << 30
	replaced := mapped(t, mappingtest.Library(t, "replaced", string(other)), nil)
	replaced.Inode++
	link := byPath
	link.Path = []byte(path + ".link")
	if err := os.Symlink(path, string(link.Path)); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		mapping observe.Mapping
		want    []byte
	}{
		{"by the mapping", byMapping, id},
		{"by the path", byPath, id},
		{"of a process that has ended", ended, id},
		{"replaced", replaced, nil},
		{"a symbolic link", link, nil},
		{"a pipe", mapped(t, pipe, nil), nil},
		{"nothing", observe.Mapping{PID: 1 << 30, Path: []byte("/none")}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !b.Take(&event.Event{Kind: event.KindLoader}, test.mapping) {
				t.Fatal("no room")
			}
			select {
			case e := <-events:
				if !bytes.Equal(e.Loader.BuildID, test.want) {
					t.Errorf("build id %q, want %q", e.Loader.BuildID, test.want)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("the event does not come")
			}
		})
	}
	t.Run("deleted", func(t *testing.T) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if got := b.of(byMapping); !bytes.Equal(got, id) {
			t.Errorf("build id %q", got)
		}
	})
	t.Run("stuck", func(t *testing.T) {
		for range maxStuck {
			b.reading <- struct{}{}
		}
		if got := b.of(byMapping); got != nil {
			t.Errorf("build id %q", got)
		}
		for range maxStuck {
			<-b.reading
		}
	})
	b.Close()
	b.Close()
	if b.Take(&event.Event{}, byMapping) {
		t.Error("an event is taken after the end")
	}
}

// address is where memory begins.
func address(mem []byte) uint64 { return uint64(uintptr(unsafe.Pointer(&mem[0]))) }
