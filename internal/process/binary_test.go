// SPDX-License-Identifier: Apache-2.0

package process

import (
	"slices"
	"testing"

	"github.com/vedette-io/vedette/bpf"
)

// TestBinaries follows a lineage of forks and execs, also where its first images have ended.
func TestBinaries(t *testing.T) {
	tree := newTree(nil)
	shell, forked, tool, next := pid(10, 7), pid(20, 8), pid(30, 8), pid(40, 8)
	sh := exec(pid(0, 0), shell, "sh")
	sh.Exe = []byte("/usr/bin/dash")
	mustExec(t, tree, sh)
	tree.Fork(fork(shell, forked))
	mustExec(t, tree, exec(shell, tool, "/bin/tool"))
	cut := exec(tool, next, "/very/long")
	cut.Flags |= uint32(bpf.ContractVdExecFlagsVD_EXEC_EXE_TRUNCATED)
	mustExec(t, tree, cut)
	tree.Exit(exit(shell, 50))
	for id, want := range map[bpf.ProcessID][]string{
		shell:         {"/usr/bin/dash", ""},
		forked:        {"/usr/bin/dash", "/usr/bin/dash", ""},
		tool:          {"/bin/tool", "/usr/bin/dash", ""},
		next:          nil,
		pid(99, 9):    nil,
		pid(12345, 0): {""},
	} {
		if got := tree.AppendBinaries(nil, IDOf(id)); !slices.Equal(got, want) {
			t.Errorf("binaries of %+v: %q, want %q", id, got, want)
		}
	}
}
