// SPDX-License-Identifier: Apache-2.0

package record

import "bytes"

// AppendArguments appends the arguments string of an argument area: the strings from argv[1] on,
// joined by single spaces. One that contains a space is put in double quotes, quotes within it
// stay as they are; an empty one is written as two double quotes. The last string of a truncated
// area may lack its NUL.
func AppendArguments(dst, area []byte) []byte {
	_, rest, found := bytes.Cut(area, []byte{0})
	if !found {
		return dst
	}
	for first := true; len(rest) > 0; first = false {
		var arg []byte
		arg, rest, _ = bytes.Cut(rest, []byte{0})
		if !first {
			dst = append(dst, ' ')
		}
		dst = appendArgument(dst, arg)
	}
	return dst
}

func appendArgument(dst, arg []byte) []byte {
	if len(arg) > 0 && bytes.IndexByte(arg, ' ') < 0 {
		return append(dst, arg...)
	}
	dst = append(dst, '"')
	dst = append(dst, arg...)
	return append(dst, '"')
}
