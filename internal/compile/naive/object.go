// SPDX-License-Identifier: Apache-2.0

package naive

import (
	"strconv"
	"strings"

	"github.com/vedette-io/vedette/internal/policy"
)

// gained evaluates CapabilitiesGained: whether the second set has something
// that the first has not.
func (w *world) gained(f *policy.ArgFilter) bool {
	old, now := w.event.Args[w.args[f.Args[0]].Index], w.event.Args[w.args[f.Args[1]].Index]
	if old.Failed || now.Failed {
		return false
	}
	return (old.Register^now.Register)&now.Register != 0
}

// capabilitySet evaluates a comparison of sets of capabilities.
func capabilitySet(set uint64, f *policy.ArgFilter) bool {
	found := false
	for _, v := range f.Values {
		want, err := strconv.ParseUint(v, 0, 64)
		if err != nil {
			want = 0
			for name := range strings.SplitSeq(v, ",") {
				name = strings.TrimPrefix(strings.TrimSpace(name), "CAP_")
				n, err := policy.CapabilityIndex("CAP_" + name)
				if err != nil {
					panic("naive: not a capability: " + v)
				}
				want |= 1 << n
			}
		}
		found = found || set == want
	}
	return found == (f.Operator == policy.OpEqual)
}

// fileKinds are the kinds of files by the highest four bits of the mode.
var fileKinds = map[uint32][]string{
	12: {"sock", "socket"}, 10: {"lnk", "link"}, 8: {"reg", "regular"}, 6: {"blk", "block"},
	4: {"dir"}, 2: {"chr", "char"}, 1: {"fifo", "pipe"},
}

// fileType evaluates FileType and its negation. What has no inode has no
// type.
func fileType(mode uint32, f *policy.ArgFilter) bool {
	kind := mode >> 12 & 15
	if kind == 0 {
		return false
	}
	found := false
	for _, v := range f.Values {
		for _, name := range fileKinds[kind] {
			found = found || v == name
		}
	}
	return found == (f.Operator == policy.OpFileType)
}
