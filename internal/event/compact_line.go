// SPDX-License-Identifier: Apache-2.0

package event

import (
	"strconv"
	"strings"
)

// color is the escape sequence that begins a colour, reset the one that ends any.
type color string

const (
	red     color = "\x1b[31m"
	green   color = "\x1b[32m"
	yellow  color = "\x1b[33m"
	blue    color = "\x1b[34m"
	magenta color = "\x1b[35m"
	cyan    color = "\x1b[36m"
	reset         = "\x1b[0m"
)

// trailerColumn is where the note on capabilities begins.
const trailerColumn = 120

const capSysAdmin = 21

// line is a compact line in the making. Its methods return it longer; it stays a value so that it
// needs no allocation.
type line struct {
	dst   []byte
	start int // where the line begins in dst
	color bool
}

func (l line) begin(c color) line {
	if l.color {
		l.dst = append(l.dst, c...)
	}
	return l
}

func (l line) end() line {
	if l.color {
		l.dst = append(l.dst, reset...)
	}
	return l
}

func (l line) space() line {
	l.dst = append(l.dst, ' ')
	return l
}

func (l line) text(s string) line {
	l.dst = append(l.dst, s...)
	return l
}

func (l line) number(n uint64) line {
	l.dst = strconv.AppendUint(l.dst, n, 10)
	return l
}

// paint appends text of the event in a colour, quoted where necessary.
func (l line) paint(c color, s string) line {
	l = l.begin(c)
	l.dst = appendPrintable(l.dst, s)
	return l.end()
}

// tag appends the sign and the word of the kind of event; the word is padded to seven columns.
func (l line) tag(c color, emoji, word string) line {
	l = l.begin(c).text(emoji).space().text(word)
	for n := len(word); n < 7; n++ {
		l = l.space()
	}
	return l.end()
}

// head appends the tag, where the process runs and its binary.
func (l line) head(e *Event, emoji, word string) line {
	l = l.tag(blue, emoji, word).space()
	if pod := e.Process.Pod; pod != nil {
		l = l.begin(green)
		l.dst = append(appendPrintable(l.dst, pod.Namespace), '/')
		l.dst = appendPrintable(l.dst, pod.Name)
		l = l.end()
	} else {
		l = l.paint(green, e.NodeName)
	}
	return l.space().paint(magenta, e.Process.Binary)
}

// capTrailer notes a process that may do everything, in a column of its own.
func (l line) capTrailer(p *Process) line {
	caps := p.Caps
	if caps == nil && p.Creds != nil {
		caps = p.Creds.Caps
	}
	if caps == nil || caps.Effective&(1<<capSysAdmin) == 0 {
		return l
	}
	for n := l.width(); n < trailerColumn; n++ {
		l = l.space()
	}
	return l.space().begin(magenta).text("🛑 CAP_SYS_ADMIN").end()
}

// width counts the characters of the line so far, colours left out.
func (l line) width() int {
	width, escaped := 0, false
	for _, r := range text(l.dst[l.start:]) {
		switch {
		case escaped:
			escaped = r != 'm'
		case r == '\x1b':
			escaped = true
		default:
			width++
		}
	}
	return width
}

func (l line) stacks(h *Hook) line {
	if len(h.KernelStack) > 0 {
		l = l.text("\nKernel:")
		for i := range h.KernelStack {
			l = l.frame(&h.KernelStack[i])
			l.dst = append(l.dst, "+0x"...)
			l.dst = strconv.AppendUint(l.dst, h.KernelStack[i].Offset, 16)
		}
	}
	if len(h.UserStack) > 0 {
		l = l.text("\nUser:")
		for i := range h.UserStack {
			frame := &h.UserStack[i]
			l = l.frame(frame).text(" (")
			l.dst = append(appendPrintable(l.dst, frame.Module), "+0x"...)
			l.dst = append(strconv.AppendUint(l.dst, frame.Offset, 16), ')')
		}
	}
	return l
}

func (l line) frame(f *StackFrame) line {
	l.dst = append(l.dst, "\n   0x"...)
	l.dst = append(strconv.AppendUint(l.dst, f.Address, 16), ": "...)
	l.dst = appendPrintable(l.dst, f.Symbol)
	return l
}

func (l line) imaHash(h *Hook) line {
	l.dst = append(l.dst, "\n   "...)
	if file := firstFile(h); file != nil {
		l.dst = append(appendPrintable(l.dst, text(file.Bytes)), ' ')
	}
	l.dst = appendPrintable(l.dst, h.IMAHash)
	return l
}

// appendPrintable appends s as it is, or in quotes with escapes when it contains a space or a character
// that is not printable.
func appendPrintable(dst []byte, s string) []byte {
	if isPlainASCII(s) {
		return append(dst, s...)
	}
	if plainLen(s) == len(s) && strings.IndexByte(s, 0x7f) < 0 {
		return append(append(append(dst, '"'), s...), '"') // spaces, but nothing to escape
	}
	s = valid(s)
	for _, r := range s {
		if r == ' ' || !strconv.IsPrint(r) {
			return strconv.AppendQuote(dst, s)
		}
	}
	return append(dst, s...)
}

func isPlainASCII(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}
