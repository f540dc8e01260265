// SPDX-License-Identifier: Apache-2.0

package vmtest

import "strings"

// tailSize is how much of a log is kept, in bytes: more than a panic prints.
const tailSize = 8 << 10

// tail is the end of what was written to it.
type tail struct {
	kept []byte
	cut  bool
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - tailSize; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
		t.cut = true
	}
	return len(p), nil
}

// String returns whole lines.
func (t *tail) String() string {
	text := strings.ReplaceAll(string(t.kept), "\r", "")
	if t.cut {
		_, text, _ = strings.Cut(text, "\n")
	}
	return text
}
