// SPDX-License-Identifier: Apache-2.0

package process

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/workload"
)

func TestCredentials(t *testing.T) {
	tree := newTree(func(o *Options) { o.Credentials = true })
	e := exec(pid(1, 0), pid(10, 5), "/bin/x")
	e.Cred = bpf.Cred{
		Uid: 1, Gid: 2, Euid: 3, Egid: 4, Suid: 5, Sgid: 6, Fsuid: 7, Fsgid: 8, Securebits: 9,
		CapPermitted: 10, CapEffective: 11, CapInheritable: 12, UsernsLevel: 1, UsernsOwner: 13, UsernsGroup: 14,
	}
	e.Ns[bpf.ContractVdNamespaceVD_NS_USER] = 77
	info := tree.Info(tree.Exec(e))
	caps := &event.Capabilities{Permitted: 10, Effective: 11, Inheritable: 12}
	want := &event.Credentials{
		UID: 1, GID: 2, EUID: 3, EGID: 4, SUID: 5, SGID: 6, FSUID: 7, FSGID: 8, SecureBits: 9, Caps: caps,
		UserNS: &event.UserNamespace{Level: 1, UID: 13, GID: 14, NS: event.Namespace{Inum: 77}},
	}
	if diff := cmp.Diff(want, info.Creds) + cmp.Diff(caps, info.Caps); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	plain := newTree(nil)
	if info := plain.Info(plain.Exec(e)); info.Creds != nil || info.Caps != nil || info.Namespaces != nil {
		t.Error("credentials or namespaces without having been asked for")
	}
}

func TestNamespaces(t *testing.T) {
	host := workload.Namespaces{100, 101, 102, 103, 104, 105, 0, 0, 108, 109}
	tree := newTree(func(o *Options) { o.Namespaces, o.HostNamespaces = true, host })
	e := exec(pid(1, 0), pid(10, 5), "/bin/x")
	e.Ns = host
	e.Ns[bpf.ContractVdNamespaceVD_NS_MNT] = 999
	want := &event.Namespaces{
		UTS: event.Namespace{Inum: 100, IsHost: true}, IPC: event.Namespace{Inum: 101, IsHost: true},
		Mnt: event.Namespace{Inum: 999}, PID: event.Namespace{Inum: 103, IsHost: true},
		PIDForChildren: event.Namespace{Inum: 104, IsHost: true}, Net: event.Namespace{Inum: 105, IsHost: true},
		Cgroup: event.Namespace{Inum: 108, IsHost: true}, User: event.Namespace{Inum: 109, IsHost: true},
	}
	if diff := cmp.Diff(want, tree.Info(tree.Exec(e)).Namespaces); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBinaryProperties(t *testing.T) {
	const (
		setuid = uint32(bpf.ContractVdExecFlagsVD_EXEC_SETUID)
		setgid = uint32(bpf.ContractVdExecFlagsVD_EXEC_SETGID)
		caps   = uint32(bpf.ContractVdExecFlagsVD_EXEC_CAPS_RAISED)
	)
	changed := func(c ...tetragon.ProcessPrivilegesChanged) []tetragon.ProcessPrivilegesChanged { return c }
	tests := map[string]struct {
		flags, euid, egid, nlink uint32
		ino                      uint64
		exe                      string
		want                     *event.BinaryProperties
	}{
		"ordinary": {0, 1000, 1000, 1, 5, "/bin/x", nil},
		"set-uid root": {setuid, 0, 1000, 1, 5, "/bin/x", &event.BinaryProperties{
			SetUID:            event.Some(uint32(0)),
			PrivilegesChanged: changed(tetragon.ProcessPrivilegesChanged_PRIVILEGES_RAISED_EXEC_FILE_SETUID)}},
		"set-uid other": {setuid, 33, 1000, 1, 5, "/bin/x", &event.BinaryProperties{SetUID: event.Some(uint32(33))}},
		"set-gid": {setgid, 1000, 42, 1, 5, "/bin/x", &event.BinaryProperties{
			SetGID:            event.Some(uint32(42)),
			PrivilegesChanged: changed(tetragon.ProcessPrivilegesChanged_PRIVILEGES_RAISED_EXEC_FILE_SETGID)}},
		"file capabilities": {caps, 1000, 1000, 1, 5, "/bin/x", &event.BinaryProperties{
			PrivilegesChanged: changed(tetragon.ProcessPrivilegesChanged_PRIVILEGES_RAISED_EXEC_FILE_CAP)}},
		"memfd": {0, 0, 0, 0, 5, "/memfd:x (deleted)", &event.BinaryProperties{
			File: &event.File{Inode: 5, Links: event.Some(uint32(0)), Path: "/memfd:x (deleted)"}}},
		"inode not known":  {0, 0, 0, 0, 0, "/bin/x", nil},
		"no resolved path": {0, 0, 0, 0, 5, "", &event.BinaryProperties{File: &event.File{Inode: 5, Links: event.Some(uint32(0)), Path: "/bin/x"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tree := newTree(func(o *Options) { o.Credentials = true })
			e := exec(pid(1, 0), pid(10, 5), "/bin/x")
			e.Flags |= test.flags
			e.Cred.Euid, e.Cred.Egid, e.Nlink, e.Ino, e.Exe = test.euid, test.egid, test.nlink, test.ino, []byte(test.exe)
			p := tree.Exec(e)
			if diff := cmp.Diff(test.want, tree.ExecInfo(p).BinaryProperties); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tree.Info(p).BinaryProperties != nil {
				t.Error("later events show the binary's properties")
			}
		})
	}
}

func TestUnknownInfo(t *testing.T) {
	tree := newTree(nil)
	got := tree.UnknownInfo(ID{Start: 5, PID: 6})
	want := &event.Process{
		PID: 6, Flags: "unknown", StartTime: boot + 5,
		Absent: event.AbsentTID | event.AbsentUID | event.AbsentAUID | event.AbsentInInitTree,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if tree.UnknownInfo(ID{PID: 6}).StartTime != 0 {
		t.Error("a start time that is not known is shown")
	}
}

func TestAppendExecID(t *testing.T) {
	// The example of an empty node name that begins with OjE.
	got := string(AppendExecID([]byte("x"), "", ID{Start: 1328147, PID: 32422}))
	if want := "xOjEzMjgxNDc6MzI0MjI="; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestExecAllocations(t *testing.T) {
	tree := newTree(nil)
	parent := pid(10, 1)
	tree.Exec(exec(pid(1, 0), parent, "/bin/sh"))
	tree.Info(tree.Lookup(IDOf(parent)))
	e := exec(parent, pid(0, 0), "/usr/bin/true", "--some", "arguments")
	i := uint64(0)
	n := testing.AllocsPerRun(1000, func() {
		i++
		e.Process = pid(1000+i, uint32(100+i))
		tree.Exec(e)
	})
	// The node, what is shown of it, and one for all its strings.
	if n > 3 {
		t.Errorf("%v allocations per exec, want at most 3", n)
	}
}

func TestClock(t *testing.T) {
	c := NewClock(boot)
	if got := c.Wall(7); got != boot+7 {
		t.Errorf("Wall(7) = %d, want %d", got, int64(boot+7))
	}
	if err := c.Sync(); err != nil {
		t.Fatal(err)
	}
	now, err := SinceBoot()
	if err != nil {
		t.Fatal(err)
	}
	if c.Wall(now) < boot {
		t.Errorf("now is %d, before the year 2023", c.Wall(now))
	}
}

// TestRedactedArguments checks that the arguments are redacted by binary.
func TestRedactedArguments(t *testing.T) {
	tree := newTree(func(o *Options) {
		o.Redact = func(binary, arguments string) string { return binary + "<" + arguments + ">" }
	})
	e := exec(pid(1, 0), pid(10, 5), "/bin/x")
	e.Args = []byte("x\x00-p\x00secret\x00")
	p := tree.Exec(e)
	const want = "/bin/x<-p secret>"
	if got := tree.Info(p).Arguments; got != want {
		t.Errorf("arguments %q, want %q", got, want)
	}
}
