// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// exits is exit_group(0) as machine code.
var exits = map[string]struct {
	machine elf.Machine
	code    []byte
}{
	// mov $231, %eax; xor %edi, %edi; syscall
	"amd64": {elf.EM_X86_64, []byte{0xb8, 0xe7, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05}},
	// mov x8, #94; mov x0, #0; svc #0
	"arm64": {elf.EM_AARCH64, []byte{0xc8, 0x0b, 0x80, 0xd2, 0, 0, 0x80, 0xd2, 1, 0, 0, 0xd4}},
}

// Tiny makes the smallest program that ends with success: a header and
// exit_group(0). A machine starts thousands of it a second, where the start
// of a C library would be most of the work. It returns its path.
func Tiny(tb testing.TB) string {
	tb.Helper()
	exit, ok := exits[runtime.GOARCH]
	if !ok {
		tb.Skipf("no machine code for %s", runtime.GOARCH)
	}
	const base, header = 0x400000, 64 + 56
	size := uint64(header + len(exit.code))
	var b bytes.Buffer
	for _, part := range []any{
		elf.Header64{
			Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
			Type:  uint16(elf.ET_EXEC), Machine: uint16(exit.machine), Version: uint32(elf.EV_CURRENT),
			Entry: base + header, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
		},
		elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: base, Paddr: base, Filesz: size, Memsz: size, Align: 0x1000},
		exit.code,
	} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			tb.Fatal(err)
		}
	}
	path := filepath.Join(tb.TempDir(), "tiny")
	if err := os.WriteFile(path, b.Bytes(), 0o755); err != nil {
		tb.Fatal(err)
	}
	return path
}
