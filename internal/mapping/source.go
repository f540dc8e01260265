// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/observe"
)

// onlinePath tells which CPUs run.
const onlinePath = "/sys/devices/system/cpu/online"

// maxExecs bounds how many processes are known by their last exec.
const maxExecs = 32768

// Source tells mappings since it was opened. It is not safe for concurrent
// use.
type Source struct {
	rings map[int]*ring // by CPU
	// buildIDs says that the kernel tells build ids.
	buildIDs bool
	// execs has when processes last began to execute a program, in
	// nanoseconds since boot, by their ids.
	execs map[uint32]uint64
	batch []sideband
	lost  uint64
}

// Open begins to read the mappings of all processes of the machine.
func Open() (*Source, error) {
	s := &Source{rings: map[int]*ring{}, buildIDs: true, execs: map[uint32]uint64{}}
	if err := s.Refresh(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Refresh reads CPUs that run since the last time, and none that do not run
// any more. It is to be called from time to time.
func (s *Source) Refresh() error {
	text, err := os.ReadFile(onlinePath)
	if err != nil {
		return err
	}
	online, err := parseCPUs(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", onlinePath, err)
	}
	for cpu, r := range s.rings {
		if !slices.Contains(online, cpu) {
			r.drain(s.take)
			delete(s.rings, cpu)
			err = errors.Join(err, r.close())
		}
	}
	for _, cpu := range online {
		if s.rings[cpu] == nil {
			err = errors.Join(err, s.open(cpu))
		}
	}
	return err
}

// open begins to read a CPU, without build ids where the kernel does not tell
// them.
func (s *Source) open(cpu int) error {
	r, err := openRing(cpu, s.buildIDs)
	if errors.Is(err, unix.EINVAL) && s.buildIDs {
		if r, err = openRing(cpu, false); err == nil {
			s.buildIDs = false
		}
	}
	if errors.Is(err, unix.ENODEV) {
		return nil // it has been stopped meanwhile
	}
	if err == nil {
		s.rings[cpu] = r
	}
	return err
}

// Drain calls take with every mapping that has been made, in the order of
// time, and returns how many the kernel could not tell since the last time.
// take may keep the mapping.
func (s *Source) Drain(take func(observe.Mapping)) (lost uint64) {
	for _, r := range s.rings {
		r.drain(s.take)
	}
	slices.SortStableFunc(s.batch, func(a, b sideband) int { return cmp.Compare(a.mapping.Time, b.mapping.Time) })
	for i := range s.batch {
		s.handle(&s.batch[i], take)
	}
	clear(s.batch)
	s.batch = s.batch[:0]
	lost, s.lost = s.lost, 0
	return lost
}

// take keeps a record until those of all CPUs are there.
func (s *Source) take(raw []byte) {
	if record, ok := decode(raw); ok {
		s.batch = append(s.batch, record)
	}
}

func (s *Source) handle(record *sideband, take func(observe.Mapping)) {
	m := &record.mapping
	switch record.kind {
	case unix.PERF_RECORD_LOST:
		s.lost += record.lost
	case unix.PERF_RECORD_COMM:
		if record.exec {
			s.noteExec(m.PID, m.Time)
		}
	case unix.PERF_RECORD_EXIT:
		if m.PID == m.TID {
			delete(s.execs, m.PID)
		}
	case unix.PERF_RECORD_MMAP2:
		if isFile(m.Path) {
			m.Exec = s.execs[m.PID]
			take(*m)
		}
	}
}

// noteExec notes that a process executes a program. What is told of it is
// needed for the moment only, until its exec is complete.
func (s *Source) noteExec(pid uint32, time uint64) {
	if len(s.execs) >= maxExecs {
		clear(s.execs)
	}
	s.execs[pid] = time
}

// MemoryBytes returns how much memory of the kernel the rings take.
func (s *Source) MemoryBytes() uint64 {
	return uint64(len(s.rings)) * uint64((1+dataPages)*os.Getpagesize())
}

// TellsBuildIDs reports whether the kernel tells build ids.
func (s *Source) TellsBuildIDs() bool { return s.buildIDs }

// Close ends the reading.
func (s *Source) Close() error {
	var errs []error
	for _, r := range s.rings {
		errs = append(errs, r.close())
	}
	clear(s.rings)
	return errors.Join(errs...)
}
