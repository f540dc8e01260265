// SPDX-License-Identifier: Apache-2.0

package naive

import (
	"strings"

	"github.com/vedette-io/vedette/internal/policy"
)

// Node is a struct in memory that points to another one of its kind. Paths
// lead to its fields: small, bits, wide and text, and next to the other one.
type Node struct {
	Small uint32
	Bits  uint8 // 5 bits
	Wide  int64
	Text  string
}

// Follow returns what is at the end of a path that begins at the first of
// the event's nodes, each of which points to the one behind it.
func (e *Event) Follow(path string) Arg {
	i := 0
	for strings.HasPrefix(path, "next.") {
		path = strings.TrimPrefix(path, "next.")
		i++
	}
	if i >= len(e.Nodes) {
		return Arg{Failed: true}
	}
	n := e.Nodes[i]
	switch path {
	case "small":
		return Arg{Register: uint64(n.Small)}
	case "bits":
		return Arg{Register: uint64(n.Bits & 31)}
	case "wide":
		return Arg{Register: uint64(n.Wide)}
	case "text":
		return Arg{Text: n.Text}
	}
	panic("naive: a node has no " + path)
}

// value returns the value of an argument or datum.
func (w *world) value(declared *policy.Arg) Arg {
	if declared.Resolve != "" {
		return w.event.Follow(declared.Resolve)
	}
	return w.event.Args[declared.Index]
}
