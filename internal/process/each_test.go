// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"
	"slices"
	"testing"

	"github.com/vedette-io/vedette/bpf"
)

func TestEach(t *testing.T) {
	tree := newTree(nil)
	parent, child := pid(10, 1), pid(20, 2)
	mustExec(t, tree, exec(pid(1, 0), parent, "/bin/parent"))
	tree.Fork(fork(parent, child))
	states := func() []string {
		var out []string
		tree.Each(func(s Snapshot) {
			out = append(out, fmt.Sprintf("%d %s %t %t %d", s.Info.PID, s.Info.Binary, s.Running, s.Held, s.References))
		})
		slices.Sort(out)
		return out
	}
	if got := states(); !slices.Equal(got, []string{"1 /bin/parent true false 2", "2 /bin/parent true false 1"}) {
		t.Errorf("images %q", got)
	}
	tree.Exit(&bpf.Exit{Process: parent})
	if got := states(); !slices.Equal(got, []string{"1 /bin/parent false true 1", "2 /bin/parent true false 1"}) {
		t.Errorf("after the exit of the parent: %q", got)
	}
	tree.Exit(&bpf.Exit{Process: child})
	if got := states(); !slices.Equal(got, []string{"1 /bin/parent false false 0", "2 /bin/parent false false 0"}) {
		t.Errorf("after both exits: %q", got)
	}
}
