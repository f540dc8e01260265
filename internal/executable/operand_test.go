// SPDX-License-Identifier: Apache-2.0

package executable

import (
	"encoding/binary"
	"slices"
	"testing"
)

func TestParseOperand(t *testing.T) {
	for _, c := range []struct {
		arch, text string
		want       Operand
	}{
		{"amd64", "-4@%edi", Operand{Kind: Register, Width: 4, Signed: true, Base: 112}},
		{"amd64", "8@%rax", Operand{Kind: Register, Width: 8, Base: 80}},
		{"amd64", "1@%al", Operand{Kind: Register, Width: 1, Base: 80}},
		{"amd64", "1@%bh", Operand{Kind: Register, Width: 1, Base: 41}},
		{"amd64", "-1@%sil", Operand{Kind: Register, Width: 1, Signed: true, Base: 104}},
		{"amd64", "2@%r10w", Operand{Kind: Register, Width: 2, Base: 56}},
		{"amd64", "2@%bp", Operand{Kind: Register, Width: 2, Base: 32}},
		{"amd64", "4@$5", Operand{Kind: Constant, Width: 4, Value: 5}},
		{"amd64", "-4@$-7", Operand{Kind: Constant, Width: 4, Signed: true, Value: -7}},
		{"amd64", "8@$18446744073709551615", Operand{Kind: Constant, Width: 8, Value: -1}},
		{"amd64", "8@-16(%rbp)", Operand{Kind: Memory, Width: 8, Base: 32, Value: -16}},
		{"amd64", "8@(%rax,%rbx,8)", Operand{Kind: Memory, Width: 8, Base: 80, Index: 40, Scale: 8}},
		{"amd64", "-2@0x10(%r15,%r14)", Operand{Kind: Memory, Width: 2, Signed: true, Index: 8, Scale: 1, Value: 16}},
		{"arm64", "-4@w1", Operand{Kind: Register, Width: 4, Signed: true, Base: 8}},
		{"arm64", "8@x30", Operand{Kind: Register, Width: 8, Base: 240}},
		{"arm64", "4@5", Operand{Kind: Constant, Width: 4, Value: 5}},
		{"arm64", "-8@-1", Operand{Kind: Constant, Width: 8, Signed: true, Value: -1}},
		{"arm64", "8@[sp]", Operand{Kind: Memory, Width: 8, Base: 248}},
		{"arm64", "-4@[sp, 60]", Operand{Kind: Memory, Width: 4, Signed: true, Base: 248, Value: 60}},
		{"arm64", "8@[x0, -16]", Operand{Kind: Memory, Width: 8, Value: -16}},
		{"arm64", "8@[x1,x2]", Operand{Kind: Memory, Width: 8, Base: 8, Index: 16, Scale: 1}},
	} {
		got, err := parseOperand(c.arch, c.text)
		if err != nil || got != c.want {
			t.Errorf("%s %s: %+v, %v, want %+v", c.arch, c.text, got, err, c.want)
		}
	}
	for arch, texts := range map[string][]string{
		"amd64": {"", "8", "8@", "@%rax", "3@%eax", "16@%rax", "8f@%xmm0", "8@%xmm0", "8@%rip", "8@4(%rip)", "8@x", "8@name(%rip)",
			"8@%fs:-8", "8@(%eax)", "8@(%rax,%rsp)", "8@(%rax,%rbx,3)", "8@$x", "-9@%rax", "8@(%rax"},
		"arm64":   {"8@[w0]", "8@[x0", "8@x31", "8@[x0, 1, 2]", "8@d0"},
		"riscv64": {"8@a0"},
	} {
		for _, text := range texts {
			if got, err := parseOperand(arch, text); err == nil {
				t.Errorf("%s %q: %+v, want an error", arch, text, got)
			}
		}
	}
}

func TestSplitOperands(t *testing.T) {
	for text, want := range map[string][]string{
		"":                             nil,
		"8@%rax":                       {"8@%rax"},
		"-4@%edi 8@-16(%rbp) 4@$5":     {"-4@%edi", "8@-16(%rbp)", "4@$5"},
		"-4@[sp, 60]  8@x0 8f@d0":      {"-4@[sp, 60]", "8@x0", "8f@d0"},
		" 8@(%rax, %rbx, 8) -1@%al ":   {"8@(%rax, %rbx, 8)", "-1@%al"},
		"8@8(%rsp) 8@name+16(%rip) 4@": {"8@8(%rsp)", "8@name+16(%rip)", "4@"},
	} {
		if got := splitOperands(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestParseNotesRefuses(t *testing.T) {
	good := appendNote(nil, "stapsdt\x00", 3, "p\x00n\x00\x00")
	for size := 1; size < len(good)-3; size++ {
		if _, err := parseNotes(good[:size], binary.LittleEndian); err == nil {
			t.Errorf("%d of %d bytes are taken for whole", size, len(good))
		}
	}
	if _, err := parseNotes(appendNote(nil, "stapsdt\x00", 3, "p\x00n"), binary.LittleEndian); err == nil {
		t.Error("a text without an end")
	}
	others := appendNote(appendNote(nil, "GNU\x00", 3, ""), "stapsdt\x00", 4, "")
	if notes, err := parseNotes(append(others, good...), binary.LittleEndian); err != nil || len(notes) != 1 || notes[0].name != "n" {
		t.Errorf("%+v, %v", notes, err)
	}
}

// appendNote appends a note with three addresses and texts.
func appendNote(b []byte, owner string, kind uint32, texts string) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(owner)))
	b = binary.LittleEndian.AppendUint32(b, uint32(24+len(texts)))
	b = binary.LittleEndian.AppendUint32(b, kind)
	b = append(append(append(b, owner...), make([]byte, 24)...), texts...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// FuzzNotes gives any bytes to the parsers of notes and operands: they must
// not fall over, and what they accept must be what a program can use.
func FuzzNotes(f *testing.F) {
	f.Add(appendNote(nil, "stapsdt\x00", 3, "p\x00n\x00-4@%edi 8@-16(%rbp) 8@[sp, 60]\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		notes, err := parseNotes(data, binary.LittleEndian)
		if err != nil {
			return
		}
		for _, n := range notes {
			for _, text := range splitOperands(n.args) {
				for arch := range syntaxes {
					o, err := parseOperand(arch, text)
					if err == nil && (o.Kind < Constant || o.Kind > Memory || o.Width == 0 || o.Width > 8 || o.Base > 248 || o.Index > 240 || o.Scale > 8) {
						t.Errorf("%s %q: %+v", arch, text, o)
					}
				}
			}
		}
	})
}
