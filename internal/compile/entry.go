// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"github.com/vedette-io/vedette/internal/expression"
	"github.com/vedette-io/vedette/internal/policy"
)

// unit is one policy, understood but not yet merged with others.
type unit struct {
	index   int
	policy  *policy.Policy
	entries []*entry
}

// entry is one entry of a policy's hook section, on one hook.
type entry struct {
	key   HookKey
	path  string // where the policy has it
	group Group  // without Args and bits
	args  []Slot // in the order of the policy; Filtered is set
	rules []*selector
}

// selector is one selector of an entry, or stands for having none.
type selector struct {
	rule       Rule // without bit and group; FDOps hold positions in entry.args
	conditions []condition
}

// condition is what one filter asks of one value.
type condition struct {
	kind   DimKind
	source DimSource
	// index is as in Dim, except that conditions on arguments have the
	// position in entry.args here.
	index   uint8
	signed  bool
	negated bool // of mask, set and literals
	fold    bool // DimSubstring: capitals count as small letters

	keys     ranges      // DimInterval: the keys that satisfy
	mask     uint64      // DimMask
	set      *processSet // DimMask of SourceSets, in place of mask
	literals []string    // DimString, DimPostfix, DimIndex: see trie; DimSubstring
	// expression is that of DimExpression; it numbers arguments by their
	// positions in entry.args. The condition's index means nothing.
	expression *expression.Expr
}

// ofArgument reports whether the condition is on an argument.
func (c *condition) ofArgument() bool {
	return c.source == SourceArg || c.source == SourceFollowed
}

// markFiltered notes which arguments the condition looks at.
func (c *condition) markFiltered(args []Slot) {
	switch {
	case c.kind == DimExpression:
		for _, position := range c.expression.Args() {
			args[position].Filtered = true
		}
	case c.ofArgument():
		args[c.index].Filtered = true
	}
}

// dimKey identifies the dimension that a condition belongs to.
type dimKey struct {
	kind   DimKind
	source DimSource
	index  uint8
	fold   bool  // DimSubstring
	nth    uint8 // DimSubstring: see keysOfConditions
}

// key returns the dimension of the condition, given the slots of the entry's
// arguments.
func (c *condition) key(slots []uint8) dimKey {
	k := dimKey{kind: c.kind, source: c.source, index: c.index, fold: c.fold}
	if c.ofArgument() && c.kind != DimExpression {
		k.index = slots[c.index]
	}
	return k
}
