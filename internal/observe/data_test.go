// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"bytes"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
)

// long is a buffer of n bytes no two parts of which are the same.
func long(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

// part makes a record with a part of the buffer in slot 1.
func (k *kernel) part(buffer []byte, from, to int, change func(*record.HookData)) []byte {
	d := &record.HookData{Data: buffer[from:to]}
	d.Pair, d.Hook, d.Generation, d.Tid, d.Offset, d.Slot, d.Uses = 9, 1, 1, 5, uint32(from), 1, 1
	if to == len(buffer) {
		d.Last = 1
	}
	if change != nil {
		change(d)
	}
	d.Header = k.header(0, 100)
	return record.AppendHookData(nil, d)
}

// head is the hook record of a buffer.
func (k *kernel) head(ring uint8, phase record.Phase, buffer []byte, vector ...uint64) []byte {
	h := bpf.HookRecord{Process: pid(100, 5), Tid: 5, Pair: 9, Phase: uint8(phase)}
	h.Header.Ring, h.Header.Time = ring, 100
	return k.hook(h, vector, record.Value{
		Type: record.ValueCharBuf, Slot: 1, Status: record.StatusTruncated | record.StatusData,
		Num: uint64(len(buffer)), Content: buffer[:record.MaxContent],
	})
}

// newDataRig is a rig whose plan shows the buffer in slot 1, by bit 64.
func newDataRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, nil)
	p := readPlan()
	p.Groups[1].HasReturn = false
	p.Groups[0].Args = p.Groups[1].Args
	r.mustPlan(t, p)
	r.Handle(r.exec(pid(1, 0), pid(100, 5), "/bin/cat"))
	r.take()
	return r
}

// checkBuffer checks the only argument of the only event.
func (r *rig) checkBuffer(t *testing.T, kind event.ArgKind, want []byte, size int) {
	t.Helper()
	args := r.mustOne(t).Hook.Args
	if len(args) != 1 || args[0].Kind != kind || !bytes.Equal(args[0].Bytes, want) || int(args[0].Uint) != size {
		t.Errorf("%d arguments, the first of kind %d with %d bytes of %d", len(args), args[0].Kind, len(args[0].Bytes), args[0].Uint)
	}
	if n := len(r.buffers.calls); n != 0 || r.buffers.bytes != 0 {
		t.Errorf("the data of %d calls, %d bytes, are kept", n, r.buffers.bytes)
	}
}

func TestDataBeforeTheirRecord(t *testing.T) {
	r := newDataRig(t)
	b := long(40_000)
	r.Handle(r.part(b, 4096, 36_864, nil))
	r.Handle(r.part(b, 36_864, 40_000, nil))
	r.Handle(r.head(0, record.PhaseEntry, b, 0, 1))
	r.checkBuffer(t, event.ArgBytes, b, 0)
	if s := r.Stats(); s.TruncatedArguments != 0 {
		t.Errorf("%d arguments count as truncated", s.TruncatedArguments)
	}
}

// TestDataOfEvidence checks a record that is read before its data, because it is in the other ring.
func TestDataOfEvidence(t *testing.T) {
	r := newDataRig(t)
	b := long(40_000)
	r.Handle(r.head(1, record.PhaseEntry, b, 0, 1))
	r.Handle(r.part(b, 4096, 36_864, nil))
	if n := len(r.take()); n != 0 {
		t.Fatalf("%d events before all data are there", n)
	}
	r.Handle(r.part(b, 36_864, 40_000, nil))
	r.checkBuffer(t, event.ArgBytes, b, 0)
}

// TestDataThatDoNotCome checks that a record does not wait for ever, and that it is told.
func TestDataThatDoNotCome(t *testing.T) {
	r := newDataRig(t)
	b := long(40_000)
	r.Handle(r.head(1, record.PhaseEntry, b, 0, 1))
	r.Tick(100 + earlyWait + 1)
	events := r.take()
	if len(events) != 2 || events[1].Kind != event.KindLost || !strings.Contains(events[1].Lost.Cause, "long buffer") {
		t.Fatalf("events %+v", events)
	}
	if a := events[0].Hook.Args[0]; a.Kind != event.ArgTruncatedBytes || !bytes.Equal(a.Bytes, b[:4096]) || a.Uint != 40_000 {
		t.Errorf("argument of kind %d with %d bytes of %d", a.Kind, len(a.Bytes), a.Uint)
	}
}

// TestDataWithGap checks that nothing behind a missing part is shown.
func TestDataWithGap(t *testing.T) {
	r := newDataRig(t)
	b := long(110_000)
	r.Handle(r.part(b, 4096, 36_864, nil))
	r.Handle(r.part(b, 69_632, 102_400, nil))
	r.Handle(r.part(b, 102_400, 110_000, nil))
	r.Handle(r.head(0, record.PhaseEntry, b, 0, 1))
	r.checkBuffer(t, event.ArgTruncatedBytes, b[:36_864], 110_000)
}

// TestDataOfTwoRecords checks data that an event and one that awaits the return both refer to.
func TestDataOfTwoRecords(t *testing.T) {
	r := newDataRig(t)
	b := long(10_000)
	r.Handle(r.part(b, 4096, 10_000, func(d *record.HookData) { d.Uses = 2 }))
	r.Handle(r.head(0, record.PhaseEntry, b, 1, 0))
	if a := r.mustOne(t).Hook.Args[0]; !bytes.Equal(a.Bytes, b) {
		t.Errorf("%d bytes at once", len(a.Bytes))
	}
	r.Handle(r.head(0, record.PhaseEntryAwaitsReturn, b, 0, 1))
	r.Tick(2 * dataWait) // half of the call is there: its data are kept
	r.Handle(r.hook(bpf.HookRecord{Process: pid(100, 5), Tid: 5, Pair: 9, Phase: uint8(record.PhaseReturn)}, []uint64{0, 1}, record.Value{Type: record.ValueS64}))
	r.checkBuffer(t, event.ArgBytes, b, 0)
}

// TestDataAreBounded checks what is kept of data whose records do not come.
func TestDataAreBounded(t *testing.T) {
	r := newDataRig(t)
	b := long(60_000)
	for i := range 2 * maxDataCalls {
		r.Handle(r.part(b, 4096, 36_864, func(d *record.HookData) { d.Pair = uint64(i) }))
		if r.buffers.bytes > maxDataBytes || len(r.buffers.calls) > maxDataCalls {
			t.Fatalf("%d bytes of %d calls are kept", r.buffers.bytes, len(r.buffers.calls))
		}
	}
	r.Tick(100 + dataWait + 1)
	if n := len(r.buffers.calls); n != 0 || r.buffers.bytes != 0 {
		t.Errorf("%d calls with %d bytes after their time", n, r.buffers.bytes)
	}
	if lost := r.mustOne(t).Lost; lost.Count != 2*maxDataCalls || lost.Stage != "merge" {
		t.Errorf("told %+v", lost)
	}
	for range 2 * maxWaiting {
		r.Handle(r.head(1, record.PhaseEntry, b, 0, 1))
	}
	if n := len(r.buffers.waiting); n > maxWaiting || r.buffers.waitingBytes > maxWaitingBytes {
		t.Errorf("%d records, %d bytes wait", n, r.buffers.waitingBytes)
	}
}
