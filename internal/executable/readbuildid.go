// SPDX-License-Identifier: Apache-2.0

package executable

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxSegments is how many segments are looked at for the build id.
const maxSegments = 256

// errNotELF says that a file has no header of ELF.
var errNotELF = errors.New("not an ELF file")

// ReadBuildID returns the build id of an ELF file of any machine, 1 to 20
// bytes. It reads the header, the descriptions of segments and the notes, less
// than 128 KiB of each file whatever that says; its sections may be missing.
func ReadBuildID(file io.ReaderAt) ([]byte, error) {
	var ident [64]byte
	n, err := file.ReadAt(ident[:], 0)
	if n < 52 { // Elf32_Ehdr
		return nil, fmt.Errorf("%w: %w", errNotELF, err)
	}
	layout, err := layoutOf(ident[:n])
	if err != nil {
		return nil, err
	}
	budget := int64(maxNotes)
	for i := range layout.count {
		p, err := layout.segment(file, i)
		if err != nil {
			return nil, err
		}
		if p.kind != elf.PT_NOTE || p.size == 0 || p.size > uint64(budget) || p.offset > 1<<62 {
			continue
		}
		budget -= int64(p.size)
		data := make([]byte, p.size)
		if _, err := file.ReadAt(data, int64(p.offset)); err != nil {
			return nil, fmt.Errorf("notes: %w", err)
		}
		if id := findBuildID(data, layout.order); id != nil {
			return id, nil
		}
	}
	return nil, ErrNoBuildID
}

// layout is where an ELF file describes its segments.
type layout struct {
	order       binary.ByteOrder
	wide        bool // 64-bit
	offset      int64
	size, count int64
}

// layoutOf understands the header of a file.
func layoutOf(header []byte) (l layout, err error) {
	if string(header[:4]) != elf.ELFMAG {
		return l, errNotELF
	}
	switch elf.Data(header[elf.EI_DATA]) {
	case elf.ELFDATA2LSB:
		l.order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		l.order = binary.BigEndian
	default:
		return l, errNotELF
	}
	least := int64(32) // Elf32_Phdr
	offset := uint64(0)
	switch class := elf.Class(header[elf.EI_CLASS]); {
	case class == elf.ELFCLASS64 && len(header) == 64:
		least, l.wide = 56, true
		offset, l.size, l.count = l.order.Uint64(header[32:]), int64(l.order.Uint16(header[54:])), int64(l.order.Uint16(header[56:]))
	case class == elf.ELFCLASS32:
		offset, l.size, l.count = uint64(l.order.Uint32(header[28:])), int64(l.order.Uint16(header[42:])), int64(l.order.Uint16(header[44:]))
	default:
		return l, errNotELF
	}
	if l.size < least || l.count > maxSegments || offset > 1<<62 {
		return l, fmt.Errorf("%w: %d segments of %d bytes at %#x", errNotELF, l.count, l.size, offset)
	}
	l.offset = int64(offset)
	return l, nil
}

// described is what is needed of the description of a segment.
type described struct {
	kind         elf.ProgType
	offset, size uint64 // in the file, in bytes
}

// segment reads the description of a segment.
func (l *layout) segment(file io.ReaderAt, i int64) (described, error) {
	var data [56]byte
	length := 32
	if l.wide {
		length = 56
	}
	if _, err := file.ReadAt(data[:length], l.offset+i*l.size); err != nil {
		return described{}, fmt.Errorf("segment %d: %w", i, err)
	}
	s := described{kind: elf.ProgType(l.order.Uint32(data[:]))}
	if l.wide {
		s.offset, s.size = l.order.Uint64(data[8:]), l.order.Uint64(data[32:])
	} else {
		s.offset, s.size = uint64(l.order.Uint32(data[4:])), uint64(l.order.Uint32(data[16:]))
	}
	return s, nil
}
