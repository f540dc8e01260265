// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
)

// run is what a program has cost so far.
type run struct {
	count uint64 // how often it ran
	time  int64  // nanoseconds, which are instructions
}

// runs are the costs of all programs of the machine by name; programs with
// one name count together.
type runs map[string]run

// readRuns reads the kernel's statistics, which have to be enabled.
func readRuns() (runs, error) {
	out := runs{}
	err := eachProgram(func(p *ebpf.Program, name string) error {
		s, err := p.Stats()
		if err != nil {
			return err
		}
		r := out[name]
		out[name] = run{count: r.count + s.RunCount, time: r.time + int64(s.Runtime)}
		return nil
	})
	return out, err
}

// since is what the programs have cost since an earlier reading.
func (r runs) since(before runs) runs {
	out := runs{}
	for name, now := range r {
		if d := (run{count: now.count - before[name].count, time: now.time - before[name].time}); d.count != 0 {
			out[name] = d
		}
	}
	return out
}

// total is the time of all programs together, in nanoseconds.
func (r runs) total() int64 {
	var sum int64
	for _, one := range r {
		sum += one.time
	}
	return sum
}

func eachProgram(f func(p *ebpf.Program, name string) error) error {
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("programs: %w", err)
		}
		id = next
		if err := withProgram(id, f); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("program %d: %w", id, err)
		}
	}
}

func withProgram(id ebpf.ProgramID, f func(p *ebpf.Program, name string) error) error {
	p, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return err
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return err
	}
	return f(p, info.Name)
}

// memory is what the kernel holds for maps and programs, in bytes by name.
type memory map[string]uint64

// readMemory reads the memory of all maps and programs of the machine. What
// the kernel tells covers the content of maps, not of every small structure.
func readMemory() (memory, error) {
	out := memory{}
	err := eachProgram(func(p *ebpf.Program, name string) error {
		info, err := p.Info()
		if err != nil {
			return err
		}
		n, _ := info.Memlock() // an empty trie has none
		out["program "+name] += n
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, eachMap(func(m *ebpf.Map) error {
		info, err := m.Info()
		if err != nil {
			return err
		}
		n, _ := info.Memlock() // an empty trie has none
		out["map "+info.Name] += n
		return nil
	})
}

func eachMap(f func(m *ebpf.Map) error) error {
	for id := ebpf.MapID(0); ; {
		next, err := ebpf.MapGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("maps: %w", err)
		}
		id = next
		if err := withMap(id, f); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("map %d: %w", id, err)
		}
	}
}

func withMap(id ebpf.MapID, f func(m *ebpf.Map) error) error {
	m, err := ebpf.NewMapFromID(id)
	if err != nil {
		return err
	}
	defer m.Close()
	return f(m)
}

// total is the sum of all, in bytes.
func (m memory) total() uint64 {
	var sum uint64
	for _, n := range m {
		sum += n
	}
	return sum
}

// ours leaves out what the kernel brings itself, such as the programs of its
// own iterators.
func (m memory) ours() memory {
	out := memory{}
	for name, n := range m {
		if strings.HasPrefix(name, "map ") || strings.HasPrefix(name, "program vd_") {
			out[name] = n
		}
	}
	return out
}
