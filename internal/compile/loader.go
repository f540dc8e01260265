// SPDX-License-Identifier: Apache-2.0

package compile

import "slices"

// Loader is a policy that wants an event of each file that a process maps to
// execute it.
type Loader struct {
	Policy int // index into Input.Policies
	// HostOnly says that it is only about processes that are in no container.
	HostOnly bool
}

// loader understands spec.loader, nil where that is not set.
func (f *frontend) loader() *Loader {
	if !f.policy.Spec.Loader {
		return nil
	}
	return &Loader{Policy: f.index, HostOnly: slices.ContainsFunc(f.scope, func(c condition) bool { return c.source == SourceWorkload })}
}
