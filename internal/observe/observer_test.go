// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/process"
	"github.com/vedette-io/vedette/internal/record"
	"github.com/vedette-io/vedette/internal/workload"
)

func TestExecAndExit(t *testing.T) {
	r := newRig(t, nil)
	shell, cat := pid(100, 5), pid(200, 6)
	r.Handle(r.exec(pid(1, 0), shell, "/bin/bash", "-c", "cat key; true"))
	r.take()
	r.Handle(r.fork(shell, pid(150, 6)))
	if events := r.take(); events != nil {
		t.Errorf("a fork emits %+v", events)
	}
	r.Handle(r.exec(shell, cat, "/bin/cat", "key"))
	e := r.mustOne(t)
	if e.Kind != event.KindExec || e.Time != boot+200 || e.NodeName != "n1" || e.ClusterName != "c1" || e.TID != 0 {
		t.Errorf("event %+v", e)
	}
	if e.Process.Binary != "/bin/cat" || e.Process.Arguments != "key" || e.Process.Flags != "execve clone" {
		t.Errorf("process %+v", e.Process)
	}
	if e.Parent.Arguments != `-c "cat key; true"` || e.Process.ParentExecID != e.Parent.ExecID || e.Parent.Refcnt != 2 {
		t.Errorf("parent %+v", e.Parent)
	}
	if e.Ancestors != nil {
		t.Errorf("ancestors %+v were not asked for", e.Ancestors)
	}
	r.Handle(r.exit(cat, 6, 9, 300))
	e = r.mustOne(t)
	want := event.Exit{Signal: "SIGKILL", Time: boot + 300}
	if diff := cmp.Diff(want, e.Exit); e.Kind != event.KindExit || diff != "" {
		t.Errorf("%v (-want +got):\n%s", e.Kind, diff)
	}
	if e.Process.Binary != "/bin/cat" || e.Parent.Binary != "/bin/bash" || e.Time != boot+300 {
		t.Errorf("event %+v", e)
	}
	r.Handle(r.exit(cat, 6, 9, 301))
	if events := r.take(); events != nil {
		t.Errorf("a second exit emits %+v", events)
	}
}

func TestExitStatus(t *testing.T) {
	for code, want := range map[uint32]event.Exit{
		0:       {},
		3 << 8:  {Status: 3},
		139:     {Signal: "SIGSEGV"}, // with a core dump
		34:      {Signal: "SIGRTMIN"},
		40:      {Signal: "SIGRTMIN+6"},
		33:      {Signal: "SIG33"},
		0x12345: {Signal: "SIG69", Status: 0x23},
	} {
		r := newRig(t, nil)
		r.Handle(r.fork(pid(1, 0), pid(100, 5)))
		r.Handle(r.exit(pid(100, 5), 9, code, 200))
		e := r.mustOne(t)
		want.Time = boot + 200
		if diff := cmp.Diff(want, e.Exit); diff != "" {
			t.Errorf("code %#x (-want +got):\n%s", code, diff)
		}
		if e.TID != 9 || e.Process.Flags != "clone" {
			t.Errorf("thread %d, flags %q: want the last thread and a forked process", e.TID, e.Process.Flags)
		}
	}
}

func TestExitOfAnUnknownProcess(t *testing.T) {
	r := newRig(t, nil)
	r.Handle(r.exit(pid(100, 5), 9, 0, 200))
	e := r.mustOne(t)
	if e.Process.Flags != "unknown" || e.Process.PID != 5 || e.Parent != nil || e.TID != 0 {
		t.Errorf("event %+v of %+v", e, e.Process)
	}
	if s := r.Stats(); s.UnknownProcesses != 1 || s.Tree.UnknownExits != 1 {
		t.Errorf("stats %+v", s)
	}
}

func binaries(events []*event.Event) []string {
	var names []string
	for _, e := range events {
		names = append(names, e.Process.Binary)
	}
	return names
}

// Older processes are found by their ids: a parent can come after its child.
func TestTasksAreToldParentsFirst(t *testing.T) {
	r := newRig(t, nil)
	init, db, worker, lone := pid(2, 1), pid(50, 9), pid(60, 4), pid(70, 3)
	r.Handle(r.task(pid(1, 0), init, "/sbin/init"))
	r.Handle(r.task(pid(9, 999), lone, "/bin/lone"))
	r.Handle(r.task(db, worker, "/bin/worker"))
	r.Handle(r.task(init, db, "/bin/db"))
	if events := r.take(); events != nil {
		t.Errorf("told before all were found: %v", binaries(events))
	}
	r.Tick(1000)
	events := r.take()
	want := []string{"<kernel>", "/sbin/init", "/bin/lone", "/bin/db", "/bin/worker"}
	if diff := cmp.Diff(want, binaries(events)); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	last := events[4]
	if last.Kind != event.KindExec || last.Time != boot+60 || last.Process.Flags != "procFS" || last.Parent.Binary != "/bin/db" {
		t.Errorf("event %+v of %+v", last, last.Process)
	}
	if events[0].Parent != nil || events[2].Parent != nil {
		t.Error("a parent where there is none")
	}
	r.Handle(r.task(init, pid(80, 11), "/bin/late"))
	r.Handle(r.fork(init, pid(2000, 12)))
	if got := binaries(r.take()); len(got) != 1 || got[0] != "/bin/late" {
		t.Errorf("later tasks give %v, want only themselves", got)
	}
}

func TestAncestorsByKind(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Ancestors = []event.Kind{event.KindExit, event.KindKprobe} })
	r.mustPlan(t, readPlan())
	a, b, c := pid(10, 1), pid(20, 2), pid(30, 3)
	r.Handle(r.exec(pid(1, 0), a, "/bin/a"))
	r.Handle(r.exec(a, b, "/bin/b"))
	r.Handle(r.exec(b, c, "/bin/c"))
	r.Handle(r.hook(bpf.HookRecord{Process: c, Tid: 3}, []uint64{1, 0}))
	r.Handle(r.exit(c, 3, 0, 40))
	var got []int
	for _, e := range r.take() {
		got = append(got, len(e.Ancestors))
	}
	if diff := cmp.Diff([]int{0, 0, 0, 1, 1}, got); diff != "" {
		t.Errorf("numbers of ancestors (-want +got):\n%s", diff)
	}
}

func TestExecShowsBinaryProperties(t *testing.T) {
	clock := process.NewClock(boot)
	r := newRig(t, func(o *Options) {
		o.Tree = process.NewTree(process.Options{Clock: clock, Resolver: workload.NewContainers(), Credentials: true})
	})
	self := pid(10, 5)
	memfd := execOf(pid(1, 0), self, []string{"/dev/fd/3"})
	memfd.Header, memfd.Ino = r.header(0, 10), 77
	r.Handle(record.AppendExec(nil, memfd))
	if b := r.mustOne(t).Process.BinaryProperties; b == nil || b.File == nil || b.File.Inode != 77 {
		t.Errorf("the exec shows %+v, want a file without links", b)
	}
	r.Handle(r.exit(self, 5, 0, 20))
	if e := r.mustOne(t); e.Process.BinaryProperties != nil || e.Process.Creds == nil {
		t.Errorf("the exit shows %+v", e.Process)
	}
}
