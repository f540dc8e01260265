// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-io/vedette/internal/compile"
)

// TestLoaders checks which policies want events of mapped files, and of whom.
func TestLoaders(t *testing.T) {
	plan := mustCompile(t,
		mustParse(t, spec("hooks", "  kprobes:\n  - call: sys_read\n")),
		mustParse(t, spec("all", "  loader: true\n")),
		mustParse(t, spec("off", "  loader: false\n  kprobes:\n  - call: sys_read\n")),
		mustParse(t, spec("host", "  loader: true\n  hostSelector: {}\n")),
		mustParse(t, spec("everyone", "  podSelector: {}\n  containerSelector: {}\n  hostSelector: {}\n  loader: true\n  kprobes:\n  - call: sys_read\n")),
	)
	want := []compile.Loader{{Policy: 1}, {Policy: 3, HostOnly: true}, {Policy: 4}}
	if diff := cmp.Diff(want, plan.Loaders); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(plan.Hooks) != 1 || len(plan.Hooks[0].Groups) != 3 {
		t.Errorf("hooks of the other sections: %+v", plan.Hooks)
	}
}
