// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
)

func mappingOf(pid uint32, time, exec uint64, path string) Mapping {
	return Mapping{PID: pid, TID: pid, Time: time, Exec: exec, Path: []byte(path), BuildID: []byte{1, 2}}
}

// shown is what the events say, in their order.
func shown(events []*event.Event) []string {
	var out []string
	for _, e := range events {
		switch e.Kind {
		case event.KindLoader:
			out = append(out, fmt.Sprintf("%s maps %s %x", e.Process.Binary, e.Loader.Path, e.Loader.BuildID))
		case event.KindExec:
			out = append(out, "exec "+e.Process.Binary)
		case event.KindExit:
			out = append(out, "exit "+e.Process.Binary)
		case event.KindLost:
			out = append(out, fmt.Sprintf("lost %d: %s: %s", e.Lost.Count, e.Lost.Stage, e.Lost.Cause))
		}
	}
	return out
}

func (r *rig) wantShown(tb testing.TB, what string, want ...string) {
	tb.Helper()
	if diff := cmp.Diff(want, shown(r.take())); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestMappings checks which image a mapping is told of, and when.
func TestMappings(t *testing.T) {
	r := newRig(t, nil)
	r.SetLoader([]LoaderPlan{{Key: "p"}})
	first, second := pid(1000, 7), pid(2000, 7)
	r.Handle(r.task(pid(1, 1), first, "/bin/first"))
	r.Tick(1500)
	r.take()

	// What the kernel maps for an exec comes before the exec's own record.
	r.HandleMappings([]Mapping{mappingOf(7, 1600, 0, "/lib/a"), mappingOf(7, 1900, 1800, "/bin/second"), mappingOf(7, 1950, 1800, "/lib/ld"), mappingOf(7, 2100, 1800, "/lib/b")}, 0)
	r.wantShown(t, "before a record")
	r.Handle(r.exec(first, second, "/bin/second"))
	r.wantShown(t, "exec", "/bin/first maps /lib/a 0102", "exec /bin/second", "/bin/second maps /bin/second 0102", "/bin/second maps /lib/ld 0102")
	r.Handle(r.exit(second, 7, 0, 3000))
	r.wantShown(t, "exit", "/bin/second maps /lib/b 0102", "exit /bin/second")

	// An exec that fails after its mappings is told of the image that ends.
	third := pid(4000, 8)
	r.Handle(r.exec(pid(1, 1), third, "/bin/third"))
	r.HandleMappings([]Mapping{mappingOf(8, 4100, 4050, "/bin/fourth")}, 0)
	r.Handle(r.exit(third, 8, 9, 4200))
	r.wantShown(t, "exec that fails", "exec /bin/third", "/bin/third maps /bin/fourth 0102", "exit /bin/third")

	// A thread, and a file that is mapped again.
	fifth := pid(5000, 9)
	r.Handle(r.exec(pid(1, 1), fifth, "/bin/fifth"))
	r.take()
	inThread := mappingOf(9, 5001, 0, "/lib/x")
	inThread.TID = 10
	r.HandleMappings([]Mapping{inThread, mappingOf(9, 5002, 0, "/lib/x"), mappingOf(9, 5003, 0, "/lib/y")}, 0)
	r.SettleMappings(5003 + mappingDelay)
	r.wantShown(t, "too early for the last", "/bin/fifth maps /lib/x 0102")
	r.SettleMappings(5004 + mappingDelay)
	r.wantShown(t, "without a record", "/bin/fifth maps /lib/y 0102")
	if diff := cmp.Diff(map[string]uint64{"p": 7}, r.LoaderEvents()); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

func TestMappingOfThread(t *testing.T) {
	r := newRig(t, nil)
	r.SetLoader([]LoaderPlan{{Key: "p"}})
	r.Handle(r.task(pid(1, 1), pid(1000, 7), "/bin/x"))
	r.Tick(1500)
	r.take()
	m := mappingOf(7, 1600, 0, "/lib/a")
	m.TID = 8
	r.HandleMappings([]Mapping{m}, 0)
	r.SettleMappings(1 << 40)
	e := r.mustOne(t)
	if e.TID != 8 || e.Process.PID != 7 || e.Time != boot+1600 || e.NodeName != "n1" {
		t.Errorf("thread %d of %d at %d on %q", e.TID, e.Process.PID, e.Time, e.NodeName)
	}
}

// TestMappingsOfUnknown checks that mappings of processes that are not known are told in the end.
func TestMappingsOfUnknown(t *testing.T) {
	r := newRig(t, nil)
	r.SetLoader([]LoaderPlan{{Key: "p"}})
	r.HandleMappings([]Mapping{mappingOf(7, 1000, 0, "/lib/a"), mappingOf(7, 1001, 0, "/lib/a")}, 0)
	r.SettleMappings(1000 + mappingPatience)
	r.wantShown(t, "early")
	r.SettleMappings(1002 + mappingPatience)
	r.wantShown(t, "late", " maps /lib/a 0102", " maps /lib/a 0102")
}

func TestMappingsLost(t *testing.T) {
	r := newRig(t, nil)
	r.SetLoader([]LoaderPlan{{Key: "p"}})
	r.HandleMappings(nil, 3)
	r.HandleMappings(slices.Repeat([]Mapping{mappingOf(7, 1<<40, 0, "/lib/a")}, maxMappings+2), 0)
	r.Tick(2e9)
	r.wantShown(t, "lost", "lost 5: mapped files: the ring of mapped files is full; too many mapped files wait for their process")
}

// TestMappingsWanted checks policies that are about the host only, and none at all.
func TestMappingsWanted(t *testing.T) {
	r := newRig(t, nil)
	host, contained := pid(1000, 7), pid(1000, 8)
	r.Handle(r.task(pid(1, 1), host, "/bin/host"))
	inContainer := execOf(pid(1, 1), contained, []string{"/bin/contained"})
	inContainer.CgroupId, inContainer.Cgroup = 42, []byte("/docker/"+strings.Repeat("ab", 32))
	r.Handle(record.AppendTask(nil, inContainer))
	r.Tick(1500)
	r.take()
	both := func(time uint64, path string) {
		r.HandleMappings([]Mapping{mappingOf(7, time, 0, path), mappingOf(8, time, 0, path)}, 0)
		r.SettleMappings(time + 1 + mappingDelay)
	}
	both(1600, "/lib/a")
	r.wantShown(t, "no policy")
	r.SetLoader([]LoaderPlan{{Key: "host", HostOnly: true}})
	both(1700, "/lib/b")
	r.wantShown(t, "host", "/bin/host maps /lib/b 0102")
	r.SetLoader([]LoaderPlan{{Key: "host", HostOnly: true}, {Key: "all"}})
	both(1800, "/lib/c")
	r.wantShown(t, "both", "/bin/host maps /lib/c 0102", "/bin/contained maps /lib/c 0102")
	if diff := cmp.Diff(map[string]uint64{"host": 2, "all": 2}, r.LoaderEvents()); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	r.SetLoader(nil)
	if n := r.LoaderEvents(); len(n) != 0 {
		t.Errorf("counted without policies: %v", n)
	}
}

// TestMappingWithoutBuildID checks events whose build id the kernel did not tell.
func TestMappingWithoutBuildID(t *testing.T) {
	var asked []*event.Event
	room := true
	r := newRig(t, func(o *Options) {
		o.BuildID = func(e *event.Event, m Mapping) bool {
			if room && m.Inode == 77 {
				asked = append(asked, e)
			}
			return room
		}
	})
	r.SetLoader([]LoaderPlan{{Key: "p"}})
	r.Handle(r.task(pid(1, 1), pid(1000, 7), "/bin/x"))
	r.Tick(1500)
	r.take()
	without := mappingOf(7, 1600, 0, "/lib/a")
	without.BuildID, without.Inode = nil, 77
	r.HandleMappings([]Mapping{without, mappingOf(7, 1700, 0, "/lib/b")}, 0)
	r.SettleMappings(1 << 40)
	r.wantShown(t, "with a build id", "/bin/x maps /lib/b 0102")
	if len(asked) != 1 {
		t.Fatalf("asked for %d build ids", len(asked))
	}
	asked[0].Loader.BuildID = []byte{9}
	r.Resume(asked[0])
	r.wantShown(t, "resumed", "/bin/x maps /lib/a 09")
	room = false
	without.Path, without.Time = []byte("/lib/c"), 1<<41
	r.HandleMappings([]Mapping{without}, 0)
	r.SettleMappings(1 << 42)
	r.wantShown(t, "no room", "/bin/x maps /lib/c ")
}
