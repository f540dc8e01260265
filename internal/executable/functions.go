// SPDX-License-Identifier: Apache-2.0

package executable

import (
	"cmp"
	"debug/elf"
	"debug/gosym"
	"slices"
)

// Functions says which function is where in a file. It keeps no other memory
// of the file than its own.
type Functions struct {
	rows     []functionRow // by address
	names    []byte
	segments []segment
}

// functionRow is one function: its name is names[name:name+length].
type functionRow struct {
	addr         uint64
	size         uint32 // in bytes, 0 where it is not known
	name, length uint32
}

// segment is a part of the file that is loaded as code.
type segment struct{ offset, size, addr uint64 }

// Functions reads the functions of the file: of .symtab and of .dynsym, or of
// the table that Go programs keep even when they are stripped.
func (f *File) Functions() (*Functions, error) {
	t := &Functions{}
	for _, p := range f.elf.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 {
			t.segments = append(t.segments, segment{p.Off, p.Filesz, p.Vaddr})
		}
	}
	if err := f.addGoFunctions(t); err != nil {
		return nil, err
	}
	if len(t.rows) == 0 {
		if err := f.addSymbols(t); err != nil {
			return nil, err
		}
	}
	// Of several names of one function the first one stays.
	slices.SortStableFunc(t.rows, func(a, b functionRow) int { return cmp.Compare(a.addr, b.addr) })
	t.rows = slices.Clip(slices.CompactFunc(t.rows, func(a, b functionRow) bool { return a.addr == b.addr }))
	t.names = slices.Clip(t.names)
	return t, nil
}

func (f *File) addSymbols(t *Functions) error {
	return f.eachSymbol(func(sym *elf.Symbol) {
		kind := elf.ST_TYPE(sym.Info)
		if sym.Section != elf.SHN_UNDEF && (kind == elf.STT_FUNC || kind == indirectFunction) {
			t.add(sym.Name, sym.Value, sym.Size)
		}
	})
}

func (f *File) addGoFunctions(t *Functions) error {
	return f.eachGoFunction(func(fn *gosym.Func) { t.add(fn.Name, fn.Entry, fn.End-fn.Entry) })
}

// maxNames is the size of all names of a file, in bytes.
const maxNames = 1 << 30

func (t *Functions) add(name string, addr, size uint64) {
	if name == "" || len(t.names)+len(name) > maxNames {
		return
	}
	t.rows = append(t.rows, functionRow{addr, uint32(min(size, 1<<32-1)), uint32(len(t.names)), uint32(len(name))})
	t.names = append(t.names, name...)
}

// At returns the name of the function that an offset in the file, in bytes,
// is in; "" if none is known there.
func (t *Functions) At(offset uint64) string {
	for _, s := range t.segments {
		if offset >= s.offset && offset-s.offset < s.size {
			return t.atAddress(offset - s.offset + s.addr)
		}
	}
	return ""
}

func (t *Functions) atAddress(addr uint64) string {
	i, found := slices.BinarySearchFunc(t.rows, addr, func(r functionRow, addr uint64) int { return cmp.Compare(r.addr, addr) })
	if !found {
		i--
	}
	if i < 0 {
		return ""
	}
	r := &t.rows[i]
	if r.size != 0 && addr-r.addr >= uint64(r.size) {
		return ""
	}
	return string(t.names[r.name : r.name+r.length])
}

// OffsetOf returns the offset in the file, in bytes, of the code at a virtual
// address as the file counts them; false if there is none.
func (t *Functions) OffsetOf(addr uint64) (uint64, bool) {
	for _, s := range t.segments {
		if addr >= s.addr && addr-s.addr < s.size {
			return addr - s.addr + s.offset, true
		}
	}
	return 0, false
}

// Bytes is how much memory the table takes.
func (t *Functions) Bytes() int { return cap(t.rows)*24 + cap(t.names) }
