// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"encoding/binary"
	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
)

// stringKey is the key of a row of a string table; length in bits.
func stringKey(e compile.StringEntry, generation uint32) bpf.StringKey {
	k := bpf.StringKey{Prefixlen: uint32(32 + 8*len(e.Data))}
	if e.Bits != 0 {
		k.Prefixlen = 32 + uint32(e.Bits)
	}
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
func rule(r compile.Rule, g *compile.Group, id uint64) bpf.Rule {
	out := bpf.Rule{
		Flags: uint32(r.Flags), Signal: r.Signal,
		RateInterval: r.RateInterval, RateId: id, RateScope: uint32(r.RateScope), Error: r.Error,
		Track: r.Track, Untrack: r.Untrack, TrackBit: uint8(max(g.TrackBit, 0)),
		NoticeBit: uint8(max(g.NoticeBit, 0)), NoticeError: r.NoticeError, NoticeSignal: r.NoticeSignal,
	}
	for i, op := range r.FDOps {
		out.FdOps[i].Kind = uint8(op.Kind)
		out.FdOps[i].Fd = op.FD
		out.FdOps[i].Other = op.Other
		out.FdOps[i].FollowBit = uint8(g.FollowBit)
	}
	return out
}
