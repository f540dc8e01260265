// SPDX-License-Identifier: Apache-2.0

package executable

import (
	"debug/elf"
	"debug/gosym"
	"encoding/binary"
	"errors"
	"fmt"
)

// eachSymbol visits the symbols of .symtab and of .dynsym, as far as the file
// has them.
func (f *File) eachSymbol(visit func(*elf.Symbol)) error {
	for _, table := range []struct {
		section string
		read    func() ([]elf.Symbol, error)
	}{{".symtab", f.elf.Symbols}, {".dynsym", f.elf.DynamicSymbols}} {
		if s := f.elf.Section(table.section); s != nil && s.Size > maxFunctions*elf.Sym64Size {
			return fmt.Errorf("%s: section %s has more than %d symbols", f.path, table.section, maxFunctions)
		}
		all, err := table.read()
		if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
			return fmt.Errorf("%s: %s: %w", f.path, table.section, err)
		}
		for i := range all {
			visit(&all[i])
		}
	}
	return nil
}

// goTables are the sections with the functions of a Go program, without and
// with relocation.
var goTables = []string{".gopclntab", ".data.rel.ro.gopclntab"}

// goFunctions is how many functions a Go program says that it has: the word
// behind the first eight bytes of the table (src/debug/gosym/pclntab.go).
func goFunctions(table []byte, order binary.ByteOrder) uint64 {
	if len(table) < 16 {
		return 0
	}
	return order.Uint64(table[8:])
}

// eachGoFunction visits the functions that a Go program knows of itself.
func (f *File) eachGoFunction(visit func(*gosym.Func)) error {
	for _, name := range goTables {
		data, _, err := f.section(name)
		if err != nil {
			return err
		}
		text := f.elf.Section(".text")
		if data == nil || text == nil {
			continue
		}
		if n := goFunctions(data, f.elf.ByteOrder); n > maxFunctions {
			return fmt.Errorf("%s: section %s has more than %d functions", f.path, name, maxFunctions)
		}
		table, err := gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
		if err != nil {
			return fmt.Errorf("%s: section %s: %w", f.path, name, err)
		}
		for i := range table.Funcs {
			visit(&table.Funcs[i])
		}
	}
	return nil
}
