// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package enforce

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/hook"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/syscalls"
	"github.com/vedette-io/vedette/test/calls"
)

// refused is an errno that none of the calls returns by itself.
const refused = unix.EXFULL

// overrideOf is a policy that overrides one system call of one process.
func overrideOf(call string, pid int) string {
	return fmt.Sprintf(`  kprobes:
  - call: sys_%s
    selectors:
    - matchPIDs: [{operator: In, values: [%d]}]
      matchActions: [{action: Override, argError: -%d}]
`, call, pid, refused)
}

// usual are the calls that are tried without VEDETTE_LONG, which tries all.
var usual = map[string]bool{
	"open": true, "openat": true, "openat2": true, "execve": true, "execveat": true, "mkdir": true, "unlink": true,
	"rename": true, "link": true, "symlink": true, "mount": true, "connect": true, "bind": true, "ptrace": true,
	"bpf": true, "kill": true, "setuid": true,
}

// TestOverride overrides every system call that can be refused: the caller
// sees the errno, and the effect is not there. Verdicts are taken at the best
// attachment of the kernel, at the best but one, and at the one that every
// kernel has.
func TestOverride(t *testing.T) {
	long := os.Getenv("VEDETTE_LONG") != ""
	for name, way := range map[string][]hook.Attachment{
		"best": nil, "fentry": {hook.AttachFentry}, "kprobe": {hook.AttachKprobe}, "sys_enter": {hook.AttachSysEnter},
	} {
		t.Run(name, func(t *testing.T) {
			k := mustStart(t, way...)
			for _, call := range calls.All() {
				// Where the verdict is taken is the same for all calls: one shows it.
				if !long && (!usual[call.Name] || way != nil && call.Name != "openat") {
					continue
				}
				t.Run(call.Name, func(t *testing.T) {
					for _, v := range call.Variants {
						t.Run(v.Name, func(t *testing.T) { k.mustOverride(t, call.Name, v) })
					}
					k.mustLift(t)
				})
			}
		})
	}
}

func (k *kernelSide) mustOverride(t *testing.T, call string, v calls.Variant) {
	t.Helper()
	attempt := v.Start(t)
	loaded, err := k.apply(overrideOf(call, attempt.Process))
	if errors.Is(err, kernel.ErrMissing) || lacksHook(call, err) {
		t.Skip(err)
	}
	mustNil(t, err)
	before := k.counters()
	errno := attempt.Run()
	if errno == unix.ENOSYS {
		t.Skip("this kernel has no such system call")
	}
	if errno != refused {
		t.Errorf("by %s: the caller sees %v, want %v", loaded[0].Attachment, errno, refused)
	}
	if attempt.Done() {
		t.Errorf("by %s: the effect is seen", loaded[0].Attachment)
	}
	if n := k.counters().Override - before.Override; n < 1 {
		t.Errorf("%d overrides counted", n)
	}
}

// lacksHook reports whether a call could not be overridden because the
// kernel lacks one of the security hooks that refuse it.
func lacksHook(call string, err error) bool {
	if err == nil {
		return false
	}
	refusal, ok := syscalls.SecurityHooks(call)
	if !ok {
		return false
	}
	_, missing := refusal.On(func(function string) bool {
		_, err := kernel.Offered().Function(function)
		return err == nil
	})
	return missing != nil
}

// TestOverrideWithoutHook asks for what cannot be done on stock kernels: the
// policy is refused with the reason.
func TestOverrideWithoutHook(t *testing.T) {
	k := mustStart(t)
	if kernel.Offered().CheckFmodRet("__x64_sys_getpid") == nil {
		t.Skip("this kernel lets the result of every system call be replaced")
	}
	_, err := k.apply(overrideOf("getpid", 1))
	if err == nil {
		t.Fatal("an override of getpid is accepted")
	}
	if kernel.Offered().Check(kernel.FeatureFmodRet) == nil && !contains(err, "passes no security hook") {
		t.Errorf("refused with %v", err)
	}
}
