// SPDX-License-Identifier: Apache-2.0

package executabletest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Writable describes a program whose memory and registers are worth being
// written to:
//
//	n := 5
//	PROBE(test, set, n)      // n on the stack
//	PROBE(test, register, n) // a copy in a register
//	os.Exit(add(n))
//
// where add returns its argument and one, and other, which nobody calls,
// returns 77.
type Writable struct {
	// Path is where it is.
	Path string
	// Other is the offset of the function other, OtherAddress its address.
	Other, OtherAddress uint64
}

// BuildWritable writes the program into a directory of the test, which it
// skips on other machines.
func BuildWritable(tb testing.TB) Writable {
	tb.Helper()
	if runtime.GOARCH != "amd64" {
		tb.Skipf("the program is for x86-64, this machine is %s", runtime.GOARCH)
	}
	c := &code{}
	add := c.here()
	c.put(0x8d, 0x47, 0x01) // lea eax, [rdi+1]
	c.put(0x0f, 0x1f, 0x00) // nop
	c.put(0xc3)             // ret
	other := c.here()
	c.put(0xb8) // mov eax, 77
	c.put32(77)
	c.put(0xc3) // ret
	for c.here() < start {
		c.put(0x90)
	}
	c.put(0x48, 0x83, 0xec, 0x08) // sub rsp, 8
	c.put(0xc7, 0x04, 0x24)       // mov dword [rsp], 5
	c.put32(5)
	set := c.here()
	c.put(0x90)             // the probe
	c.put(0x8b, 0x3c, 0x24) // mov edi, [rsp]
	register := c.here()
	c.put(0x90) // the probe
	c.put(0xe8) // call add
	c.put32(uint32(add - c.here() - 4))
	c.put(0x89, 0xc7) // mov edi, eax
	c.put(0xb8)       // mov eax, exit
	c.put32(60)
	c.put(0x0f, 0x05) // syscall
	c.names = []symbol{{"add", add}, {"other", other}, {"_start", start}}
	c.notes = append(note(set, 0, "set", "-4@(%rsp)"), note(register, 0, "register", "-4@%edi")...)
	p := Writable{Path: filepath.Join(tb.TempDir(), "writable"), Other: codeAt + other, OtherAddress: textBase + codeAt + other}
	if err := os.WriteFile(p.Path, c.file(), 0o755); err != nil {
		tb.Fatal(err)
	}
	return p
}
