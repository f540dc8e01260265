// SPDX-License-Identifier: Apache-2.0

package executable

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
)

// BuildID is the number that a linker gives a file after its content: 20
// bytes, shorter ones filled up with zeroes as the kernel does.
type BuildID [20]byte

// ErrNoBuildID says that a file has no build id.
var ErrNoBuildID = errors.New("the file has no build id")

const (
	// noteBuildID is the type NT_GNU_BUILD_ID.
	noteBuildID = 3
	// maxNotes is how much of a segment of notes is read, in bytes.
	maxNotes = 64 << 10
)

// BuildID returns the build id of the file.
func (f *File) BuildID() (BuildID, error) {
	var id BuildID
	for _, p := range f.elf.Progs {
		if p.Type != elf.PT_NOTE || p.Filesz > maxNotes {
			continue
		}
		data := make([]byte, p.Filesz)
		if _, err := p.ReadAt(data, 0); err != nil {
			return id, err
		}
		if found := findBuildID(data, f.elf.ByteOrder); found != nil {
			copy(id[:], found)
			return id, nil
		}
	}
	return id, ErrNoBuildID
}

func findBuildID(data []byte, order binary.ByteOrder) []byte {
	for len(data) >= 12 {
		nameSize, descSize, kind := order.Uint32(data), order.Uint32(data[4:]), order.Uint32(data[8:])
		name, rest, ok := padded(data[12:], nameSize)
		if !ok {
			return nil
		}
		desc, rest, ok := padded(rest, descSize)
		if !ok {
			return nil
		}
		if kind == noteBuildID && bytes.Equal(name, []byte("GNU\x00")) && len(desc) != 0 && len(desc) <= len(BuildID{}) {
			return desc
		}
		data = rest
	}
	return nil
}

// Libraries returns the names of the libraries that the file asks for, and
// the path of the program that loads them where there is one.
func (f *File) Libraries() ([]string, error) {
	names, err := f.elf.ImportedLibraries()
	if err != nil {
		return nil, err
	}
	for _, p := range f.elf.Progs {
		if p.Type != elf.PT_INTERP || p.Filesz > maxPath {
			continue
		}
		path := make([]byte, p.Filesz)
		if _, err := p.ReadAt(path, 0); err != nil {
			return nil, err
		}
		names = append(names, string(bytes.TrimRight(path, "\x00")))
	}
	return names, nil
}

// maxPath is the length of the longest path, in bytes (PATH_MAX).
const maxPath = 4096

// IsFixed reports whether the program is always at the addresses that it says
// itself (ET_EXEC).
func (f *File) IsFixed() bool { return f.elf.Type == elf.ET_EXEC }
