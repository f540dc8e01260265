// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"bytes"
	"io"
	"os"
	"testing"
	"time"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/process"
	"github.com/vedette-io/vedette/internal/record"
	"github.com/vedette-io/vedette/internal/workload"
	"golang.org/x/sys/unix"
)

// exporter writes events as JSON lines, as the agent's export does.
type exporter struct {
	line   []byte
	out    io.Writer
	events int
}

func (x *exporter) emit(e *event.Event) {
	x.line = append(event.AppendJSON(x.line[:0], e), '\n')
	x.out.Write(x.line)
	x.events++
}

func newExporting(tb testing.TB, out io.Writer) (*Observer, *exporter) {
	tb.Helper()
	x := &exporter{out: out}
	clock := process.NewClock(boot)
	o := New(Options{
		Tree:     process.NewTree(process.Options{Node: "node-1", Clock: clock, Resolver: workload.NewContainers()}),
		Clock:    clock,
		NodeName: "node-1",
		Emit:     x.emit,
	})
	if err := o.SetPlan(readPlan()); err != nil {
		tb.Fatal(err)
	}
	return o, x
}

// stream makes the records of a shell that runs a command again and again, which reads a file some
// times: fork, exec, reads (one in four awaits its return), exit.
func stream(processes, reads int) [][]byte {
	var k kernel
	var records [][]byte
	add := func(raw []byte) { records = append(records, raw) }
	shell := pid(100, 50)
	add(k.task(pid(1, 0), pid(10, 1), "/usr/lib/systemd/systemd", "--system"))
	add(k.exec(pid(10, 1), shell, "/bin/bash", "-c", "while cat /etc/passwd; do true; done"))
	for i := range uint64(processes) {
		at, id := 1000+i*1_000_000, uint32(1000+i%20000)
		cat := pid(at+1, id)
		add(k.fork(shell, pid(at, id)))
		add(k.exec(shell, cat, "/usr/bin/cat", "/etc/passwd", "/etc/group"))
		for n := range uint64(reads) {
			k.addRead(add, cat, at+2+n*10, n%4 == 3)
		}
		add(k.exit(cat, id, 0, at+900_000))
	}
	return records
}

func (k *kernel) addRead(add func([]byte), process bpf.ProcessID, at uint64, awaits bool) {
	h := bpf.HookRecord{Process: process, Tid: process.Pid, Pair: at}
	h.Header.Time = at
	values := readValues()
	if !awaits {
		add(k.hook(h, []uint64{1, 0}, values...))
		return
	}
	h.Phase = uint8(record.PhaseEntryAwaitsReturn)
	values[1].Status = record.StatusAtReturn
	add(k.hook(h, []uint64{0, 1}, values...))
	h.Phase = uint8(record.PhaseReturn)
	add(k.hook(h, []uint64{0, 1}, record.Value{Type: record.ValueS64, Slot: 0xff, Num: 4},
		record.Value{Type: record.ValueCharBuf, Slot: 1, Num: 4, Content: []byte("root")}))
}

// cpuTime returns the CPU time that the test has used, the garbage collector's included: a machine that
// is busy otherwise does not change it.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkRingToJSON is the whole way of an event in user space: recorded ring buffer bytes to JSON
// lines in a file, one write per event. One operation is one event; events/cpu-s is what one core does.
func BenchmarkRingToJSON(b *testing.B) {
	for name, shape := range map[string]struct{ processes, reads int }{
		"mixed": {4000, 10}, // per process an exec, an exit, ten hook events
		"exec":  {20000, 0},
		"hook":  {20, 2000},
	} {
		b.Run(name, func(b *testing.B) {
			out, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
			if err != nil {
				b.Fatal(err)
			}
			defer out.Close()
			records := stream(shape.processes, shape.reads)
			b.ReportAllocs()
			b.ResetTimer()
			done, used := 0, time.Duration(0)
			for done < b.N {
				b.StopTimer()
				o, x := newExporting(b, out)
				before := cpuTime(b)
				b.StartTimer()
				for i := 0; i < len(records) && done+x.events < b.N; i++ {
					o.Handle(records[i])
				}
				done += x.events
				used += cpuTime(b) - before
			}
			b.ReportMetric(float64(done)/used.Seconds(), "events/cpu-s")
		})
	}
}

func TestHookEventsAllocateNothing(t *testing.T) {
	o, x := newExporting(t, io.Discard)
	var k kernel
	cat := pid(1000, 50)
	o.Handle(k.exec(pid(1, 0), cat, "/usr/bin/cat", "/etc/passwd"))
	var plain, halves [][]byte
	for i := range uint64(4000) {
		add := func(raw []byte) { plain = append(plain, raw) }
		if i%2 == 1 {
			add = func(raw []byte) { halves = append(halves, raw) }
		}
		k.addRead(add, cat, 2000+i, i%2 == 1)
	}
	before := x.events
	i := 0
	next := func(records [][]byte, n int) func() {
		return func() {
			for range n {
				o.Handle(records[i])
				i++
			}
		}
	}
	if n := testing.AllocsPerRun(1900, next(plain, 1)); n != 0 {
		t.Errorf("%v allocations per hook event, want 0", n)
	}
	i = 0
	if n := testing.AllocsPerRun(1900, next(halves, 2)); n != 0 {
		t.Errorf("%v allocations per call with its return, want 0", n)
	}
	if got := x.events - before; got != 2*1901 {
		t.Errorf("%d events, want %d", got, 2*1901)
	}
}

func TestExecEventsAllocateLittle(t *testing.T) {
	o, _ := newExporting(t, io.Discard)
	records := stream(2000, 0)
	for _, raw := range records[:300] {
		o.Handle(raw)
	}
	i := 300
	n := testing.AllocsPerRun(1000, func() {
		for range 3 { // fork, exec, exit
			o.Handle(records[i])
			i++
		}
	})
	// Two nodes, what is shown of the process, its strings, and the parent with its new count of
	// children before and after.
	if n > 6 {
		t.Errorf("%v allocations per process, want at most 6", n)
	}
	t.Logf("%v allocations per fork, exec and exit", n)
}

// The recorded stream gives one line of JSON per event, whole lineage included.
func TestStreamToJSON(t *testing.T) {
	var out bytes.Buffer
	o, x := newExporting(t, &out)
	for _, raw := range stream(50, 8) {
		o.Handle(raw)
	}
	if want := 1 + 1 + 1 + 50*(1+8+1); x.events != want {
		t.Errorf("%d events, want %d", x.events, want)
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if len(lines) != x.events {
		t.Errorf("%d lines of %d events", len(lines), x.events)
	}
	last := lines[len(lines)-1]
	for _, part := range []string{`"process_exit"`, `"binary":"/usr/bin/cat"`, `"binary":"/bin/bash"`, `"node_name":"node-1"`} {
		if !bytes.Contains(last, []byte(part)) {
			t.Errorf("no %s in %s", part, last)
		}
	}
	if s := o.Stats(); s.Lost != 0 || s.Missing[0] != 0 || s.UnknownProcesses != 0 || s.AwaitingReturn != 0 {
		t.Errorf("stats %+v", s)
	}
}
