// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"encoding/binary"
	"testing"

	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/process"
	"github.com/vedette-io/vedette/internal/record"
	"github.com/vedette-io/vedette/internal/workload"
)

// FuzzHandle gives the observer arbitrary bytes as a sequence of records, each behind its length in
// two bytes. Whatever they say, it must not panic, and every event must have a JSON form.
func FuzzHandle(f *testing.F) {
	var all []byte
	for _, raw := range stream(2, 4) {
		all = append(binary.LittleEndian.AppendUint16(all, uint16(len(raw))), raw...)
	}
	f.Add(all)
	var k kernel
	b := long(10_000)
	var buffered []byte
	for _, raw := range [][]byte{k.head(1, record.PhaseEntry, b, 0, 1), k.part(b, record.MaxContent, len(b), nil), k.head(0, record.PhaseEntry, b, 0, 1)} {
		buffered = append(binary.LittleEndian.AppendUint16(buffered, uint16(len(raw))), raw...)
	}
	f.Add(buffered)
	f.Fuzz(func(t *testing.T, all []byte) {
		clock := process.NewClock(boot)
		var line []byte
		o := New(Options{
			Tree:      process.NewTree(process.Options{Clock: clock, Resolver: workload.NewContainers(), Capacity: 8}),
			Clock:     clock,
			Ancestors: []event.Kind{event.KindExec, event.KindExit, event.KindKprobe},
			Returns:   4,
			Emit:      func(e *event.Event) { line = event.AppendJSON(line[:0], e) },
		})
		if err := o.SetPlan(readPlan()); err != nil {
			t.Fatal(err)
		}
		for len(all) >= 2 {
			n := min(int(binary.LittleEndian.Uint16(all)), len(all)-2)
			o.Handle(all[2 : 2+n])
			all = all[2+n:]
		}
		o.Tick(1 << 62)
		if s := o.Stats(); s.AwaitingReturn > 4 || s.Tree.Images > 8 || len(o.buffers.calls) > maxDataCalls {
			t.Errorf("more is kept than allowed: %+v", s)
		}
	})
}
