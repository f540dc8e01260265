// SPDX-License-Identifier: Apache-2.0

package record

import (
	"testing"

	"github.com/vedette-io/vedette/bpf"
)

func TestSequence(t *testing.T) {
	type step struct {
		seq  uint64
		want int64
	}
	tests := map[string]struct {
		steps      []step
		duplicates uint64
	}{
		"nothing missing":        {[]step{{1, 0}, {2, 0}, {3, 0}}, 0},
		"the first are missing":  {[]step{{4, 3}, {5, 0}}, 0},
		"a gap":                  {[]step{{1, 0}, {5, 3}, {6, 0}}, 0},
		"overtaken":              {[]step{{1, 0}, {3, 1}, {2, -1}, {4, 0}}, 0},
		"overtaken twice":        {[]step{{3, 2}, {1, -1}, {2, -1}}, 0},
		"twice":                  {[]step{{1, 0}, {1, 0}}, 1},
		"late and twice":         {[]step{{2, 1}, {1, -1}, {1, 0}}, 1},
		"63 behind":              {[]step{{64, 63}, {1, -1}}, 0},
		"too late to tell":       {[]step{{65, 64}, {1, 0}}, 1},
		"a gap beyond the range": {[]step{{1, 0}, {1000, 998}, {999, -1}, {1, 0}}, 1},
		"not numbered":           {[]step{{0, 0}, {1, 0}, {0, 0}, {2, 0}}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var s Sequence
			for i, step := range test.steps {
				if got := s.Observe(&bpf.Header{Cpu: 2, Seq: step.seq}); got != step.want {
					t.Errorf("step %d: number %d gives %d, want %d", i, step.seq, got, step.want)
				}
			}
			if s.Duplicates != test.duplicates {
				t.Errorf("%d duplicates, want %d", s.Duplicates, test.duplicates)
			}
		})
	}
}

func TestSequenceKeepsRingsAndCPUsApart(t *testing.T) {
	var s Sequence
	for _, h := range []bpf.Header{
		{Ring: 0, Cpu: 0, Seq: 1}, {Ring: 1, Cpu: 0, Seq: 1}, {Ring: 0, Cpu: 1000, Seq: 1}, {Ring: 0, Cpu: 0, Seq: 2},
	} {
		if got := s.Observe(&h); got != 0 {
			t.Errorf("%+v gives %d, want 0", h, got)
		}
	}
	if got := s.Observe(&bpf.Header{Ring: 200, Cpu: 1, Seq: 9}); got != 0 {
		t.Errorf("a ring that does not exist gives %d", got)
	}
}
