// SPDX-License-Identifier: Apache-2.0

package policy

import "strings"

// failures remembers which values of a policy were reported as wrong, so that
// what follows from them is not reported too.
type failures struct {
	at map[string]bool
	// above holds every path that contains a failed one.
	above map[string]bool
}

func newFailures() *failures {
	return &failures{at: make(map[string]bool), above: make(map[string]bool)}
}

// parentPath returns the path that contains a path, and false for a path at
// the top.
func parentPath(path string) (string, bool) {
	cut := strings.LastIndexAny(path, ".[")
	if cut < 0 {
		return "", false
	}
	return path[:cut], true
}

func (f *failures) add(path string) {
	f.at[path] = true
	for up, ok := parentPath(path); ok && !f.above[up]; up, ok = parentPath(up) {
		f.above[up] = true
	}
}

// covers reports whether the value at the path, or one that contains it, has
// failed.
func (f *failures) covers(path string) bool {
	for at, ok := path, true; ok; at, ok = parentPath(at) {
		if f.at[at] {
			return true
		}
	}
	return false
}

// touches reports whether anything above, at or below the path has failed.
func (f *failures) touches(path string) bool { return f.above[path] || f.covers(path) }
