// SPDX-License-Identifier: Apache-2.0

package executable

import (
	"debug/elf"
	"fmt"
)

// Address returns the offset in the file, in bytes, of the instruction at a
// virtual address as the file itself counts them.
func (f *File) Address(addr uint64) (uint64, error) {
	offset, ok := f.offsetOf(addr, elf.PF_X)
	if !ok {
		return 0, fmt.Errorf("%s: there is no code at address %#x", f.path, addr)
	}
	return offset, nil
}

// CheckOffset returns an error unless code is at an offset in the file.
func (f *File) CheckOffset(offset uint64) error {
	for _, p := range f.elf.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 && offset >= p.Off && offset-p.Off < p.Filesz {
			return nil
		}
	}
	return fmt.Errorf("%s: there is no code at offset %#x", f.path, offset)
}

// offsetOf finds the offset of an address in a segment with the flags.
func (f *File) offsetOf(addr uint64, flags elf.ProgFlag) (uint64, bool) {
	for _, p := range f.elf.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&flags == flags && addr >= p.Vaddr && addr-p.Vaddr < p.Filesz {
			return addr - p.Vaddr + p.Off, true
		}
	}
	return 0, false
}

// AddressOf returns the virtual address, as the file itself counts them, of
// what is at an offset in the file; false if that is not loaded.
func (f *File) AddressOf(offset uint64) (uint64, bool) {
	for _, p := range f.elf.Progs {
		if p.Type == elf.PT_LOAD && offset >= p.Off && offset-p.Off < p.Filesz {
			return offset - p.Off + p.Vaddr, true
		}
	}
	return 0, false
}
