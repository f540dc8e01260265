// SPDX-License-Identifier: Apache-2.0

package process

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/vedette-io/vedette/bpf"
)

// TestRandomRecords gives the tree records in a random order, many of them of processes that it does
// not know, and checks after each that its parts agree.
func TestRandomRecords(t *testing.T) {
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 1))
		tree := newTree(func(o *Options) { o.Capacity = 3 + random.IntN(30); o.Grace = 40 * time.Nanosecond })
		for step := range 2000 {
			randomStep(tree, random, uint64(step))
			if wrong := inconsistency(tree); wrong != "" {
				t.Fatalf("seed %d, step %d: %s", seed, step, wrong)
			}
		}
		tree.Advance(1 << 40)
		if s := tree.Stats(); tree.quiet.len != 0 || s.Images > tree.opts.Capacity {
			t.Fatalf("seed %d: %+v at the end", seed, s)
		}
	}
}

func randomStep(tree *Tree, random *rand.Rand, now uint64) {
	id := func() bpf.ProcessID {
		return pid(1+max(now, 20)-random.Uint64N(20), uint32(random.IntN(12)))
	}
	switch random.IntN(8) {
	case 0, 1:
		tree.Fork(fork(id(), id()))
	case 2, 3:
		tree.Exec(exec(id(), id(), "/bin/x", strings.Repeat("a", random.IntN(2)*5000)))
	case 4:
		tree.Task(exec(id(), id(), "/bin/x"))
	case 5:
		tree.Exit(exit(id(), now))
	case 6:
		if p := tree.Lookup(IDOf(id())); p != nil {
			tree.Info(p)
			tree.AppendAncestors(nil, p)
		}
	case 7:
		tree.Advance(now)
	}
}

// inconsistency says what of the tree does not agree, "" if all does.
func inconsistency(t *Tree) string {
	if n := t.running.len + t.held.len + t.quiet.len; n != len(t.images)-1 || n > t.opts.Capacity {
		return "the queues do not hold the images"
	}
	kids := make(map[*Process]uint32)
	long := 0
	for id, p := range t.images {
		switch {
		case p.id != id || p.gone:
			return "an image is not where it should be"
		case p == t.kernel:
			continue
		case p.parent != nil && p.parent.gone:
			if p.parent.parent != nil {
				return "a node that is gone keeps its ancestors"
			}
		case p.counted != (p.held() && p.parent != nil):
			return "a node is counted wrongly"
		}
		switch {
		case p.ended && p.kids > 0 && p.queue != &t.held, p.ended && p.kids == 0 && p.queue != &t.quiet, !p.ended && p.queue != &t.running:
			return "a node is in the wrong queue"
		}
		if p.counted && !p.parent.gone {
			kids[p.parent]++
		}
		if p.long != nil {
			long += len(p.info.Arguments)
		}
	}
	for _, p := range t.images {
		if p.kids != kids[p] {
			return "a node has the wrong number of children"
		}
	}
	for id, p := range t.current {
		if p.id.PID != id || p.ended || t.images[p.id] != p {
			return "the running image of a process is wrong"
		}
	}
	if long != t.longBytes {
		return "long arguments are accounted wrongly"
	}
	return ""
}
