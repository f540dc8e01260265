// SPDX-License-Identifier: Apache-2.0

package event

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
	"unsafe"
)

// Constants for looking at eight bytes at once.
const (
	swarOnes  = 0x0101010101010101
	swarHighs = 0x80 * swarOnes
)

// hexDigits are those of JSON's \u escapes and of capability sets.
const hexDigits = "0123456789abcdef"

// text views b as a string for as long as one encoder call reads it.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// appendText appends s as a JSON string. It escapes what protojson escapes and nothing else.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for {
		n := plainLen(s)
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return append(dst, '"')
		}
		s = s[n:]
		if s[0] < utf8.RuneSelf {
			dst, s = appendEscape(dst, s[0]), s[1:]
			continue
		}
		n = multibyteLen(s)
		dst, s = appendValid(dst, s[:n]), s[n:]
	}
}

// plainLen returns the length of the beginning of s that needs neither escaping nor a UTF-8 check.
func plainLen(s string) int {
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	i := 0
	for ; i+16 <= len(b); i += 16 {
		low := specials(binary.LittleEndian.Uint64(b[i:]))
		high := specials(binary.LittleEndian.Uint64(b[i+8:]))
		if low|high != 0 {
			if low != 0 {
				return i + bits.TrailingZeros64(low)/8
			}
			return i + 8 + bits.TrailingZeros64(high)/8
		}
	}
	for ; i+8 <= len(b); i += 8 {
		if mask := specials(binary.LittleEndian.Uint64(b[i:])); mask != 0 {
			return i + bits.TrailingZeros64(mask)/8
		}
	}
	if i < len(b) && len(b) >= 8 {
		// The last eight bytes overlap with what is known to be plain.
		i = len(b) - 8
		if mask := specials(binary.LittleEndian.Uint64(b[i:])); mask != 0 {
			return i + bits.TrailingZeros64(mask)/8
		}
		return len(b)
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return i
		}
	}
	return i
}

// specials marks the bytes of v that are below space, a quote, a backslash or not ASCII with their high
// bit. A borrow can only mark bytes above a marked one, so the lowest mark is always right.
func specials(v uint64) uint64 {
	quote := v ^ '"'*swarOnes
	backslash := v ^ '\\'*swarOnes
	return (v | (v - ' '*swarOnes) | (quote - swarOnes) | (backslash - swarOnes)) & swarHighs
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	default:
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
}

// multibyteLen returns the length of the beginning of s that has no ASCII.
func multibyteLen(s string) int {
	for i := range len(s) {
		if s[i] < utf8.RuneSelf {
			return i
		}
	}
	return len(s)
}

// appendValid appends s with each run of invalid bytes replaced by U+FFFD.
func appendValid(dst []byte, s string) []byte {
	if utf8.ValidString(s) {
		return append(dst, s...)
	}
	inRun := false
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		invalid := r == utf8.RuneError && n == 1
		switch {
		case !invalid:
			dst = append(dst, s[:n]...)
		case !inRun:
			dst = append(dst, "\uFFFD"...)
		}
		inRun, s = invalid, s[n:]
	}
	return dst
}

// AppendText appends s as a JSON string, quotes included. Each run of invalid UTF-8 becomes one U+FFFD.
func AppendText(dst []byte, s string) []byte { return appendText(dst, s) }
