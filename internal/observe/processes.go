// SPDX-License-Identifier: Apache-2.0

package observe

import "github.com/vedette-io/vedette/internal/process"

// EachProcess visits the images of the process tree, see [process.Tree.Each]. Events wait meanwhile, so visit must
// be quick, and it must not call the observer.
func (o *Observer) EachProcess(visit func(process.Snapshot)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opts.Tree.Each(visit)
}
