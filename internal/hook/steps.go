// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"fmt"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
)

// steps are the ways to the values of slots that are found by a path.
type steps [bpf.ContractVdLimitVD_MAX_SLOTS]bpf.Steps

// slotSteps are the ways of a hook's slots.
func slotSteps(slots []compile.Slot) (steps, error) {
	var out steps
	for i, s := range slots {
		if s.Resolve == "" {
			continue
		}
		if s.Way == (compile.Way{}) && s.Register == (compile.Register{}) {
			return out, fmt.Errorf("the policies were compiled without the types of the kernel: the way of %q is not known", s.Resolve)
		}
		w := s.Way
		out[i] = bpf.Steps{Count: w.Derefs, Width: w.Width, Left: w.Left, Right: w.Right, Depth: w.Components, Offset: w.Offsets}
		if w.Signed {
			out[i].IsSigned = 1
		}
	}
	return out, nil
}
