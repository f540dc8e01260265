// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"maps"
	"slices"

	"github.com/vedette-io/vedette/internal/policy"
)

// NumNamespaces is how many kinds of namespaces there are. The Index of a
// [Dim] with SourceNamespace is a [policy.Namespace].
const NumNamespaces = int(policy.NamespaceUser) + 1

// classes are the binaries' paths that the hooks tell apart: class i+1 has
// literal i as its longest.
type classes struct {
	front, end []string
}

// of returns the literals of the classes that a dimension looks at.
func (c *classes) of(source DimSource) []string {
	if source.isBinaryEnd() {
		return c.end
	}
	return c.front
}

// isBinaryEnd reports whether the source is the class of a reversed path.
func (s DimSource) isBinaryEnd() bool { return s == SourceBinaryEnd || s == SourceParentBinaryEnd }

// buildProcess builds the tables that classify processes, for the conditions
// of all hooks.
func buildProcess(drafts map[HookKey]*draft, sets *processSets) (ProcessTables, *classes) {
	joined := sets.binaries()
	front, end := make(map[string]bool), make(map[string]bool)
	for literal := range joined {
		front[literal] = true
	}
	for _, d := range drafts {
		for c := range d.conditions() {
			switch {
			case c.source.isBinaryEnd():
				mark(end, c.literals)
			case c.source == SourceBinary || c.source == SourceParentBinary:
				mark(front, c.literals)
			}
		}
	}
	cls := &classes{front: slices.Sorted(maps.Keys(front)), end: slices.Sorted(maps.Keys(end))}
	t := newTrie(StateBinaryEnd)
	if len(cls.front)+len(cls.end) > 0 {
		t.add(StateBinary, cls.front, payload{}, classPayloads(cls.front, joined))
		t.add(StateBinaryEnd, cls.end, payload{}, classPayloads(cls.end, nil))
	}
	return ProcessTables{
		Strings:    t.table(),
		Classes:    uint32(len(cls.front)) + 1,
		EndClasses: uint32(len(cls.end)) + 1,
		PIDSets:    sets.pids(),
		Sets:       sets.names(),
	}, cls
}

func mark(set map[string]bool, literals []string) {
	for _, l := range literals {
		set[l] = true
	}
}

func classPayloads(literals []string, sets map[string]uint64) []payload {
	out := make([]payload, len(literals))
	for i, l := range literals {
		out[i] = payload{vector: uint32(i) + 1, sets: sets[l]}
	}
	return out
}
