// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
)

// target says which process generation and hook number a program is for.
type target struct {
	id, generation    uint32
	processGeneration uint32
	returnSlot        uint32
	gated             bool
}

// config translates a compiled hook for its program.
func config(h *compile.Hook, t target, slots []bpf.SlotConfig) (bpf.HookConfig, error) {
	c := bpf.HookConfig{
		Hook: t.id, Generation: t.generation, Words: uint32(h.Words),
		N_slots: uint32(len(slots)), N_dims: uint32(len(h.Dims)),
		N_returnDims: uint32(len(h.ReturnDims)), ProcessGeneration: t.processGeneration,
		ReturnSlot: t.returnSlot, Features: features(h), N_groups: uint32(len(h.Groups)),
	}
	if t.gated {
		c.Gated = 1
	}
	if h.Words > len(c.All) || len(slots) > len(c.Slots) || len(h.Dims) > len(c.Dims) || len(h.ReturnDims) > len(c.ReturnDims) {
		return c, fmt.Errorf("hook %s: %d words, %d arguments, %d and %d dimensions do not fit in a program",
			h.Key.Name, h.Words, len(slots), len(h.Dims), len(h.ReturnDims))
	}
	copy(c.All[:], h.Vectors[0])
	copy(c.Single[:], h.Single)
	copy(c.Start[:], h.Start)
	copy(c.Guard[:], h.Guard)
	for _, r := range h.Rules {
		if r.Flags&compile.RuleReturn != 0 {
			c.Returns[r.Bit/64] |= 1 << (r.Bit % 64)
		}
	}
	for i, s := range slots {
		c.Slots[i] = s
	}
	fetched := map[uint8]bool{}
	for i, d := range h.Dims {
		c.Dims[i] = dim(d, fetched)
	}
	for i, d := range h.ReturnDims {
		c.ReturnDims[i] = dim(d, nil)
	}
	for _, g := range h.Groups {
		if g.HasReturn {
			c.ReturnType = max(c.ReturnType, uint32(g.ReturnType))
		}
	}
	return c, nil
}

// features tells the program which actions occur at all.
func features(h *compile.Hook) uint32 {
	var f bpf.ContractVdHookFeature
	for _, r := range h.Rules {
		if r.Flags&compile.RuleKill != 0 {
			f |= bpf.ContractVdHookFeatureVD_FEATURE_KILL
		}
		if r.Flags&compile.RuleSignal != 0 {
			f |= bpf.ContractVdHookFeatureVD_FEATURE_SIGNAL
		}
		if r.RateInterval != 0 {
			f |= bpf.ContractVdHookFeatureVD_FEATURE_RATE
		}
		if len(r.FDOps) != 0 {
			f |= bpf.ContractVdHookFeatureVD_FEATURE_FD_OPS
		}
		if r.Flags&compile.RuleReturn != 0 {
			f |= bpf.ContractVdHookFeatureVD_FEATURE_RETURN
		}
	}
	return uint32(f)
}

// dim translates a dimension; the first one that looks at a slot fetches it.
func dim(d compile.Dim, fetched map[uint8]bool) bpf.DimConfig {
	c := bpf.DimConfig{
		Kind: uint8(d.Kind), Source: uint8(d.Source), Index: d.Index,
		Base: d.Base, Len: d.Len, State: d.State, None: d.None,
	}
	if d.Signed {
		c.Flags |= uint8(bpf.ContractVdDimFlagsVD_DIM_SIGNED)
	}
	if fetched != nil && (d.Source == compile.SourceArg || d.Source == compile.SourceFollowed) && !fetched[d.Index] {
		fetched[d.Index] = true
		c.Flags |= uint8(bpf.ContractVdDimFlagsVD_DIM_FETCH)
	}
	return c
}

// stringKey is the key of a row of a string table; length in bits.
func stringKey(e compile.StringEntry, generation uint32) bpf.StringKey {
	k := bpf.StringKey{Prefixlen: uint32(32 + 8*len(e.Data))}
	// The state is big-endian in memory (bpf/strings.h).
	var state [4]byte
	binary.BigEndian.PutUint32(state[:], e.State|generation<<31)
	k.State = binary.NativeEndian.Uint32(state[:])
	copy(k.Data[:], e.Data)
	return k
}

func stringValue(e compile.StringEntry, generation uint32) bpf.StringValue {
	v := bpf.StringValue{Next: e.Next, Vector: e.Vector, Exact: e.Exact, Otherwise: e.Else, Sets: e.Sets}
	if v.Next != 0 {
		v.Next |= generation << 31
	}
	return v
}

// rule translates a rule. id is its own over all generations.
func rule(r compile.Rule, followBit int, id uint64) bpf.Rule {
	out := bpf.Rule{
		Flags: uint32(r.Flags), Signal: r.Signal,
		RateInterval: r.RateInterval, RateId: id, RateScope: uint32(r.RateScope),
	}
	for i, op := range r.FDOps {
		out.FdOps[i].Kind = uint8(op.Kind)
		out.FdOps[i].Fd = op.FD
		out.FdOps[i].Other = op.Other
		out.FdOps[i].FollowBit = uint8(followBit)
	}
	return out
}

// fillTables puts the contents of the hook's own maps into the collection.
func fillTables(spec *ebpf.CollectionSpec, h *compile.Hook, owners []string) {
	table := spec.Maps["vd_table"]
	table.MaxEntries = max(1, uint32(len(h.Table)))
	for i, e := range h.Table {
		table.Contents = append(table.Contents, ebpf.MapKV{Key: uint32(i), Value: bpf.Entry{Key: e.Key, A: e.A, B: e.B}})
	}
	vectors := spec.Maps["vd_vectors"]
	vectors.MaxEntries = uint32(len(h.Vectors))
	vectors.ValueSize = uint32(8 * h.Words)
	vectors.Key, vectors.Value = nil, nil // the value is cut: its type no longer fits
	for i, v := range h.Vectors {
		vectors.Contents = append(vectors.Contents, ebpf.MapKV{Key: uint32(i), Value: v})
	}
	strings := spec.Maps["vd_strings"]
	strings.MaxEntries = max(1, uint32(len(h.Strings)))
	for _, e := range h.Strings {
		strings.Contents = append(strings.Contents, ebpf.MapKV{Key: stringKey(e, 0), Value: stringValue(e, 0)})
	}
	bits := uint32(64 * h.Words)
	spec.Maps["vd_rule_counters"].MaxEntries = bits
	rules := spec.Maps["vd_rules"]
	rules.MaxEntries = bits
	for _, r := range h.Rules {
		rules.Contents = append(rules.Contents, ebpf.MapKV{
			Key: uint32(r.Bit), Value: rule(r, h.Groups[r.Group].FollowBit, ruleKey(h, r, owners).hash()),
		})
	}
}
