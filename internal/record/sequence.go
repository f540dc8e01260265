// SPDX-License-Identifier: Apache-2.0

package record

import "github.com/vedette-io/vedette/bpf"

// Sequence finds the gaps in the numbers of records. The zero value is ready: it expects number 1
// of every ring and CPU. It is not safe for concurrent use.
type Sequence struct {
	rings [2][]window // by ring and CPU
	// Duplicates counts numbers that were seen before or are too old to tell.
	Duplicates uint64
}

// window is where the numbers of one CPU and ring are. Bit n of seen says that last-n has come: a
// program that interrupts another one on its CPU between counting and reserving overtakes it.
type window struct {
	last, seen uint64
}

// Observe takes the next record of its ring and returns by how much the number of missing records
// has changed: a gap counts up, a record that was overtaken and counted as missing counts down by
// one. Records with number 0 are not counted by the kernel and never missing.
func (s *Sequence) Observe(h *bpf.Header) int64 {
	if h.Seq == 0 || int(h.Ring) >= len(s.rings) {
		return 0
	}
	w := s.window(int(h.Ring), int(h.Cpu))
	if h.Seq > w.last {
		return w.advance(h.Seq)
	}
	age := w.last - h.Seq
	if age >= 64 || w.seen>>age&1 == 1 {
		s.Duplicates++
		return 0
	}
	w.seen |= 1 << age
	return -1
}

func (s *Sequence) window(ring, cpu int) *window {
	if n := cpu + 1 - len(s.rings[ring]); n > 0 {
		s.rings[ring] = append(s.rings[ring], make([]window, n)...)
	}
	return &s.rings[ring][cpu]
}

func (w *window) advance(seq uint64) int64 {
	step := seq - w.last
	w.seen = w.seen<<step | 1 // a shift by 64 or more gives 0
	w.last = seq
	return int64(step - 1)
}
