// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// The columns of a source line that Render shows at most, and how far the
// caret stays from the left edge where a line is cut.
const (
	renderWidth   = 100
	renderContext = 40
)

// tabWidth is how many columns a tab advances to a multiple of.
const tabWidth = 8

// ANSI sequences of the colours that Render uses.
const (
	colourReset   = "\x1b[0m"
	colourBold    = "\x1b[1m"
	colourError   = "\x1b[1;31m"
	colourWarning = "\x1b[1;35m"
	colourCaret   = "\x1b[1;32m"
)

// Render writes each diagnostic as file:line:column: severity: message,
// followed by the source line and a caret below the place. Control characters
// of the text are written escaped, so that a policy cannot command the
// terminal. With color, ANSI colours are used.
func Render(w io.Writer, src *Source, diags []Diagnostic, color bool) error {
	paint := func(code, text string) string {
		if !color {
			return text
		}
		return code + text + colourReset
	}
	var b strings.Builder
	for _, d := range diags {
		code := colourError
		if d.Severity == SeverityWarning {
			code = colourWarning
		}
		b.WriteString(paint(colourBold, place(src, d.Pos)))
		b.WriteString(paint(code, d.Severity.String()+": "))
		b.WriteString(escape(d.Text()) + "\n")
		if line := src.Line(d.Pos.Line); strings.TrimSpace(line) != "" {
			text, caret := excerpt(line, d.Pos.Column)
			b.WriteString("  " + text + "\n")
			b.WriteString("  " + strings.Repeat(" ", caret) + paint(colourCaret, "^") + "\n")
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write diagnostics: %w", err)
	}
	return nil
}

// excerpt returns the part of a line around a column as it is displayed, and
// how many display columns precede that column in it.
func excerpt(line string, column int) (string, int) {
	cells, at := displayCells(line, column)
	start, end := 0, len(cells)
	if end > renderWidth {
		start = max(0, min(at-renderContext, end-renderWidth))
		end = min(end, start+renderWidth)
	}
	var b strings.Builder
	caret := 0
	if start > 0 {
		b.WriteString("...")
		caret = 3
	}
	for i, c := range cells[start:end] {
		b.WriteString(c.text)
		if start+i < at {
			caret += c.width
		}
	}
	if end < len(cells) {
		b.WriteString("...")
	}
	return b.String(), caret
}

// cell is one displayed character and the columns it takes.
type cell struct {
	text  string
	width int
}

// displayCells returns the displayed characters of a line and the index of
// the one at the column, which counts the line's characters from 1.
func displayCells(line string, column int) ([]cell, int) {
	var cells []cell
	at, position, width := -1, 0, 0
	for _, r := range line {
		position++
		if position == column {
			at = len(cells)
		}
		c := displayCell(r, width)
		width += c.width
		cells = append(cells, c)
	}
	if at < 0 {
		at = len(cells)
	}
	return cells, at
}

// displayCell returns how a character is displayed at a display column.
func displayCell(r rune, at int) cell {
	switch {
	case r == '\t':
		n := tabWidth - at%tabWidth
		return cell{strings.Repeat(" ", n), n}
	case !unicode.IsPrint(r):
		text := escapeRune(r)
		return cell{text, len(text)}
	case unicode.In(r, unicode.Mn, unicode.Me):
		return cell{string(r), 0}
	case isWide(r):
		return cell{string(r), 2}
	}
	return cell{string(r), 1}
}

// wideRunes are the blocks whose characters take two columns of a terminal
// (Unicode's East Asian Width W and F).
var wideRunes = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, {Lo: 0x2e80, Hi: 0x303e, Stride: 1},
		{Lo: 0x3041, Hi: 0x33ff, Stride: 1}, {Lo: 0x3400, Hi: 0x4dbf, Stride: 1},
		{Lo: 0x4e00, Hi: 0x9fff, Stride: 1}, {Lo: 0xa000, Hi: 0xa4cf, Stride: 1},
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, {Lo: 0xf900, Hi: 0xfaff, Stride: 1},
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, {Lo: 0xff00, Hi: 0xff60, Stride: 1},
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, {Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1},
		{Lo: 0x1f900, Hi: 0x1f9ff, Stride: 1}, {Lo: 0x20000, Hi: 0x3fffd, Stride: 1},
	},
}

func isWide(r rune) bool { return unicode.Is(wideRunes, r) }

// escape returns the text with every character that a terminal would act on
// written as a Go escape.
func escape(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(escapeRune(r))
		}
	}
	return b.String()
}

// escapeRune returns the Go escape of a character, without quotes.
func escapeRune(r rune) string {
	return strings.Trim(strconv.QuoteRuneToASCII(r), "'")
}

// quotedLength is how many characters of a user's text a message repeats.
const quotedLength = 64

// quote returns a user's text for use in a message: quoted, escaped and cut
// where it is long.
func quote[T ~string](text T) string {
	runes := []rune(text[:min(len(text), quotedLength*4)])
	if len(runes) <= quotedLength && len(text) <= quotedLength*4 {
		return strconv.Quote(string(text))
	}
	return strconv.Quote(string(runes[:min(len(runes), quotedLength)])) + "..."
}
