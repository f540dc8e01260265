// SPDX-License-Identifier: Apache-2.0

package policy

import "strings"

// Source is the text that policies were parsed from. Policies of one file
// share it; it is never modified.
type Source struct {
	// Name is what diagnostics call the text, usually a file's path.
	Name string
	// Text is the whole text as given, without a leading byte order mark.
	Text string
}

// byteOrderMark is how an editor may mark a text as UTF-8; it is not part of
// the YAML.
const byteOrderMark = "\ufeff"

// NewSource returns a Source of the name and a copy of the data.
func NewSource(name string, data []byte) *Source {
	return &Source{Name: name, Text: strings.TrimPrefix(string(data), byteOrderMark)}
}

// Line returns the text of a line, which counts from 1, without its line
// break. It returns "" for a line that does not exist.
func (s *Source) Line(line int) string {
	if s == nil || line < 1 {
		return ""
	}
	rest := s.Text
	for ; line > 1; line-- {
		_, after, found := strings.Cut(rest, "\n")
		if !found {
			return ""
		}
		rest = after
	}
	text, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSuffix(text, "\r")
}
