// SPDX-License-Identifier: Apache-2.0

package executable

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"

	"github.com/vedette-io/vedette/internal/nearest"
)

// Where static probes are described: as notes of an owner and a type, see
// "UserSpaceProbeImplementation" of SystemTap.
const (
	noteSection = ".note.stapsdt"
	baseSection = ".stapsdt.base"
	noteOwner   = "stapsdt\x00"
	noteType    = 3
)

// Probe is one place of a static probe. A probe can have several, where the
// compiler has copied the code around it.
type Probe struct {
	Provider, Name string
	// Offset is where it is in the file, in bytes.
	Offset uint64
	// Semaphore is where the number of its users is in the file, in bytes; 0
	// where the program does not want to know it.
	Semaphore uint64
	// Args say where the arguments are, each as [ParseOperand] reads it.
	Args []string
}

// Probes returns the places of a static probe.
func (f *File) Probes(provider, name string) ([]Probe, error) {
	data, _, err := f.section(noteSection)
	if err != nil {
		return nil, err
	}
	notes, err := parseNotes(data, f.elf.ByteOrder)
	if err != nil {
		return nil, fmt.Errorf("%s: section %s: %w", f.path, noteSection, err)
	}
	names := map[string]bool{}
	var found []Probe
	for _, n := range notes {
		names[n.provider+":"+n.name] = true
		if n.provider != provider || n.name != name {
			continue
		}
		p, err := f.probe(n)
		if err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	switch wanted := provider + ":" + name; {
	case len(notes) == 0:
		return nil, fmt.Errorf("%s: it has no static probes (USDT)", f.path)
	case len(found) == 0:
		return nil, fmt.Errorf("%s: there is no static probe %q%s", f.path, wanted, nearest.Suggest(wanted, maps.Keys(names)))
	}
	return found, nil
}

// probe finds the places that a note tells. Its addresses count from where
// the section .stapsdt.base was when the note was made: a program that moves
// others about in memory does not know of the notes.
func (f *File) probe(n note) (Probe, error) {
	p := Probe{Provider: n.provider, Name: n.name, Args: splitOperands(n.args)}
	moved := uint64(0)
	if s := f.elf.Section(baseSection); s != nil && n.base != 0 {
		moved = s.Addr - n.base
	}
	var err error
	if p.Offset, err = f.Address(n.location + moved); err != nil {
		return p, fmt.Errorf("static probe %s:%s: %w", n.provider, n.name, err)
	}
	if n.semaphore == 0 {
		return p, nil
	}
	var ok bool
	if p.Semaphore, ok = f.offsetOf(n.semaphore+moved, elf.PF_W); !ok {
		return p, fmt.Errorf("%s: static probe %s:%s: its semaphore at address %#x is not in the file", f.path, n.provider, n.name, n.semaphore+moved)
	}
	return p, nil
}

// note is what one note says.
type note struct {
	location, base, semaphore uint64
	provider, name, args      string
}

var errNoteCut = errors.New("a note is cut off")

// parseNotes reads all notes of a section; those of other owners are left out.
func parseNotes(data []byte, order binary.ByteOrder) ([]note, error) {
	var out []note
	for len(data) > 0 {
		if len(data) < 12 {
			return nil, errNoteCut
		}
		nameSize, descSize, kind := order.Uint32(data), order.Uint32(data[4:]), order.Uint32(data[8:])
		data = data[12:]
		name, rest, ok := padded(data, nameSize)
		if !ok {
			return nil, errNoteCut
		}
		desc, rest, ok := padded(rest, descSize)
		if !ok {
			return nil, errNoteCut
		}
		data = rest
		if string(name) != noteOwner || kind != noteType {
			continue
		}
		n, err := parseNote(desc, order)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// padded takes n bytes, and those that fill up to a multiple of 4. The last
// note need not be filled up.
func padded(data []byte, n uint32) (head, rest []byte, ok bool) {
	if uint64(n) > uint64(len(data)) {
		return nil, nil, false
	}
	end := min((uint64(n)+3)&^3, uint64(len(data)))
	return data[:n], data[end:], true
}

// parseNote reads the content of a note: three addresses and three texts.
func parseNote(desc []byte, order binary.ByteOrder) (note, error) {
	if len(desc) < 24 {
		return note{}, errNoteCut
	}
	n := note{location: order.Uint64(desc), base: order.Uint64(desc[8:]), semaphore: order.Uint64(desc[16:])}
	rest := desc[24:]
	for _, text := range []*string{&n.provider, &n.name, &n.args} {
		head, tail, ok := bytes.Cut(rest, []byte{0})
		if !ok {
			return note{}, errors.New("a note's text does not end")
		}
		*text, rest = string(head), tail
	}
	return n, nil
}
