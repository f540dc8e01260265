// SPDX-License-Identifier: Apache-2.0

package executabletest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Calls is how often the program calls its function.
const Calls = 5

// Text is what the program gives its function.
const Text = "a text in user memory"

// Addresses, all known beforehand: the text segment with everything that is
// only read, and the data segment behind it.
const (
	textBase  = 0x400000
	codeAt    = 0x1000 // in the file and behind textBase
	textAt    = 0x1100
	dataBase  = 0x602000
	dataAt    = 0x2000
	semaphore = dataBase + 0x10
	noteBase  = 0x401800 // where .stapsdt.base is
	// moved is how far a linker has moved the program after its notes were made.
	moved = 0x1000
)

// Program describes the program: it does this five times, with n from 5 to
// 1, and then ends with the number of the semaphore's users as its status.
//
//	greet(n, Text, …) // returns n + 1
//	PROBE(test, site, n, Text, -7, n) // a copy with all arguments in registers
//	PROBE(test, site, n, Text, -7, n) // a copy with n on the stack
//	PROBE(test, plain, n)             // without a semaphore
type Program struct {
	// Path is where it is.
	Path string
	// Greet is the offset in the file of the function greet; its address is
	// GreetAddress.
	Greet, GreetAddress uint64
	// Sites are the offsets of the copies of test:site, Semaphore is that of
	// their semaphore.
	Sites     []uint64
	Semaphore uint64
}

// Build writes the program into a directory of the test, which it skips on
// other machines.
func Build(tb testing.TB) Program {
	tb.Helper()
	if runtime.GOARCH != "amd64" {
		tb.Skipf("the program is for x86-64, this machine is %s", runtime.GOARCH)
	}
	c := assemble()
	p := Program{
		Path:  filepath.Join(tb.TempDir(), "program"),
		Greet: codeAt + c.greet, GreetAddress: textBase + codeAt + c.greet,
		Sites: []uint64{codeAt + c.sites[0], codeAt + c.sites[1]}, Semaphore: dataAt + semaphore - dataBase,
	}
	if err := os.WriteFile(p.Path, c.file(), 0o755); err != nil {
		tb.Fatal(err)
	}
	return p
}

// code is the program's machine code with the places in it.
type code struct {
	text  bytes.Buffer
	greet uint64
	sites []uint64
	plain uint64
	notes []byte
	names []symbol
}

// symbol is a function of the program, at a place in the code.
type symbol struct {
	name  string
	value uint64
}

func (c *code) put(b ...byte) { c.text.Write(b) }

func (c *code) put32(v uint32) { c.put(binary.LittleEndian.AppendUint32(nil, v)...) }

func (c *code) here() uint64 { return uint64(c.text.Len()) }

// assemble writes the code: the function first, then the beginning of the
// program.
func assemble() *code {
	c := &code{}
	c.greet = c.here()
	c.put(0x8d, 0x47, 0x01) // lea eax, [rdi+1]
	c.put(0x0f, 0x1f, 0x00) // nop
	c.put(0xc3)             // ret
	for c.here() < start {
		c.put(0x90)
	}
	c.put(0xbb) // mov ebx, Calls
	c.put32(Calls)
	loop := c.here()
	c.put(0x89, 0xdf) // mov edi, ebx
	c.put(0xbe)       // mov esi, text
	c.put32(textBase + textAt)
	c.put(0x48, 0xc7, 0xc2) // mov rdx, -1: an address of the kernel
	c.put32(0xffffffff)
	c.put(0xe8) // call greet
	c.put32(uint32(c.greet - c.here() - 4))
	c.sites = append(c.sites, c.here())
	c.put(0x90) // the probe
	c.put(0x53) // push rbx
	c.sites = append(c.sites, c.here())
	c.put(0x90) // the probe
	c.put(0x5b) // pop rbx
	c.plain = c.here()
	c.put(0x90)       // the probe
	c.put(0xff, 0xcb) // dec ebx
	c.put(0x75, byte(loop-c.here()-2))
	c.put(0x0f, 0xb7, 0x3c, 0x25) // movzx edi, word [semaphore]
	c.put32(semaphore)
	c.put(0xb8) // mov eax, exit
	c.put32(60)
	c.put(0x0f, 0x05) // syscall
	c.notes = note(c.sites[0], semaphore, "site", inRegisters)
	c.notes = append(c.notes, note(c.sites[1], semaphore, "site", onStack)...)
	c.notes = append(c.notes, note(c.plain, 0, "plain", ofPlain)...)
	c.names = []symbol{{"greet", c.greet}, {"_start", start}}
	return c
}

// start is where the program begins, behind codeAt.
const start = 0x20

// The operands of the copies of test:site, and of test:plain.
const (
	inRegisters = "-4@%ebx 8@%rsi -4@$-7 4@%ebx"
	onStack     = "-4@(%rsp) 8@%rsi -4@$-7 4@0(%rsp)"
	ofPlain     = "-4@%ebx 8f@%xmm0"
)

// note is one note about a probe at a place in the code.
func note(at, semaphore uint64, name, args string) []byte {
	var desc []byte
	desc = binary.LittleEndian.AppendUint64(desc, textBase+codeAt+at-moved)
	desc = binary.LittleEndian.AppendUint64(desc, noteBase-moved)
	if semaphore != 0 {
		semaphore -= moved
	}
	desc = binary.LittleEndian.AppendUint64(desc, semaphore)
	desc = append(desc, "test\x00"+name+"\x00"+args+"\x00"...)
	var n []byte
	n = binary.LittleEndian.AppendUint32(n, 8)
	n = binary.LittleEndian.AppendUint32(n, uint32(len(desc)))
	n = binary.LittleEndian.AppendUint32(n, 3)
	n = append(append(n, "stapsdt\x00"...), desc...)
	for len(n)%4 != 0 {
		n = append(n, 0)
	}
	return n
}

// section is a section of the file.
type section struct {
	name   string
	header elf.Section64
	data   []byte
}

// file is the whole file.
func (c *code) file() []byte {
	symbols, names := c.symbols()
	sections := []section{
		{},
		{".text", elf.Section64{Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC | elf.SHF_EXECINSTR), Addr: textBase + codeAt, Off: codeAt}, c.text.Bytes()},
		{".stapsdt.base", elf.Section64{Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC), Addr: noteBase, Off: codeAt + 0x800}, []byte{0}},
		{".note.stapsdt", elf.Section64{Type: uint32(elf.SHT_NOTE)}, c.notes},
		{".symtab", elf.Section64{Type: uint32(elf.SHT_SYMTAB), Link: 5, Info: 1, Entsize: elf.Sym64Size}, symbols},
		{".strtab", elf.Section64{Type: uint32(elf.SHT_STRTAB)}, names},
		{".shstrtab", elf.Section64{Type: uint32(elf.SHT_STRTAB)}, nil},
	}
	out := make([]byte, dataAt+0x1000)
	copy(out[codeAt:], c.text.Bytes())
	copy(out[textAt:], Text+"\x00")
	return finish(out, sections)
}

// symbols are the symbol table and its names.
func (c *code) symbols() (table, names []byte) {
	names = []byte{0}
	table = make([]byte, elf.Sym64Size)
	for _, s := range c.names {
		table = write(table, elf.Sym64{
			Name: uint32(len(names)), Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC), Shndx: 1, Value: textBase + codeAt + s.value,
		})
		names = append(names, s.name+"\x00"...)
	}
	return table, names
}

// finish appends the sections that have no place yet, and writes the headers.
func finish(out []byte, sections []section) []byte {
	last := &sections[len(sections)-1]
	for i := range sections {
		sections[i].header.Name = uint32(len(last.data))
		last.data = append(last.data, sections[i].name+"\x00"...)
	}
	var headers []byte
	for _, s := range sections {
		s.header.Size = uint64(len(s.data))
		if s.header.Off == 0 && s.name != "" {
			s.header.Off = uint64(len(out))
			out = append(out, s.data...)
		}
		headers = write(headers, s.header)
	}
	var head []byte
	head = write(head, elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT), Entry: textBase + codeAt + start,
		Phoff: 64, Shoff: uint64(len(out)), Ehsize: 64, Phentsize: 56, Phnum: 2, Shentsize: 64,
		Shnum: uint16(len(sections)), Shstrndx: uint16(len(sections) - 1),
	})
	head = write(head, elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: textBase, Filesz: dataAt, Memsz: dataAt, Align: 0x1000})
	head = write(head, elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W), Off: dataAt, Vaddr: dataBase, Filesz: 0x1000, Memsz: 0x1000, Align: 0x1000})
	copy(out, head)
	return append(out, headers...)
}

// write appends a structure of the file.
func write[T any](out []byte, v T) []byte {
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
		panic(err) // all of them are of fixed size
	}
	return append(out, b.Bytes()...)
}
