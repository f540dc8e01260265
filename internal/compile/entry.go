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
	// enforcer is nil where the policy has none that has something to do.
	enforcer *Enforcer
	// loader is nil where the policy does not want events of mapped files.
	loader *Loader
}

// entry is one entry of a policy's hook section, on one hook.
type entry struct {
	key   HookKey
	path  string // where the policy has it
	group Group  // without Args and bits
	args  []Slot // the args and then the data of the policy; Filtered is set
	ret   *Slot  // the return value where only a slot can have it
	// numArgs is how many of args are no data.
	numArgs int
	rules   []*selector
	// many and noMulti are as in Hook.
	many, noMulti bool
	// atReturn are the flags of the rules that say what is done with the
	// returned value.
	atReturn RuleFlags
}

// selector is one selector of an entry, or stands for having none.
type selector struct {
	rule       Rule // without bit and group; FDOps and Sets hold positions in entry.args
	conditions []condition
}

// condition is what one filter asks of one value.
type condition struct {
	kind   DimKind
	source DimSource
	// index is as in Dim, except that conditions on arguments have the
	// position in entry.args here.
	index    uint8
	other    uint8 // the second argument of SourceCapsGained
	field    Field // SourceField
	signed   bool
	negated  bool // of mask, set and literals
	ofReturn bool // on the return value
	fold     bool // DimSubstring: capitals count as small letters

	keys     ranges      // DimInterval, DimAddress: the keys that satisfy
	mask     uint64      // DimMask
	set      *processSet // DimMask of SourceSets, in place of mask
	literals []string    // DimString, DimPostfix, DimIndex: see trie; DimAddress: see addressLiteral; DimSubstring
	// expression is that of DimExpression; it numbers arguments by their
	// positions in entry.args. The condition's index means nothing.
	expression *expression.Expr
}

// ofArgument reports whether the condition is on an argument.
func (c *condition) ofArgument() bool {
	return c.source.OfArgument() && !c.ofReturn
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
		if c.source == SourceCapsGained {
			args[c.other].Filtered = true
		}
	}
}

// dimKey identifies the dimension that a condition belongs to.
type dimKey struct {
	kind   DimKind
	source DimSource
	index  uint8
	fold   bool  // DimSubstring
	nth    uint8 // DimSubstring: see keysOfConditions
	other  uint8
	field  Field
}

// key returns the dimension of the condition, given the slots of the entry's
// arguments.
func (c *condition) key(slots []uint8) dimKey {
	k := dimKey{kind: c.kind, source: c.source, index: c.index, field: c.field, fold: c.fold}
	if c.ofArgument() && c.kind != DimExpression {
		k.index = slots[c.index]
	}
	if c.source == SourceCapsGained {
		k.other = slots[c.other]
	}
	return k
}
