// SPDX-License-Identifier: Apache-2.0

package executable

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
)

// What is read of a file is bounded: a policy may name one that somebody else
// has written.
const (
	// maxRead is how much is read of a file, in bytes.
	maxRead = 256 << 20
	// maxSection is the size of a section, in bytes.
	maxSection = 128 << 20
	// maxFunctions is how many symbols there are in one table.
	maxFunctions = 4 << 20
)

// machines are the machines whose programs this one runs, by GOARCH.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// File is an open ELF file.
type File struct {
	path    string
	file    *os.File
	elf     *elf.File
	id      Identity
	symbols *symbols // read when the first one is asked for
}

// rationed reads no more than a number of bytes. The sizes that an ELF file
// tells can be any, and a file of any size may take no room on its disk.
type rationed struct {
	from io.ReaderAt
	left int64
}

var errTooLarge = fmt.Errorf("more than %d bytes would have to be read", maxRead)

// ReadAt implements [io.ReaderAt].
func (r *rationed) ReadAt(p []byte, offset int64) (int, error) {
	if int64(len(p)) > r.left {
		return 0, errTooLarge
	}
	n, err := r.from.ReadAt(p, offset)
	r.left -= int64(n)
	return n, err
}

// Identity tells one content of a file from others: it changes when the file
// is replaced or written to.
type Identity struct {
	Device, Inode uint64
	Size          int64
	// Modified is in nanoseconds since 1970.
	Modified int64
}

// Open opens a program or shared library. Symbolic links are followed. The
// errors name the path.
func Open(path string) (*File, error) {
	// A pipe must not be waited for.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, file: file}
	if err := f.read(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	return f, nil
}

// read checks what file it is.
func (f *File) read() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	f.id = Identity{Size: info.Size(), Modified: info.ModTime().UnixNano()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		f.id.Device, f.id.Inode = stat.Dev, stat.Ino
	}
	if f.elf, err = elf.NewFile(&rationed{from: f.file, left: maxRead}); err != nil {
		return fmt.Errorf("not an ELF file that can be read: %w", err)
	}
	return checkHeader(&f.elf.FileHeader)
}

func checkHeader(h *elf.FileHeader) error {
	switch {
	case h.Class != elf.ELFCLASS64:
		return errors.New("a 32-bit program: only 64-bit programs can be probed")
	case h.Machine != machines[runtime.GOARCH]:
		return fmt.Errorf("a program for %v, this machine is %s", h.Machine, runtime.GOARCH)
	case h.Type != elf.ET_EXEC && h.Type != elf.ET_DYN:
		return fmt.Errorf("neither a program nor a shared library but %v", h.Type)
	}
	return nil
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// Identity returns what the file was when it was opened.
func (f *File) Identity() Identity { return f.id }

// OpenPath is a path that leads to this very file while it is open, whatever
// its name leads to by now.
func (f *File) OpenPath() string { return fmt.Sprintf("/proc/self/fd/%d", f.file.Fd()) }

// section returns the content of a section, nil if there is none.
func (f *File) section(name string) ([]byte, *elf.Section, error) {
	s := f.elf.Section(name)
	if s == nil || s.Type == elf.SHT_NOBITS {
		return nil, nil, nil
	}
	if s.Size > maxSection || s.FileSize > maxSection {
		return nil, nil, fmt.Errorf("%s: section %s has more than %d bytes", f.path, name, maxSection)
	}
	data, err := s.Data()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: section %s: %w", f.path, name, err)
	}
	return data, s, nil
}
