// SPDX-License-Identifier: Apache-2.0

package process

import (
	"unique"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/record"
)

// executable is the resolved path of an image's binary. Nodes of the same binary share it. The zero
// value is a path that is not known.
type executable struct {
	path unique.Handle[string]
}

func (e executable) known() bool { return e != executable{} }

// executableOf is the binary that a record tells; a path that was cut is none.
func executableOf(e *record.Exec) executable {
	if e.Flags&uint32(bpf.ContractVdExecFlagsVD_EXEC_EXE_TRUNCATED) != 0 {
		return executable{}
	}
	return executable{unique.Make(string(e.Exe))}
}

// AppendBinaries appends the resolved paths of the binaries of an image and of those that it comes
// from, its own first, [MaxAncestors] at most. Kernel threads have the path "". It ends where a path
// is not known: nothing is appended for an image that is not in the tree.
func (t *Tree) AppendBinaries(dst []string, id ID) []string {
	p := t.images[id]
	for range MaxAncestors {
		if p == nil || !p.exe.known() {
			break
		}
		dst = append(dst, p.exe.path.Value())
		p = t.Parent(p)
	}
	return dst
}
