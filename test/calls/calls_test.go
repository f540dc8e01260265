// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/syscalls"
)

// The calls with variants are those that can be refused.
func TestEveryRefusableCall(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, call := range All() {
		if seen[call.Name] {
			t.Errorf("%s: twice", call.Name)
		}
		seen[call.Name] = true
		if _, ok := syscalls.SecurityHooks(call.Name); !ok {
			t.Errorf("%s: cannot be refused", call.Name)
		}
		for i, variant := range call.Variants {
			if slices.ContainsFunc(call.Variants[:i], func(v Variant) bool { return v.Name == variant.Name }) {
				t.Errorf("%s: two variants %q", call.Name, variant.Name)
			}
		}
	}
	for _, call := range syscalls.RefusableCalls() {
		if !seen[call] {
			t.Errorf("%s: can be refused, but nothing proves it", call)
		}
	}
}

// Without a refusal each variant has its effect, so that the tests that see none can fail.
func TestUnrefused(t *testing.T) {
	mustBeRoot(t)
	for _, call := range All() {
		for _, variant := range call.Variants {
			t.Run(call.Name+"/"+variant.Name, func(t *testing.T) {
				mustHaveEffect(t, variant)
			})
		}
	}
}

// mustHaveEffect runs the variant once, unrefused.
func mustHaveEffect(t *testing.T, variant Variant) {
	t.Helper()
	mustBeOurs(t, variant)
	attempt := variant.Start(t)
	if variant.Fails == 0 && attempt.Done() {
		t.Fatal("the effect is seen before the call")
	}
	errno := attempt.Run()
	if errno == unix.ENOSYS {
		t.Skip("this kernel has no such system call")
	}
	if errno != variant.Fails {
		t.Fatalf("got %v, want %v", errno, variant.Fails)
	}
	if variant.Fails == 0 && !eventually(attempt.Done) {
		t.Error("no effect is seen")
	}
}

// machineTests is the variable that says that the machine is there for the test: set it in guests.
const machineTests = "VEDETTE_MACHINE_TESTS"

// mustBeOurs skips a variant that would change a machine that others use.
func mustBeOurs(tb testing.TB, variant Variant) {
	tb.Helper()
	if variant.Machine && os.Getenv(machineTests) == "" {
		tb.Skipf("changes the machine: needs %s=1, in a guest", machineTests)
	}
}

func mustBeRoot(tb testing.TB) {
	tb.Helper()
	if testing.Short() || os.Getuid() != 0 {
		tb.Skip("needs root")
	}
}
