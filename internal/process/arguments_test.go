// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/record"
)

const (
	argsData      = uint32(bpf.ContractVdExecFlagsVD_EXEC_ARGS_DATA)
	argsTruncated = uint32(bpf.ContractVdExecFlagsVD_EXEC_ARGS_TRUNCATED)
)

func execData(self bpf.ProcessID, offset int, data string) *record.ExecData {
	d := &record.ExecData{Data: []byte(data)}
	d.Header.Time = self.Start
	d.Process, d.Offset = self, uint32(offset)
	return d
}

func TestArgumentsInParts(t *testing.T) {
	type part struct {
		offset int
		data   string
	}
	tests := map[string]struct {
		parts       []part
		rest        string
		offset      uint32 // of the rest
		flags       uint32
		want, shown string
		dropped     uint64
	}{
		"parts and rest": {[]part{{0, "sh\x00-c"}, {5, "\x00x y"}}, " z\x00", 9, argsData,
			`-c "x y z"`, "execve clone dataArgs", 0},
		"truncated by the kernel": {[]part{{0, "sh\x00-c\x00x"}}, "yz", 7, argsData | argsTruncated,
			"-c xyz", "execve truncArgs clone dataArgs", 0},
		"a part is missing": {[]part{{0, "sh\x00-c"}, {9, "more"}}, "end\x00", 13, argsData,
			"-c", "execve truncArgs clone dataArgs", 1},
		"the first part is missing": {[]part{{4, "more"}}, "end\x00", 8, argsData,
			"", "execve truncArgs clone dataArgs", 1},
		"no part came": {nil, "end\x00x\x00", 100, argsData,
			"", "execve truncArgs clone dataArgs", 0},
		"a part that nobody missed": {[]part{{0, "sh\x00-c"}}, "end\x00", 9, argsData,
			"-c", "execve truncArgs clone dataArgs", 0},
		"no part could be sent": {nil, "sh\x00-c\x00", 0, argsData | argsTruncated,
			"-c", "execve truncArgs clone dataArgs", 0},
		"a failed part": {[]part{{0, ""}}, "sh\x00-c\x00", 0, argsData | argsTruncated,
			"-c", "execve truncArgs clone dataArgs", 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tree := newTree(nil)
			tree.Task(exec(pid(1, 0), pid(5, 1), "/sbin/init"))
			self := pid(100, 7)
			for _, p := range test.parts {
				tree.ExecData(execData(self, p.offset, p.data))
			}
			e := exec(pid(5, 1), self, "/bin/sh")
			e.Args = []byte(test.rest)
			e.Flags |= test.flags
			e.ArgsOffset = test.offset
			info := tree.Info(mustExec(t, tree, e))
			if info.Arguments != test.want || info.Flags != test.shown {
				t.Errorf("arguments %q, flags %q; want %q, %q", info.Arguments, info.Flags, test.want, test.shown)
			}
			if got := tree.Stats().ArgumentsDropped; got != test.dropped {
				t.Errorf("%d parts dropped, want %d", got, test.dropped)
			}
			if len(tree.arguments.areas) != 0 {
				t.Error("the parts are still there")
			}
		})
	}
}

func TestArgumentsOfTwoExecsAtOnce(t *testing.T) {
	tree := newTree(nil)
	a, b := pid(100, 7), pid(101, 8)
	tree.ExecData(execData(a, 0, "x\x00a1"))
	tree.ExecData(execData(b, 0, "x\x00b1"))
	tree.ExecData(execData(a, 4, " a2"))
	for self, want := range map[bpf.ProcessID]string{a: `"a1 a2 end"`, b: `"b1 end"`} {
		e := exec(pid(1, 0), self, "/bin/x")
		e.Args, e.Flags = []byte(" end\x00"), e.Flags|argsData
		e.ArgsOffset = map[bpf.ProcessID]uint32{a: 7, b: 4}[self]
		if got := tree.Info(tree.Exec(e)).Arguments; got != want {
			t.Errorf("arguments %q, want %q", got, want)
		}
	}
}

func TestArgumentsAreBounded(t *testing.T) {
	tree := newTree(nil)
	self := pid(100, 7)
	chunk := "x\x00" + strings.Repeat("a", 32<<10-2)
	for i := range 12 {
		tree.ExecData(execData(self, i*len(chunk), chunk))
	}
	if got := len(tree.arguments.areas[0].bytes); got != maxArguments {
		t.Errorf("%d bytes are gathered, want %d", got, maxArguments)
	}
	if got := tree.Stats().ArgumentsDropped; got != 3 {
		t.Errorf("%d parts dropped, want 3: one was cut to nothing, three came after", got)
	}
	for i := range uint64(2 * maxGathering) {
		tree.ExecData(execData(pid(200+i, uint32(i)), 0, "x\x00y"))
	}
	if got := len(tree.arguments.areas); got != maxGathering {
		t.Errorf("%d areas wait, want %d", got, maxGathering)
	}
	tree.Advance(uint64(time.Minute))
	if got := len(tree.arguments.areas); got != 0 {
		t.Errorf("%d areas wait after a minute", got)
	}
}

func TestWholeArgumentsOf256KiB(t *testing.T) {
	tree := newTree(nil)
	self := pid(100, 7)
	area := "sh\x00" + strings.Repeat("0123456789abcde ", 256<<10/16-2)
	for at := 0; at < len(area); at += 32 << 10 {
		tree.ExecData(execData(self, at, area[at:min(at+32<<10, len(area))]))
	}
	e := exec(pid(1, 0), self, "/bin/sh")
	e.Args, e.Flags, e.ArgsOffset = []byte("end\x00"), e.Flags|argsData, uint32(len(area))
	info := tree.Info(tree.Exec(e))
	if want := `"` + area[3:] + `end"`; info.Arguments != want || strings.Contains(info.Flags, "trunc") {
		t.Errorf("%d bytes of arguments with flags %q, want %d", len(info.Arguments), info.Flags, len(want))
	}
}

func TestLongArgumentsAreCutInTheEnd(t *testing.T) {
	tree := newTree(nil)
	const size = 128 << 10
	args := strings.Repeat("a", size)
	run := func(i uint64) *Process { return tree.Exec(exec(pid(1, 0), pid(10+i, uint32(1+i)), "/bin/x", args)) }
	first := run(0)
	shown := tree.Info(first)
	child := tree.Fork(fork(pid(10, 1), pid(11, 5000)))
	for i := range uint64(2 * maxLongBytes / size) {
		run(100 + i)
	}
	info := tree.Info(first)
	if len(info.Arguments) != maxShortArguments || info.Flags != "execve truncArgs clone" {
		t.Errorf("%d bytes with flags %q, want them cut", len(info.Arguments), info.Flags)
	}
	if len(shown.Arguments) != size || shown.Flags != "execve clone" {
		t.Error("what was shown before has changed")
	}
	if got := len(tree.Info(child).Arguments); got != maxShortArguments {
		t.Errorf("the child shows %d bytes", got)
	}
	if s := tree.Stats(); s.ArgumentsCut == 0 || tree.longBytes > maxLongBytes || tree.long.Len() > maxLongBytes/size {
		t.Errorf("%d cut, %d bytes of %d processes are long", s.ArgumentsCut, tree.longBytes, tree.long.Len())
	}
	tree.Advance(20)
	for id := range tree.images {
		e := exit(bpf.ProcessID{Start: id.Start, Pid: id.PID}, 1000)
		tree.Exit(e)
	}
	tree.Advance(uint64(time.Hour))
	if tree.longBytes != 0 || tree.long.Len() != 0 {
		t.Errorf("%d bytes of %d processes are left", tree.longBytes, tree.long.Len())
	}
}

// A forked process that is shown keeps the arguments of its parent in memory, as one that has them itself.
func TestLongArgumentsOfForksAreAccounted(t *testing.T) {
	tree := newTree(nil)
	const size = 128 << 10
	tree.Exec(exec(pid(1, 0), pid(10, 1), "/bin/x", strings.Repeat("a", size)))
	tree.Info(tree.Fork(fork(pid(10, 1), pid(11, 2))))
	if tree.longBytes != 2*size {
		t.Errorf("%d bytes are accounted, want %d", tree.longBytes, 2*size)
	}
}

func TestCommandLineOfAnOlderProcess(t *testing.T) {
	asked := uint32(0)
	tree := newTree(func(o *Options) {
		o.CommandLine = func(pid uint32) []byte { asked = pid; return []byte("init\x00--system\x00") }
	})
	e := exec(pid(0, 0), pid(5, 1), "ignored")
	e.Filename, e.Args, e.Exe, e.Flags = nil, nil, []byte("/usr/lib/systemd/systemd"), 0
	info := tree.Info(tree.Task(e))
	if asked != 1 || info.Arguments != "--system" || info.Binary != "/usr/lib/systemd/systemd" || info.Flags != "procFS" {
		t.Errorf("asked for %d, shows %+v", asked, info)
	}
	asked = 0
	e = exec(pid(0, 0), pid(6, 2), "kthreadd")
	e.Flags = uint32(bpf.ContractVdExecFlagsVD_EXEC_KTHREAD)
	if tree.Task(e); asked != 0 {
		t.Error("asked for the command line of a kernel thread")
	}
	if tree.Exec(exec(pid(5, 1), pid(9, 3), "/bin/x")); asked != 0 {
		t.Error("asked for the command line of a new process")
	}
}

func TestCommandLines(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "42"), 0o755); err != nil {
		t.Fatal(err)
	}
	area := append([]byte("sh\x00"), bytes.Repeat([]byte("x"), 300<<10)...)
	if err := os.WriteFile(filepath.Join(dir, "42", "cmdline"), area, 0o644); err != nil {
		t.Fatal(err)
	}
	read := CommandLines(dir)
	if got := read(42); !bytes.Equal(got, area[:maxArguments]) {
		t.Errorf("%d bytes, want the first %d", len(got), maxArguments)
	}
	if got := read(43); got != nil {
		t.Errorf("a process that is not there has the command line %q", got)
	}
}
