// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
)

// Smallest sizes of what a program is specialised to. They are steps, so
// that not every policy more asks for another program.
const (
	minWinners = 4
	minMasks   = 2
	minRows    = 16
)

// shape is what a program is specialised to. Two compilations of a hook with
// the same shape differ in the contents of tables only.
type shape struct {
	place     Attachment
	function  string
	guarded   bool
	hasReturn bool
	config    bpf.HookConfig
	operands  operands // of a static probe
	writes    writes
	steps     steps  // of slots that are found by a path
	entries   uint32 // rows of each half of vd_table
	vectors   uint32
	strings   uint32
	automata  uint32 // words
	// expressions are the program's own: another expression is another program.
	expressions string
	ruleBits    uint32
}

// shapeOf is the shape that a hook needs at a place.
func shapeOf(h *compile.Hook, id uint32, p place, l layout) (shape, error) {
	slots := l.slots
	s := shape{
		place: p.attachment, function: p.function, guarded: len(p.guards) != 0, hasReturn: h.HasReturn,
		entries: rows(len(h.Table)), vectors: rows(len(h.Vectors)), strings: rows(len(h.Strings)),
		automata: automataWords(len(h.Automata)), expressions: expressionsOf(h),
		operands: l.operands, writes: l.writes,
	}
	c := &s.config
	if h.Words > len(bpf.HookTables{}.All) || len(slots) > len(c.Slots) || len(h.Dims) > len(c.Dims) || len(h.ReturnDims) > len(c.ReturnDims) {
		return s, fmt.Errorf("%d words, %d arguments, %d and %d dimensions do not fit in a program",
			h.Words, len(slots), len(h.Dims), len(h.ReturnDims))
	}
	if len(h.Table) > compile.MaxTable {
		return s, fmt.Errorf("the numbers, ranges and addresses of all policies on it need %d rows of tables, the limit is %d", len(h.Table), compile.MaxTable)
	}
	*c = bpf.HookConfig{
		Hook: id, Words: paddedWords(h.Words), N_slots: uint32(len(slots)), N_dims: uint32(len(h.Dims)),
		N_returnDims: uint32(len(h.ReturnDims)), Features: hookFeatures(h, p),
		Winners: powerOfTwo(len(h.Groups), minWinners),
	}
	if p.attachment == AttachKprobeMulti {
		// Cookies tell the function, so the program can be that of several.
		s.function, c.Hook = "", 0
		c.Features |= uint32(bpf.ContractVdHookFeatureVD_FEATURE_SHARED)
	}
	s.ruleBits = 64 * c.Words
	c.AutomataMask = 4*s.automata - 4
	c.TableMask = rowBytes * (s.entries - 1)
	c.Expressions = uint32(len(h.Expressions))
	acted := actedSlots(h)
	for i, slot := range slots {
		c.Slots[i] = slot
		if acted&(1<<i) != 0 {
			c.Slots[i].Flags |= uint8(bpf.ContractVdSlotFlagsVD_SLOT_ACTED)
		}
	}
	fetched := map[uint8]bool{}
	for i, d := range h.Dims {
		c.Dims[i] = dimConfig(d, fetched)
		if d.Source == compile.SourceNamespaceChanges {
			for _, e := range h.Table[d.Base : d.Base+d.Len] {
				c.Dims[i].FieldOffset |= uint16(e.Key)
			}
		}
		if d.Kind == compile.DimExpression {
			c.Dims[i].Steps = unfetched(operandSlots(h), fetched)
		}
	}
	if slices.ContainsFunc(h.Dims, isCostly) {
		for i := range h.Dims {
			c.Dims[i].Flags |= uint8(bpf.ContractVdDimFlagsVD_DIM_APART)
		}
	}
	for i, d := range h.ReturnDims {
		c.ReturnDims[i] = dimConfig(d, nil)
	}
	for _, g := range h.Groups {
		switch {
		case g.HasReturn && g.ReturnSlot >= 0:
			c.ReturnType = max(c.ReturnType, uint32(compile.TypeU64)) // the register that leads to it
		case g.HasReturn:
			c.ReturnType = max(c.ReturnType, uint32(g.ReturnType))
		}
	}
	c.RawArgs, c.Variants = l.rawArgs, l.variants
	var err error
	if s.steps, err = slotSteps(h.Slots); err != nil {
		return s, err
	}
	return s, s.setArguments(h, p)
}

// setArguments says how the program gets its arguments.
func (s *shape) setArguments(h *compile.Hook, p place) error {
	c := &s.config
	if p.wrapper {
		c.Wrapper, c.RawArgs, c.ReturnAt = 1, 1, 1
		return nil
	}
	c.ReturnAt = uint32(p.params)
	if int(c.ReturnAt) > maxRawArgs && h.HasReturn && p.attachment.traced() {
		return fmt.Errorf("the return value of a function with %d parameters, more than %d, cannot be read", p.params, maxRawArgs)
	}
	return nil
}

// maxRawArgs is how many arguments of a function a program can read.
const maxRawArgs = 6

// rows is how many rows each half of a table gets.
func rows(n int) uint32 { return powerOfTwo(n, minRows) }

// powerOfTwo is the smallest power of two that is neither below n nor below
// least, itself a power of two.
func powerOfTwo(n int, least uint32) uint32 {
	if n <= int(least) {
		return least
	}
	return 1 << bits.Len32(uint32(n-1))
}

// paddedWords is how many words a program's vectors have.
func paddedWords(words int) uint32 {
	return min(powerOfTwo(words, 1), uint32(compile.MaxWords))
}

// dimConfig is what is constant of a dimension; the first one that looks at
// a slot fetches it.
func dimConfig(d compile.Dim, fetched map[uint8]bool) bpf.DimConfig {
	c := bpf.DimConfig{Kind: uint8(d.Kind), Source: uint8(d.Source), Index: d.Index, Other: d.Other,
		FieldOffset: d.Field.Offset, FieldWidth: d.Field.Width}
	switch d.Kind {
	case compile.DimInterval, compile.DimAddress:
		c.Steps = compile.IntervalSteps(d.Len)
	case compile.DimMask:
		c.Steps = powerOfTwo(int(d.Len), minMasks)
	}
	if d.Wide {
		c.Flags |= uint8(bpf.ContractVdDimFlagsVD_DIM_WIDE)
	}
	if d.Signed {
		c.Flags |= uint8(bpf.ContractVdDimFlagsVD_DIM_SIGNED)
	}
	if d.Kind == compile.DimExpression {
		return c
	}
	if d.Field.Port {
		c.Flags |= uint8(bpf.ContractVdDimFlagsVD_DIM_PORT)
	}
	if fetched == nil || !d.Source.OfArgument() {
		return c
	}
	if !fetched[d.Index] {
		c.Flags |= uint8(bpf.ContractVdDimFlagsVD_DIM_FETCH)
	}
	fetched[d.Index] = true
	if d.Source == compile.SourceCapsGained && !fetched[d.Other] {
		fetched[d.Other] = true
		c.Flags |= uint8(bpf.ContractVdDimFlagsVD_DIM_FETCH_OTHER)
	}
	return c
}

// unfetched returns of the slots, as bits, those that are not fetched yet, and
// notes that they are.
func unfetched(slots uint32, fetched map[uint8]bool) uint32 {
	for slot := range uint8(32) {
		if fetched[slot] {
			slots &^= 1 << slot
		} else if slots&(1<<slot) != 0 {
			fetched[slot] = true
		}
	}
	return slots
}

// ruleFeatures are the features of the program that rules with a flag need.
var ruleFeatures = []struct {
	flag    compile.RuleFlags
	feature bpf.ContractVdHookFeature
}{
	{compile.RuleKill, bpf.ContractVdHookFeatureVD_FEATURE_KILL},
	{compile.RuleSignal, bpf.ContractVdHookFeatureVD_FEATURE_SIGNAL},
	{compile.RuleReturn, bpf.ContractVdHookFeatureVD_FEATURE_RETURN},
	{compile.RuleOverride, bpf.ContractVdHookFeatureVD_FEATURE_OVERRIDE},
	{compile.RuleNotify | compile.RuleCleanNotify, bpf.ContractVdHookFeatureVD_FEATURE_NOTIFY},
	{compile.RuleNamespacesTold | compile.RuleCapsTold, bpf.ContractVdHookFeatureVD_FEATURE_CHANGES},
	{compile.RuleStackKernel | compile.RuleStackUser, bpf.ContractVdHookFeatureVD_FEATURE_STACKS},
	{compile.RuleReturnActions, bpf.ContractVdHookFeatureVD_FEATURE_RETURN_ACTIONS},
	{compile.RuleIMA, bpf.ContractVdHookFeatureVD_FEATURE_IMA},
	{compile.RuleSet, bpf.ContractVdHookFeatureVD_FEATURE_SET},
	{compile.RuleTrackSock | compile.RuleUntrackSock, bpf.ContractVdHookFeatureVD_FEATURE_SOCK_TRACK},
	{compile.RuleTrackReturn | compile.RuleUntrackReturn, bpf.ContractVdHookFeatureVD_FEATURE_SOCK_TRACK},
}

// featuresOf are the features of the program that a rule needs.
func featuresOf(r compile.Rule) bpf.ContractVdHookFeature {
	var f bpf.ContractVdHookFeature
	for _, row := range ruleFeatures {
		if r.Flags&row.flag != 0 {
			f |= row.feature
		}
	}
	if r.RateInterval != 0 {
		f |= bpf.ContractVdHookFeatureVD_FEATURE_RATE
	}
	if r.Registers != nil {
		f |= bpf.ContractVdHookFeatureVD_FEATURE_REGISTERS
	}
	if len(r.FDOps) != 0 {
		f |= bpf.ContractVdHookFeatureVD_FEATURE_FD_OPS
	}
	return f
}

// hookFeatures tells the program which actions occur at all, and how its verdict
// takes effect.
func hookFeatures(h *compile.Hook, p place) uint32 {
	var f bpf.ContractVdHookFeature
	for _, r := range h.Rules {
		f |= featuresOf(r)
		if r.Return != nil {
			f |= featuresOf(*r.Return)
		}
	}
	if len(h.Automata) != 0 {
		f |= bpf.ContractVdHookFeatureVD_FEATURE_SUBSTRING
	}
	if slices.ContainsFunc(h.Groups, func(g compile.Group) bool { return g.TrackBit >= 0 }) {
		f |= bpf.ContractVdHookFeatureVD_FEATURE_SOCK_TRACK
	}
	if slices.ContainsFunc(h.Dims, looksAtProcess) {
		f |= bpf.ContractVdHookFeatureVD_FEATURE_PROCESS
	}
	if p.attachment.refuses() {
		f |= bpf.ContractVdHookFeatureVD_FEATURE_REFUSES
	}
	if len(p.guards) != 0 {
		f |= bpf.ContractVdHookFeatureVD_FEATURE_VERDICT
	}
	if !p.wrapper && p.attachment.function() {
		f |= bpf.ContractVdHookFeatureVD_FEATURE_FRAMES
	}
	if h.Key.Kind.IsSyscall() || h.Key.Kind.InUserSpace() {
		f |= bpf.ContractVdHookFeatureVD_FEATURE_USER
	}
	return uint32(f)
}

// isCostly reports whether the verifier goes a long way for a dimension.
func isCostly(d compile.Dim) bool {
	return d.Kind == compile.DimSubstring || d.Kind == compile.DimExpression
}

// looksAtProcess reports whether a dimension needs what is known of the
// process, and not only what the kernel tells of the task.
func looksAtProcess(d compile.Dim) bool {
	switch d.Source {
	case compile.SourceNSPID, compile.SourceSets, compile.SourceBinary, compile.SourceBinaryEnd, compile.SourceFlags, compile.SourceFollowed,
		compile.SourceParentSets, compile.SourceParentBinary, compile.SourceParentBinaryEnd,
		compile.SourceNamespaceChanges, compile.SourceCapabilityChanges:
		return true
	}
	return false
}
