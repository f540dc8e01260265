// SPDX-License-Identifier: Apache-2.0

package executable

import (
	"cmp"
	"debug/elf"
	"debug/gosym"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/vedette-io/vedette/internal/nearest"
)

// symbols are the functions of a file.
type symbols struct {
	byName map[string][]function
	begins map[uint64]bool // addresses at which a function begins
}

// function is one function of that name.
type function struct {
	addr     uint64
	local    bool
	indirect bool
}

// Symbol returns the offset in the file, in bytes, of offset bytes behind the
// beginning of a function. It looks in .symtab, .dynsym and in the table that
// Go programs keep even when they are stripped.
func (f *File) Symbol(name string, offset uint64) (uint64, error) {
	if err := f.readSymbols(); err != nil {
		return 0, err
	}
	found := f.symbols.byName[name]
	if len(found) == 0 {
		if len(f.symbols.byName) == 0 {
			return 0, fmt.Errorf("%s: it has no symbols: give offsets or addrs", f.path)
		}
		return 0, fmt.Errorf("%s: there is no function %q%s", f.path, name, nearest.Suggest(name, maps.Keys(f.symbols.byName)))
	}
	fn, err := choose(found)
	if err != nil {
		return 0, fmt.Errorf("%s: %q %w", f.path, name, err)
	}
	at, err := f.Address(fn.addr + offset)
	if err != nil {
		return 0, fmt.Errorf("%w (%s+%#x)", err, name, offset)
	}
	return at, nil
}

// choose finds the one function that a name means: the one that others can
// link to comes before those that only one source file knows.
func choose(found []function) (function, error) {
	slices.SortFunc(found, func(a, b function) int { return cmp.Or(compareBool(a.local, b.local), cmp.Compare(a.addr, b.addr)) })
	fn := found[0]
	for _, other := range found[1:] {
		if other.local == fn.local && other.addr != fn.addr {
			return fn, fmt.Errorf("is the name of several functions, at %#x and %#x: give addrs", fn.addr, other.addr)
		}
	}
	if fn.indirect {
		return fn, errors.New("is chosen among several functions when the program starts (GNU_IFUNC): give the name of one of those")
	}
	return fn, nil
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// BeginsFunction reports whether a function is known to begin at an offset in
// the file.
func (f *File) BeginsFunction(offset uint64) (bool, error) {
	if err := f.readSymbols(); err != nil {
		return false, err
	}
	for _, p := range f.elf.Progs {
		if p.Type == elf.PT_LOAD && offset >= p.Off && offset-p.Off < p.Filesz && f.symbols.begins[offset-p.Off+p.Vaddr] {
			return true, nil
		}
	}
	return false, nil
}

// readSymbols reads all functions once.
func (f *File) readSymbols() error {
	if f.symbols != nil {
		return nil
	}
	s := &symbols{byName: map[string][]function{}, begins: map[uint64]bool{}}
	if err := f.eachSymbol(s.add); err != nil {
		return err
	}
	if err := f.readGo(s); err != nil {
		return err
	}
	f.symbols = s
	return nil
}

// indirectFunction is STT_GNU_IFUNC.
const indirectFunction = elf.STT_LOOS

func (s *symbols) add(sym *elf.Symbol) {
	kind := elf.ST_TYPE(sym.Info)
	if sym.Section == elf.SHN_UNDEF || sym.Name == "" {
		return
	}
	// Functions written in assembler often have no type.
	if kind != elf.STT_FUNC && kind != elf.STT_NOTYPE && kind != indirectFunction {
		return
	}
	s.put(sym.Name, function{addr: sym.Value, local: elf.ST_BIND(sym.Info) == elf.STB_LOCAL, indirect: kind == indirectFunction})
	if kind == elf.STT_FUNC {
		s.begins[sym.Value] = true
	}
}

func (s *symbols) put(name string, fn function) {
	if !slices.Contains(s.byName[name], fn) {
		s.byName[name] = append(s.byName[name], fn)
	}
}

// IsGo reports whether the file is a Go program. Those move the stacks of
// their goroutines: a probe that exchanges a return address, as that of a
// function's return does, would end them.
func (f *File) IsGo() bool {
	return slices.ContainsFunc(goTables, func(name string) bool { return f.elf.Section(name) != nil })
}

// readGo adds the functions that a Go program knows of itself and no symbol
// tells.
func (f *File) readGo(s *symbols) error {
	return f.eachGoFunction(func(fn *gosym.Func) {
		s.begins[fn.Entry] = true
		if len(s.byName[fn.Name]) == 0 {
			s.put(fn.Name, function{addr: fn.Entry})
		}
	})
}
