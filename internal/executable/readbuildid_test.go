// SPDX-License-Identifier: Apache-2.0

package executable

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
)

// byteOrder is one of those of package binary.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// image is an ELF file with one segment of notes.
type image struct {
	class elf.Class
	order byteOrder
	notes []byte
	// count is how many segments the header tells, one if it is 0; offset and
	// size are what the segment says, those of the notes if they are 0.
	count        uint16
	offset, size uint64
}

func gnuNote(order byteOrder, name string, kind uint32, desc []byte) []byte {
	out := order.AppendUint32(nil, uint32(len(name)))
	out = order.AppendUint32(out, uint32(len(desc)))
	out = order.AppendUint32(out, kind)
	for _, part := range [][]byte{[]byte(name), desc} {
		out = append(out, part...)
		out = append(out, make([]byte, -len(part)&3)...)
	}
	return out
}

func (i image) bytes(tb testing.TB) []byte {
	tb.Helper()
	data := elf.ELFDATA2LSB
	if i.order == byteOrder(binary.BigEndian) {
		data = elf.ELFDATA2MSB
	}
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(i.class), byte(data), 1}
	count := max(i.count, 1)
	var b bytes.Buffer
	write := func(v any) {
		if err := binary.Write(&b, i.order, v); err != nil {
			tb.Fatal(err)
		}
	}
	if i.class == elf.ELFCLASS64 {
		offset, size := i.offset, i.size
		if offset == 0 {
			offset, size = 64+56, uint64(len(i.notes))
		}
		write(elf.Header64{Ident: ident, Phoff: 64, Phentsize: 56, Phnum: count})
		write(elf.Prog64{Type: uint32(elf.PT_NOTE), Off: offset, Filesz: size})
	} else {
		write(elf.Header32{Ident: ident, Phoff: 52, Phentsize: 32, Phnum: count})
		write(elf.Prog32{Type: uint32(elf.PT_NOTE), Off: 52 + 32, Filesz: uint32(len(i.notes))})
	}
	b.Write(i.notes)
	return b.Bytes()
}

func TestReadBuildID(t *testing.T) {
	var little, big byteOrder = binary.LittleEndian, binary.BigEndian
	id := []byte("0123456789abcdefghij")
	for _, test := range []struct {
		name  string
		image image
		want  string
		err   error
	}{
		{"64-bit", image{class: elf.ELFCLASS64, order: little, notes: gnuNote(little, "GNU\x00", 3, id)}, string(id), nil},
		{"32-bit", image{class: elf.ELFCLASS32, order: little, notes: gnuNote(little, "GNU\x00", 3, id)}, string(id), nil},
		{"big-endian", image{class: elf.ELFCLASS64, order: big, notes: gnuNote(big, "GNU\x00", 3, id)}, string(id), nil},
		{"short", image{class: elf.ELFCLASS64, order: little, notes: gnuNote(little, "GNU\x00", 3, id[:8])}, string(id[:8]), nil},
		{"too long", image{class: elf.ELFCLASS64, order: little, notes: gnuNote(little, "GNU\x00", 3, append(id, 'x'))}, "", ErrNoBuildID},
		{
			"behind others", image{class: elf.ELFCLASS64, order: little,
				notes: append(append(gnuNote(little, "Go\x00\x00", 4, []byte("abcde")), gnuNote(little, "GNU\x00", 1, id)...), gnuNote(little, "GNU\x00", 3, id)...)},
			string(id), nil,
		},
		{"none", image{class: elf.ELFCLASS64, order: little, notes: gnuNote(little, "GNU\x00", 1, id)}, "", ErrNoBuildID},
		{"name beyond the end", image{class: elf.ELFCLASS64, order: little, notes: []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 3, 0, 0, 0}}, "", ErrNoBuildID},
		{"large segment", image{class: elf.ELFCLASS64, order: little, offset: 120, size: 1 << 40}, "", ErrNoBuildID},
		{"offset that overflows", image{class: elf.ELFCLASS64, order: little, offset: 1<<63 + 120, size: 16}, "", ErrNoBuildID},
		{"too many segments", image{class: elf.ELFCLASS64, order: little, count: 0xffff}, "", errNotELF},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ReadBuildID(bytes.NewReader(test.image.bytes(t)))
			if string(got) != test.want || !errors.Is(err, test.err) {
				t.Errorf("%q, %v; want %q, %v", got, err, test.want, test.err)
			}
		})
	}
	for _, text := range []string{"", "#!/bin/sh\n", strings.Repeat("x", 100), "\x7fELF" + strings.Repeat("\x00", 100)} {
		if id, err := ReadBuildID(strings.NewReader(text)); id != nil || !errors.Is(err, errNotELF) {
			t.Errorf("%q: %q, %v", text, id, err)
		}
	}
}

// TestReadBuildIDOfPrograms compares with what debug/elf finds.
func TestReadBuildIDOfPrograms(t *testing.T) {
	compared := 0
	for _, path := range []string{"/bin/cat", "/bin/sh", "/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"} {
		file, err := os.Open(path)
		if err != nil {
			continue
		}
		got, err := ReadBuildID(file)
		f, otherErr := elf.NewFile(file)
		if otherErr != nil {
			t.Fatal(otherErr)
		}
		if s := f.Section(".note.gnu.build-id"); s != nil {
			data, dataErr := s.Data()
			if dataErr != nil || len(data) < 16 || err != nil || !bytes.Equal(got, data[16:]) {
				t.Errorf("%s: %x, %v; the section has %x, %v", path, got, err, data, dataErr)
			}
			compared++
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if compared == 0 {
		t.Skip("no program here has a build id")
	}
}

func FuzzReadBuildID(f *testing.F) {
	little := binary.LittleEndian
	for _, class := range []elf.Class{elf.ELFCLASS32, elf.ELFCLASS64} {
		f.Add(image{class: class, order: little, notes: gnuNote(little, "GNU\x00", 3, []byte("0123456789"))}.bytes(f))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		id, err := ReadBuildID(bytes.NewReader(data))
		if (err == nil) != (len(id) >= 1 && len(id) <= 20) {
			t.Errorf("%x, %v", id, err)
		}
	})
}
