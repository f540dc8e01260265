// SPDX-License-Identifier: Apache-2.0

package process

import (
	"strings"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/record"
)

const (
	// maxArguments is how many bytes of one argument area are gathered from ExecData records.
	maxArguments = 256 << 10
	// maxGathering is how many argument areas can await their exec at once.
	maxGathering = 32
	// maxShortArguments is the longest command line, in bytes, that is kept as long as its process;
	// longer ones are kept whole while all of them together do not exceed maxLongBytes.
	maxShortArguments = 4 << 10
	maxLongBytes      = 16 << 20
)

// argumentStore gathers the parts of long argument areas until their exec comes.
type argumentStore struct {
	areas   []*argumentArea // oldest first
	dropped uint64          // parts
}

type argumentArea struct {
	id    ID
	time  uint64 // of the first part
	parts uint64
	bytes []byte
	cut   bool // parts are missing, or there is more
}

// ExecData takes a part of the argument area of an exec that is still to come.
func (t *Tree) ExecData(d *record.ExecData) {
	t.advance(d.Header.Time)
	t.arguments.add(d)
}

func (s *argumentStore) add(d *record.ExecData) {
	area := s.of(IDOf(d.Process), d.Header.Time)
	area.parts++
	if area.cut || int(d.Offset) != len(area.bytes) {
		area.cut = true
		s.dropped++
		return
	}
	data := d.Data
	if room := maxArguments - len(area.bytes); len(data) > room {
		data, area.cut = data[:room], true
	}
	area.bytes = append(area.bytes, data...)
}

func (s *argumentStore) of(id ID, time uint64) *argumentArea {
	for _, area := range s.areas {
		if area.id == id {
			return area
		}
	}
	if len(s.areas) == maxGathering {
		s.drop()
	}
	area := &argumentArea{id: id, time: time}
	s.areas = append(s.areas, area)
	return area
}

// drop forgets the oldest area.
func (s *argumentStore) drop() {
	s.dropped += s.areas[0].parts
	s.areas = append(s.areas[:0], s.areas[1:]...)
	s.areas[:len(s.areas)+1][len(s.areas)] = nil
}

// expire forgets the areas whose first part came before a time in nanoseconds since boot.
func (s *argumentStore) expire(before uint64) {
	for len(s.areas) > 0 && s.areas[0].time < before {
		s.drop()
	}
}

// take returns the argument area of an exec and whether it is complete.
func (s *argumentStore) take(id ID, e *record.Exec) ([]byte, bool) {
	if e.Flags&uint32(bpf.ContractVdExecFlagsVD_EXEC_ARGS_DATA) == 0 {
		return e.Args, true
	}
	for i, area := range s.areas {
		if area.id != id {
			continue
		}
		s.areas = append(s.areas[:i], s.areas[i+1:]...)
		s.areas[:len(s.areas)+1][len(s.areas)] = nil
		if area.cut || uint32(len(area.bytes)) != e.ArgsOffset {
			return area.bytes, false
		}
		return append(area.bytes, e.Args...), true
	}
	return s.withoutParts(e)
}

// withoutParts is for an exec whose parts did not come. Where the kernel could not send them, the
// record has the beginning of the area; else it has the end, which is no use.
func (s *argumentStore) withoutParts(e *record.Exec) ([]byte, bool) {
	if e.ArgsOffset == 0 {
		return e.Args, false
	}
	return nil, false
}

// keepLong accounts for long arguments and cuts the oldest of them when they become too many.
func (t *Tree) keepLong(p *Process) {
	if p.gone || len(p.info.Arguments) <= maxShortArguments {
		return
	}
	p.long = t.long.PushBack(p)
	t.longBytes += len(p.info.Arguments)
	for t.longBytes > maxLongBytes {
		oldest := t.long.Front().Value.(*Process)
		t.cutArguments(oldest)
	}
}

// dropLong accounts for long arguments that are no longer kept.
func (t *Tree) dropLong(p *Process) {
	if p.long == nil {
		return
	}
	t.longBytes -= len(p.info.Arguments)
	t.long.Remove(p.long)
	p.long = nil
}

// cutArguments cuts the arguments of p if they are long.
func (t *Tree) cutArguments(p *Process) {
	if p.long == nil {
		return
	}
	t.dropLong(p)
	info := *p.info
	info.Arguments = strings.Clone(info.Arguments[:maxShortArguments])
	p.flags |= flagTruncArgs
	info.Flags = t.flagText(p.flags)
	p.info = &info
	t.stats.ArgumentsCut++
}
