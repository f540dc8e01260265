// SPDX-License-Identifier: Apache-2.0

package process

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
	"github.com/vedette-io/vedette/internal/workload"
)

const boot = 1_700_000_000_000_000_000

func newTree(change func(*Options)) *Tree {
	opts := Options{Node: "node", Clock: NewClock(boot), Resolver: workload.NewContainers()}
	if change != nil {
		change(&opts)
	}
	return NewTree(opts)
}

func pid(start uint64, pid uint32) bpf.ProcessID { return bpf.ProcessID{Start: start, Pid: pid} }

func execID(id bpf.ProcessID) string {
	plain := "node:" + itoa(id.Start) + ":" + itoa(uint64(id.Pid))
	return base64.StdEncoding.EncodeToString([]byte(plain))
}

func itoa(n uint64) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

func fork(parent, child bpf.ProcessID) *bpf.Fork {
	f := &bpf.Fork{Process: child, Parent: parent, Flags: uint32(bpf.ContractVdProcessFlagsVD_PROCESS_CLONE)}
	f.Header.Time = child.Start
	return f
}

// exec makes the record of an exec. argv[0] is the filename.
func exec(parent, self bpf.ProcessID, argv ...string) *record.Exec {
	e := &record.Exec{CWD: []byte("/work"), Args: []byte(strings.Join(argv, "\x00") + "\x00")}
	if len(argv) > 0 {
		e.Filename = []byte(argv[0])
		e.Exe = e.Filename
	}
	e.Header.Time = self.Start
	e.Process, e.Parent = self, parent
	if parent.Pid != self.Pid {
		e.Flags = uint32(bpf.ContractVdExecFlagsVD_EXEC_CLONE)
	}
	e.Auid = 4294967295
	e.Nlink = 1
	return e
}

func exit(self bpf.ProcessID, at uint64) *bpf.Exit {
	e := &bpf.Exit{Process: self, Tid: self.Pid}
	e.Header.Time = at
	return e
}

func mustExec(tb testing.TB, t *Tree, e *record.Exec) *Process {
	tb.Helper()
	p := t.Exec(e)
	if p == nil || p.ID() != IDOf(e.Process) {
		tb.Fatalf("exec of %+v gave %+v", e.Process, p)
	}
	return p
}

// lineage returns the binaries and arguments from p upwards.
func lineage(t *Tree, p *Process) []string {
	var names []string
	for ; p != nil; p = t.Parent(p) {
		info := t.Info(p)
		names = append(names, strings.TrimSpace(info.Binary+" "+info.Arguments))
	}
	return names
}

func TestExecShowsEverything(t *testing.T) {
	tree := newTree(nil)
	e := exec(pid(5, 1), pid(100, 7), "/bin/cat", "a", "b c")
	e.Cgroup = []byte("/docker/" + strings.Repeat("0123456789abcdef", 4))
	e.Cred = bpf.Cred{Uid: 1000, Euid: 33}
	e.Auid = 501
	e.ProcessFlags = uint32(bpf.ContractVdProcessFlagsVD_PROCESS_IN_INIT_TREE)
	tree.Task(exec(pid(1, 0), pid(5, 1), "/sbin/init"))
	got := tree.Info(mustExec(t, tree, e))
	want := &event.Process{
		ExecID: execID(pid(100, 7)), ParentExecID: execID(pid(5, 1)),
		PID: 7, TID: 7, UID: 33, AUID: 501,
		CWD: "/work", Binary: "/bin/cat", Arguments: `a "b c"`,
		Flags: "execve clone inInitTree", StartTime: boot + 100, Refcnt: 1, InInitTree: true,
		Docker: "0123456789abcdef0123456789abcde", ContainerID: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBinary(t *testing.T) {
	long := strings.Repeat("d/", 300)
	tests := map[string]struct {
		filename, exe, cwd string
		flags              bpf.ContractVdExecFlags
		want, wantFlags    string
	}{
		"absolute":           {"/bin/sh", "/usr/bin/dash", "/", 0, "/bin/sh", "execve"},
		"absolute, not neat": {"/bin/../bin/sh", "/usr/bin/dash", "/", 0, "/bin/../bin/sh", "execve"},
		"relative":           {"./run", "/home/x/run", "/home/x", 0, "/home/x/run", "execve"},
		"up":                 {"../run", "/home/run", "/home/x", 0, "/home/run", "execve"},
		"bare name":          {"run", "/run", "/", bpf.ContractVdExecFlagsVD_EXEC_CWD_ROOT, "/run", "execve rootcwd"},
		"by descriptor":      {"/dev/fd/5", "/memfd:x (deleted)", "/", 0, "/dev/fd/5", "execve"},
		"long":               {long + "x", "", "/w", 0, "/w/" + long + "x", "execve"},
		"cwd failed":         {"./run", "/y/run", "", bpf.ContractVdExecFlagsVD_EXEC_CWD_FAILED, "./run", "execve errorCWD"},
		"no cwd":             {"/bin/sh", "/bin/sh", "", 0, "/bin/sh", "execve nocwd"},
		"cwd truncated": {"/bin/sh", "", "/c", bpf.ContractVdExecFlagsVD_EXEC_CWD_TRUNCATED, "/bin/sh",
			"execve errorPathResolutionCwd"},
		"filename failed": {"", "/usr/bin/dash", "/w", bpf.ContractVdExecFlagsVD_EXEC_FILENAME_FAILED, "/usr/bin/dash",
			"execve errorFilename"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tree := newTree(nil)
			tree.Task(exec(pid(1, 0), pid(99, 7), "/before"))
			e := exec(pid(99, 7), pid(100, 7), "x")
			e.Filename, e.Exe, e.CWD = []byte(test.filename), []byte(test.exe), []byte(test.cwd)
			e.Flags = uint32(test.flags)
			info := tree.Info(mustExec(t, tree, e))
			if info.Binary != test.want || info.Flags != test.wantFlags {
				t.Errorf("binary %q, flags %q; want %q, %q", info.Binary, info.Flags, test.want, test.wantFlags)
			}
		})
	}
}

func TestRootCWD(t *testing.T) {
	tree := newTree(nil)
	e := exec(pid(1, 0), pid(100, 7), "sh")
	e.CWD, e.Flags = nil, uint32(bpf.ContractVdExecFlagsVD_EXEC_CWD_ROOT)
	if info := tree.Info(tree.Exec(e)); info.CWD != "/" || info.Binary != "/sh" {
		t.Errorf("cwd %q, binary %q; want / and /sh", info.CWD, info.Binary)
	}
}

func TestFlagsOrder(t *testing.T) {
	all := flags(1<<len(flagNames) - 1)
	want := "execve procFS truncArgs miss errorFilename errorArgs nocwd rootcwd errorCWD clone errorCgroupName" +
		" errorPathResolutionCwd dataArgs inInitTree"
	if got := all.String(); got != want {
		t.Errorf("flags %q, want %q", got, want)
	}
}

func TestKernel(t *testing.T) {
	tree := newTree(nil)
	kernel := tree.Info(tree.Kernel())
	if kernel.Binary != "<kernel>" || kernel.PID != 0 || kernel.ExecID != execID(pid(1, 0)) || kernel.Flags != "procFS" {
		t.Errorf("kernel is %+v", kernel)
	}
	kthread := exec(pid(0, 0), pid(2, 2), "kthreadd")
	kthread.Args, kthread.Exe, kthread.CWD = nil, nil, nil
	kthread.Flags = uint32(bpf.ContractVdExecFlagsVD_EXEC_KTHREAD)
	p := tree.Task(kthread)
	info := tree.Info(p)
	if info.Binary != "[kthreadd]" || info.ParentExecID != execID(pid(1, 0)) || tree.Parent(p) != tree.Kernel() {
		t.Errorf("kernel thread is %+v with parent %+v", info, tree.Parent(p))
	}
	if !strings.HasPrefix(info.Flags, "procFS") {
		t.Errorf("flags %q, want procFS", info.Flags)
	}
}

// The scenario of the seed: a database that runs a command directly, and one through a shell.
func TestLineageOfTheSeed(t *testing.T) {
	tree := newTree(nil)
	db := pid(10, 100)
	tree.Task(exec(pid(1, 0), db, "/usr/bin/db", "serve"))

	direct := pid(21, 201)
	tree.Fork(fork(db, pid(20, 201)))
	cat := mustExec(t, tree, exec(db, direct, "/bin/cat", "key"))
	if diff := cmp.Diff([]string{"/bin/cat key", "/usr/bin/db serve", "<kernel>"}, lineage(tree, cat)); diff != "" {
		t.Errorf("direct (-want +got):\n%s", diff)
	}
	if got := tree.Info(cat).Flags; got != "execve clone" {
		t.Errorf("flags %q of the first exec after the fork", got)
	}

	tree.Fork(fork(db, pid(30, 301)))
	shell := mustExec(t, tree, exec(db, pid(31, 301), "/bin/bash", "-c", "cat key"))
	same := mustExec(t, tree, exec(pid(31, 301), pid(32, 301), "/bin/cat", "key"))
	want := []string{"/bin/cat key", `/bin/bash -c "cat key"`, "/usr/bin/db serve", "<kernel>"}
	if diff := cmp.Diff(want, lineage(tree, same)); diff != "" {
		t.Errorf("exec in the shell's process (-want +got):\n%s", diff)
	}
	if info := tree.Info(same); info.Flags != "execve" || info.ParentExecID != execID(pid(31, 301)) {
		t.Errorf("flags %q, parent %q: want no clone and the shell", info.Flags, info.ParentExecID)
	}
	if !shell.Ended() || same.Ended() {
		t.Errorf("shell ended: %v, its successor: %v", shell.Ended(), same.Ended())
	}

	tree.Fork(fork(db, pid(40, 401)))
	tree.Exec(exec(db, pid(41, 401), "/bin/bash", "-c", "cat key; true"))
	tree.Fork(fork(pid(41, 401), pid(42, 402)))
	child := mustExec(t, tree, exec(pid(41, 401), pid(43, 402), "/bin/cat", "key"))
	want[1] = `/bin/bash -c "cat key; true"`
	if diff := cmp.Diff(want, lineage(tree, child)); diff != "" {
		t.Errorf("child of the shell (-want +got):\n%s", diff)
	}
	if s := tree.Stats(); s.MissedExits != 0 || s.UnknownParents != 0 {
		t.Errorf("stats %+v: nothing was missed", s)
	}
}

func TestForkShowsTheParent(t *testing.T) {
	tree := newTree(nil)
	parent := exec(pid(1, 0), pid(10, 5), "/bin/server", "-x")
	parent.Cred.Euid = 7
	tree.Exec(parent)
	tree.Fork(fork(pid(10, 5), pid(11, 6)))
	child := tree.Fork(fork(pid(11, 6), pid(12, 7)))
	want := &event.Process{
		ExecID: execID(pid(12, 7)), ParentExecID: execID(pid(11, 6)), PID: 7, TID: 7, UID: 7, AUID: 4294967295,
		CWD: "/work", Binary: "/bin/server", Arguments: "-x", Flags: "clone", StartTime: boot + 12, Refcnt: 1,
	}
	if diff := cmp.Diff(want, tree.Info(child)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestForkOfUnknownParent(t *testing.T) {
	tree := newTree(nil)
	p := tree.Fork(fork(pid(10, 5), pid(11, 6)))
	info := tree.Info(p)
	if info.Flags != "miss clone" || info.PID != 6 || info.ParentExecID != execID(pid(10, 5)) || tree.Parent(p) != nil {
		t.Errorf("info %+v", info)
	}
	if info.Absent&event.AbsentUID == 0 {
		t.Error("the user is not known, but not said to be absent")
	}
	if s := tree.Stats(); s.UnknownParents != 1 {
		t.Errorf("%d unknown parents, want 1", s.UnknownParents)
	}
}

func TestExecOfUnknownParent(t *testing.T) {
	tree := newTree(nil)
	e := exec(pid(10, 5), pid(20, 6), "/bin/x")
	p := mustExec(t, tree, e)
	if info := tree.Info(p); info.Flags != "execve miss clone" || info.ParentExecID != execID(pid(10, 5)) {
		t.Errorf("flags %q, parent %q", info.Flags, info.ParentExecID)
	}
	// The task iterator reaches the parent later.
	tree.Task(exec(pid(1, 0), pid(10, 5), "/sbin/late"))
	if diff := cmp.Diff([]string{"/bin/x", "/sbin/late", "<kernel>"}, lineage(tree, p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParentsInACircle(t *testing.T) {
	tree := newTree(nil)
	a := tree.Fork(fork(pid(10, 1), pid(10, 2)))
	b := tree.Fork(fork(pid(10, 2), pid(10, 1)))
	if got := len(lineage(tree, a)) + len(lineage(tree, b)); got > 4 {
		t.Errorf("lineages of %d nodes", got)
	}
	self := tree.Fork(fork(pid(30, 3), pid(30, 3)))
	if tree.Parent(self) != nil {
		t.Error("a process is its own parent")
	}
}

func TestReusedPID(t *testing.T) {
	tree := newTree(nil)
	init := pid(1, 1)
	tree.Task(exec(pid(1, 0), init, "/sbin/init"))
	tree.Exec(exec(init, pid(10, 50), "/bin/first"))
	child := tree.Fork(fork(pid(10, 50), pid(11, 60)))
	tree.Exit(exit(pid(10, 50), 12))
	second := mustExec(t, tree, exec(init, pid(20, 50), "/bin/second"))
	if got := tree.Info(tree.Parent(child)).Binary; got != "/bin/first" {
		t.Errorf("parent is %q, want the first owner of the id", got)
	}
	if tree.Lookup(ID{Start: 20, PID: 50}) != second || tree.Lookup(ID{Start: 10, PID: 50}) == second {
		t.Error("the two images are mixed up")
	}
	if s := tree.Stats(); s.MissedExits != 0 {
		t.Errorf("%d missed exits, want none", s.MissedExits)
	}
	tree.Exec(exec(init, pid(30, 50), "/bin/third"))
	if s := tree.Stats(); s.MissedExits != 1 || !second.Ended() {
		t.Errorf("%d missed exits, second ended: %v; want 1 and true", s.MissedExits, second.Ended())
	}
}

func TestLateRecordOfAnEarlierImage(t *testing.T) {
	tree := newTree(nil)
	now := tree.Exec(exec(pid(1, 0), pid(20, 5), "/bin/now"))
	before := tree.Exec(exec(pid(1, 0), pid(10, 5), "/bin/before"))
	if now.Ended() || !before.Ended() {
		t.Errorf("ended: %v, %v; want that of the earlier image only", now.Ended(), before.Ended())
	}
	if p, first := tree.Exit(exit(pid(20, 5), 30)); p != now || !first {
		t.Error("the running image cannot exit")
	}
}

func TestExit(t *testing.T) {
	tree := newTree(nil)
	tree.Exec(exec(pid(1, 0), pid(10, 5), "/bin/x"))
	if p, first := tree.Exit(exit(pid(10, 5), 20)); p == nil || !first || !p.Ended() {
		t.Errorf("exit gave %+v, %v", p, first)
	}
	if p, first := tree.Exit(exit(pid(10, 5), 21)); p == nil || first {
		t.Errorf("second exit gave %+v, %v", p, first)
	}
	if p, first := tree.Exit(exit(pid(9, 5), 22)); p != nil || first {
		t.Errorf("exit of an unknown image gave %+v, %v", p, first)
	}
	if s := tree.Stats(); s.DuplicateExits != 1 || s.UnknownExits != 1 {
		t.Errorf("stats %+v, want one duplicate and one unknown exit", s)
	}
}

func TestSameImageTwice(t *testing.T) {
	tree := newTree(nil)
	p := tree.Exec(exec(pid(1, 0), pid(10, 5), "/bin/x"))
	if tree.Exec(exec(pid(1, 0), pid(10, 5), "/bin/y")) != p || tree.Fork(fork(pid(1, 0), pid(10, 5))) != p ||
		tree.Task(exec(pid(1, 0), pid(10, 5), "/bin/z")) != p {
		t.Error("a second record of an image made a second node")
	}
	if got := tree.Info(p).Binary; got != "/bin/x" {
		t.Errorf("binary %q, want that of the first record", got)
	}
}

func TestGrace(t *testing.T) {
	const s = uint64(time.Second)
	tree := newTree(func(o *Options) { o.Grace = 10 * time.Second })
	parent, child := pid(1*s, 5), pid(2*s, 6)
	tree.Exec(exec(pid(1, 0), parent, "/bin/parent"))
	tree.Exec(exec(parent, child, "/bin/child"))
	tree.Exit(exit(parent, 3*s))
	tree.Advance(60 * s)
	if tree.Lookup(IDOf(parent)) == nil {
		t.Fatal("an ended parent went while its child runs")
	}
	tree.Exit(exit(child, 61*s))
	tree.Advance(71 * s)
	if tree.Lookup(IDOf(parent)) == nil || tree.Lookup(IDOf(child)) == nil {
		t.Error("gone before the grace period was over")
	}
	tree.Advance(71*s + 1)
	if tree.Lookup(IDOf(parent)) != nil || tree.Lookup(IDOf(child)) != nil {
		t.Error("still there after the grace period")
	}
	if st := tree.Stats(); st.Images != 0 || st.Running != 0 || len(tree.images) != 1 || len(tree.current) != 0 {
		t.Errorf("left: %+v, %d images, %d running processes", st, len(tree.images), len(tree.current))
	}
	if tree.kernel.kids != 0 {
		t.Errorf("the kernel still counts %d children", tree.kernel.kids)
	}
}

func TestRefcnt(t *testing.T) {
	tree := newTree(nil)
	p := tree.Exec(exec(pid(1, 0), pid(10, 5), "/bin/p"))
	before := tree.Info(p)
	tree.Fork(fork(pid(10, 5), pid(11, 6)))
	tree.Fork(fork(pid(10, 5), pid(12, 7)))
	if got := tree.Info(p).Refcnt; got != 3 {
		t.Errorf("refcnt %d with two children, want 3", got)
	}
	if before.Refcnt != 1 {
		t.Error("what was shown before has changed")
	}
	tree.Exit(exit(pid(11, 6), 20))
	if got := tree.Info(p).Refcnt; got != 2 {
		t.Errorf("refcnt %d with one child left, want 2", got)
	}
	if now := tree.Info(p); now != tree.Info(p) {
		t.Error("an unchanged process is copied")
	}
}

func TestAncestors(t *testing.T) {
	tree := newTree(nil)
	parent := pid(1, 0)
	var p *Process
	for i := range uint64(5) {
		self := pid(10+i, uint32(1+i))
		p = tree.Exec(exec(parent, self, "/bin/"+itoa(i)))
		parent = self
	}
	var got []string
	for _, a := range tree.AppendAncestors(nil, p) {
		got = append(got, a.Binary)
	}
	if diff := cmp.Diff([]string{"/bin/2", "/bin/1", "/bin/0"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := tree.AppendAncestors(nil, tree.Kernel()); got != nil {
		t.Errorf("the kernel has ancestors %v", got)
	}
}

func TestAncestorsOfAProcessThatReplacesItself(t *testing.T) {
	tree := newTree(func(o *Options) { o.Capacity = 1000 })
	var p *Process
	for i := range uint64(5000) {
		p = tree.Exec(exec(pid(9+i, 5), pid(10+i, 5), "/bin/x"))
	}
	if got := len(tree.AppendAncestors(nil, p)); got != MaxAncestors {
		t.Errorf("%d ancestors, want %d", got, MaxAncestors)
	}
	n := 0
	for a := p; a != nil; a = a.parent {
		n++
	}
	if n > 1001 {
		t.Errorf("%d images are kept alive, the capacity is 1000", n)
	}
	if s := tree.Stats(); s.Images != 1000 || s.EvictedHeld != 4000 || s.Running != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestEviction(t *testing.T) {
	tree := newTree(func(o *Options) { o.Capacity = 4 })
	idle, busy := pid(10, 1), pid(11, 2)
	tree.Exec(exec(pid(1, 0), idle, "/bin/idle"))
	tree.Exec(exec(pid(1, 0), busy, "/bin/busy"))
	tree.Exec(exec(pid(1, 0), pid(12, 3), "/bin/ended"))
	tree.Exit(exit(pid(12, 3), 13))
	tree.Exec(exec(busy, pid(14, 4), "/bin/child"))
	tree.Exec(exec(busy, pid(15, 5), "/bin/child"))
	if s := tree.Stats(); s.EvictedEnded != 1 || s.EvictedRunning != 0 || s.Images != 4 {
		t.Fatalf("stats %+v, want the ended one evicted", s)
	}
	tree.Lookup(IDOf(idle)) // now busy is the one used least recently
	child := tree.Exec(exec(busy, pid(16, 6), "/bin/child"))
	if s := tree.Stats(); s.EvictedRunning != 1 || tree.Lookup(IDOf(busy)) != nil || tree.Lookup(IDOf(idle)) == nil {
		t.Fatalf("stats %+v, want busy evicted", s)
	}
	if parent := tree.Parent(child); parent == nil || tree.Info(parent).Binary != "/bin/busy" {
		t.Error("a child has lost what is shown of its evicted parent")
	}
	if _, first := tree.Exit(exit(busy, 20)); first {
		t.Error("an evicted process is known")
	}
}

// An evicted process that only forked still tells its children what they run.
func TestEvictedFork(t *testing.T) {
	tree := newTree(func(o *Options) { o.Capacity = 2 })
	tree.Exec(exec(pid(1, 0), pid(10, 1), "/bin/a"))
	tree.Fork(fork(pid(10, 1), pid(11, 2)))
	tree.Fork(fork(pid(11, 2), pid(12, 3)))
	p := tree.Fork(fork(pid(12, 3), pid(13, 4)))
	if got := tree.Info(p).Binary; got != "/bin/a" {
		t.Errorf("binary %q, want /bin/a", got)
	}
}

func TestManyShortProcesses(t *testing.T) {
	tree := newTree(func(o *Options) { o.Capacity = 1024; o.Grace = time.Microsecond })
	shortProcesses(tree, 100_000)
	s := tree.Stats()
	if s.Images > 1024 || s.Running != 1 || s.EvictedRunning != 0 || s.MissedExits != 0 || s.UnknownExits != 0 {
		t.Errorf("stats %+v", s)
	}
	tree.Advance(1 << 62)
	if s := tree.Stats(); s.Images != 1 {
		t.Errorf("%d images left, want 1", s.Images)
	}
	if len(tree.images) != 2 || len(tree.current) != 1 {
		t.Errorf("%d images, %d processes in the maps", len(tree.images), len(tree.current))
	}
}

// shortProcesses runs n processes one after the other.
func shortProcesses(tree *Tree, n int) {
	parent := pid(10, 1)
	tree.Exec(exec(pid(1, 0), parent, "/bin/sh"))
	e := exec(parent, pid(0, 0), "/usr/bin/true", "--some", "arguments")
	e.Flags = uint32(bpf.ContractVdExecFlagsVD_EXEC_CLONE)
	for i := range uint64(n) {
		at, id := 100+i*1000, uint32(2+i%30000)
		tree.Fork(fork(parent, pid(at, id)))
		e.Process = pid(at+1, id)
		e.Header.Time = at + 1
		tree.Exec(e)
		tree.Exit(exit(pid(at+1, id), at+2))
	}
}

func BenchmarkShortProcesses(b *testing.B) {
	tree := newTree(nil)
	b.ReportAllocs()
	b.ResetTimer()
	shortProcesses(tree, b.N)
}

func BenchmarkDeepTree(b *testing.B) {
	tree := newTree(nil)
	parent := pid(1, 0)
	var p *Process
	for i := range uint64(10_000) {
		self := pid(10+i, uint32(1+i))
		p = tree.Fork(fork(parent, self))
		parent = self
	}
	tree.Info(p)
	dst := make([]*event.Process, 0, MaxAncestors)
	b.ReportAllocs()
	for b.Loop() {
		dst = tree.AppendAncestors(dst[:0], p)
	}
}
