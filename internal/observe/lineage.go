// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/process"
)

// Binaries returns the resolved paths of the binaries of an image and of those that it comes from,
// its own first, as far as they are known; see [process.Tree.AppendBinaries].
func (o *Observer) Binaries(id bpf.ProcessID) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.opts.Tree.AppendBinaries(nil, process.IDOf(id))
}
