// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/observe"
	"github.com/vedette-io/vedette/internal/process"
	"github.com/vedette-io/vedette/internal/workload"
)

// TestLoader checks that mappings are read only while a policy wants to know.
func TestLoader(t *testing.T) {
	if testing.Short() || os.Geteuid() != 0 {
		t.Skip("what the kernel tells of mappings is for root, and not with -short")
	}
	paths := make(chan string, 1024)
	clock := &process.Clock{}
	o := observe.New(observe.Options{
		Tree: process.NewTree(process.Options{Clock: clock, Resolver: workload.NewContainers()}), Clock: clock,
		Emit: func(e *event.Event) {
			select {
			case paths <- string(e.Loader.Path):
			default:
			}
		},
	})
	l := newLoader(o, "/proc", slog.New(slog.NewTextHandler(io.Discard, nil)))
	keys := []string{"none", "some"}
	for _, step := range []struct {
		name    string
		loaders []compile.Loader
		revert  bool
		reads   bool
	}{
		{"none", nil, false, false},
		{"a plan that does not come into force", []compile.Loader{{Policy: 1}}, true, false},
		{"some", []compile.Loader{{Policy: 1}}, false, true},
		{"a plan beside it that does not come into force", []compile.Loader{{Policy: 1}, {Policy: 0}}, true, true},
		{"none again", nil, false, false},
		{"some again", []compile.Loader{{Policy: 1}}, false, true},
	} {
		if err := l.prepare(step.loaders); err != nil {
			t.Fatal(err)
		}
		var err error
		if step.revert {
			err = l.revert()
		} else {
			err = l.apply(step.loaders, keys)
		}
		if err != nil || (l.source != nil) != step.reads || (l.memoryShare() != 0) != step.reads || (l.read.Load() != never) != step.reads {
			t.Errorf("%s: %v, reads %v, %d bytes", step.name, err, l.source != nil, l.memoryShare())
		}
	}
	mapSelf(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The tree is empty, so the mapping waits for its process at first.
	for end := time.After(30 * time.Second); ; {
		select {
		case path := <-paths:
			if path != self {
				continue
			}
		case <-end:
			t.Error("the mapping is not told")
		}
		break
	}
	if err := errors.Join(l.close(), l.close()); err != nil {
		t.Error(err)
	}
}

// mapSelf maps the beginning of this program to be executed.
func mapSelf(t *testing.T) {
	t.Helper()
	file, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	mem, err := unix.Mmap(int(file.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Munmap(mem); err != nil {
		t.Error(err)
	}
}

func TestExplainPerf(t *testing.T) {
	if err := explainPerf(unix.ENOSYS); !errors.Is(err, kernel.ErrMissing) || !errors.Is(err, unix.ENOSYS) {
		t.Error(err)
	}
	if err := explainPerf(unix.EACCES); errors.Is(err, kernel.ErrMissing) {
		t.Error(err)
	}
}
