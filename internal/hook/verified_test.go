// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/executable"
	"github.com/vedette-io/vedette/internal/executable/executabletest"
)

// mustVerified is a plan with a uprobe of which the file was verified.
func mustVerified(tb testing.TB, path string, stamp executable.Stamp) *compile.Plan {
	tb.Helper()
	plan := mustPlan(tb, policyOf("  uprobes: [{path: "+path+", symbols: [greet]}]\n"))
	plan.Hooks[0].Groups[0].Verified = &stamp
	return plan
}

// TestVerifiedFile checks that a probe goes into the very file whose digest
// was verified, whatever happens to it in between.
func TestVerifiedFile(t *testing.T) {
	_, e := mustEngine(t, Options{})
	path := executabletest.Build(t).Path
	stampOf := func() executable.Stamp {
		f, err := executable.Open(path)
		mustNil(t, err)
		defer func() { mustNil(t, f.Close()) }()
		s, err := f.Stamp()
		mustNil(t, err)
		return s
	}
	apply := func(stamp executable.Stamp) error {
		return e.Apply(mustVerified(t, path, stamp), []string{"p"}, func([]Loaded) {})
	}
	time.Sleep(20 * time.Millisecond) // the clock of files has gone on
	old := stampOf()
	mustNil(t, os.Chmod(path, 0o700))
	if err := apply(old); err == nil || !strings.Contains(err.Error(), "has been changed since its digest was verified") {
		t.Errorf("changed: %v", err)
	}
	program, err := os.ReadFile(path)
	mustNil(t, err)
	mustNil(t, os.Remove(path))
	mustNil(t, os.WriteFile(path, program, 0o755))
	if err := apply(old); err == nil || !strings.Contains(err.Error(), "not the one whose digest was verified") {
		t.Errorf("replaced: %v", err)
	}
	now := stampOf()
	mustLoad(t, apply(now))
	// A policy that joins a hook in force must mean the file that this is in.
	mustNil(t, os.Chmod(path, 0o711))
	mustLoad(t, apply(now))
	mustNil(t, os.Remove(path))
	mustNil(t, os.WriteFile(path, program, 0o755))
	if err := apply(stampOf()); err == nil || !strings.Contains(err.Error(), "not the one whose digest was verified") {
		t.Errorf("another file than that of the hook: %v", err)
	}
}
