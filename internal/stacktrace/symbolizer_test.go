// SPDX-License-Identifier: Apache-2.0

package stacktrace

import (
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/executable"
	"github.com/vedette-io/vedette/internal/executable/executabletest"
	"github.com/vedette-io/vedette/internal/observe"
	"github.com/vedette-io/vedette/internal/process"
)

func content(addrs ...uint64) []byte {
	var b []byte
	for _, addr := range addrs {
		b = binary.NativeEndian.AppendUint64(b, addr)
	}
	return b
}

func fileContent(id executable.BuildID, offset uint64) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(bpf.ContractVdBuildIdStatusVD_BUILD_ID_VALID))
	return binary.NativeEndian.AppendUint64(append(b, id[:]...), offset)
}

// nameOne gives one event to a symbolizer and returns it as it is emitted.
func nameOne(tb testing.TB, binaryPath string, stacks observe.Stacks) *event.Event {
	tb.Helper()
	var got []*event.Event
	s := New(Options{ProcFS: "/proc", Log: slog.New(slog.DiscardHandler), Emit: func(e *event.Event) { got = append(got, e) }})
	e := &event.Event{Kind: event.KindKprobe, Process: &event.Process{Binary: binaryPath}}
	if !s.Take(e, stacks) {
		tb.Fatal("there is no room for one event")
	}
	s.Close()
	if len(got) != 1 {
		tb.Fatalf("%d events", len(got))
	}
	if s.Take(e, stacks) {
		tb.Error("an event is taken after the end")
	}
	return got[0]
}

var ended = process.ID{PID: 1 << 30, Start: 1}

// A frame of this very process is in the function whose address it is.
func TestUserStackOfRunningProcess(t *testing.T) {
	pc, _, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("no caller")
	}
	e := nameOne(t, "", observe.Stacks{Process: process.ID{PID: uint32(os.Getpid()), Start: 1 << 62}, User: content(uint64(pc))})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if f := e.Hook.UserStack; len(f) != 1 || !strings.HasSuffix(f[0].Symbol, "TestUserStackOfRunningProcess") || f[0].Module != self || f[0].Address != 0 {
		t.Errorf("stack %+v", f)
	}
}

// The program of a process that has ended is known where it is always at the same addresses.
func TestUserStackOfEndedProcess(t *testing.T) {
	p := executabletest.BuildWritable(t)
	e := nameOne(t, p.Path, observe.Stacks{Process: ended, User: content(p.OtherAddress+5, 1)})
	want := event.StackFrame{Symbol: "other", Module: p.Path, Offset: p.Other + 5}
	if f := e.Hook.UserStack; len(f) != 2 || f[0] != want || f[1] != (event.StackFrame{}) {
		t.Errorf("stack %+v, want %+v first", f, want)
	}
}

// mustLibrary finds a library of this machine with a build id.
func mustLibrary(tb testing.TB) (string, executable.BuildID) {
	tb.Helper()
	for _, dir := range libraryDirs {
		path := filepath.Join(dir, "libc.so.6")
		f, err := executable.Open(path)
		if err != nil {
			continue
		}
		id, err := f.BuildID()
		f.Close()
		if err == nil {
			return path, id
		}
	}
	tb.Skip("there is no libc with a build id")
	return "", executable.BuildID{}
}

// A library is found by its build id among those that the program asks for.
func TestUserStackByBuildID(t *testing.T) {
	path, id := mustLibrary(t)
	f, err := executable.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at, err := f.Symbol("getpid", 1)
	if err != nil {
		t.Fatal(err)
	}
	stacks := observe.Stacks{Process: ended, User: content(0x7f0000000000), Files: fileContent(id, at)}
	e := nameOne(t, "/bin/ls", stacks)
	if got := e.Hook.UserStack; len(got) != 1 || !strings.HasSuffix(got[0].Symbol, "getpid") || filepath.Base(got[0].Module) != "libc.so.6" || got[0].Offset != at {
		t.Errorf("stack %+v", got)
	}
	// Of a file that is nowhere, the build id is told.
	stacks.Files = fileContent(executable.BuildID{0xab}, 0x123)
	e = nameOne(t, "/bin/ls", stacks)
	if got := e.Hook.UserStack; len(got) != 1 || !strings.HasPrefix(got[0].Module, "build-id:ab00") || got[0].Offset != 0x123 || got[0].Symbol != "" {
		t.Errorf("stack %+v", got)
	}
}

// Mappings that contradict the build ids are those of another image.
func TestContradiction(t *testing.T) {
	s := &userStack{addrs: []uint64{0x1010}, files: fileFrames(fileContent(executable.BuildID{1}, 0x99))}
	if s.trusted([]mapping{{start: 0x1000, end: 0x2000}}) != nil {
		t.Error("wrong mappings are trusted")
	}
	if s.trusted([]mapping{{start: 0x1000, end: 0x2000, offset: 0x89}}) == nil {
		t.Error("right mappings are not trusted")
	}
}

// What does not fit waits nowhere: the caller is told.
func TestQueueIsBounded(t *testing.T) {
	block := make(chan struct{})
	s := New(Options{ProcFS: t.TempDir(), Log: slog.New(slog.DiscardHandler), Emit: func(*event.Event) { <-block }})
	taken := 0
	for taken < 10*maxQueue && s.Take(&event.Event{}, observe.Stacks{Kernel: content(1)}) {
		taken++
	}
	if taken < maxQueue || taken > 3*maxQueue {
		t.Errorf("%d events are taken, the queue has room for %d", taken, maxQueue)
	}
	close(block)
	s.Close()
	if n := s.bytes.Load(); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
	huge := &event.Event{}
	huge.Hook.Args = []event.Arg{{Bytes: make([]byte, maxQueueBytes)}}
	other := New(Options{ProcFS: t.TempDir(), Log: slog.New(slog.DiscardHandler), Emit: func(*event.Event) {}})
	defer other.Close()
	if other.Take(huge, observe.Stacks{Kernel: content(1)}) {
		t.Error("an event of all bytes is taken")
	}
}
