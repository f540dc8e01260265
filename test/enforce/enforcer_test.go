// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package enforce

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/test/calls"
)

// notifies is a policy whose enforcer acts at calls, of which one process
// makes the system call.
func notifies(enforced, call, action string, pid int) string {
	return fmt.Sprintf(`  enforcers: [{calls: [%s]}]
  lists: [{name: noted, type: syscalls, values: [sys_%s]}]
  tracepoints:
  - subsystem: raw_syscalls
    event: sys_enter
    raw: true
    args: [{index: 1, type: syscall64}]
    selectors:
    - matchPIDs: [{operator: In, values: [%d]}]
      matchArgs: [{index: 1, operator: InMap, values: ["list:noted"]}]
      matchActions: [{action: NotifyEnforcer, %s}]
`, enforced, call, pid, action)
}

// TestNotifyEnforcer refuses calls by what the tracepoint of all calls has
// noted: the caller sees the error, and the effect is not there.
func TestNotifyEnforcer(t *testing.T) {
	k := mustStart(t)
	for _, c := range []struct{ call, enforced string }{
		{"mkdir", "sys_mkdir"}, {"openat", "sys_openat"}, {"bind", "sys_bind"}, {"unlink", "sys_rename, sys_unlink"},
		{"mkdir", "security_inode_mkdir"}, {"bind", "security_socket_bind"},
	} {
		t.Run(c.enforced, func(t *testing.T) {
			attempt := callNamed(t, c.call).Variants[0].Start(t)
			_, err := k.apply(notifies(c.enforced, c.call, fmt.Sprintf("argError: -%d", refused), attempt.Process))
			if errors.Is(err, kernel.ErrMissing) {
				t.Skip(err)
			}
			mustNil(t, err)
			before := k.counters()
			if errno := attempt.Run(); errno != refused {
				t.Errorf("the caller sees %v, want %v", errno, refused)
			}
			if attempt.Done() {
				t.Error("the effect is seen")
			}
			if n := k.counters().Notify - before.Notify; n != 1 {
				t.Errorf("%d notifications counted, want 1", n)
			}
			if n := k.missed(); n != 0 {
				t.Errorf("%d notifications missed", n)
			}
			k.mustLift(t)
		})
	}
}

func callNamed(tb testing.TB, name string) calls.Call {
	tb.Helper()
	for _, c := range calls.All() {
		if c.Name == name {
			return c
		}
	}
	tb.Fatalf("no call %s", name)
	return calls.Call{}
}

// missed is how many notifications no enforcer carried out.
func (k *kernelSide) missed() uint64 {
	k.tb.Helper()
	all, err := k.engine.KernelCounters()
	mustNil(k.tb, err)
	for _, c := range all {
		if c.Name == "notice_missed" {
			return c.Count
		}
	}
	k.tb.Fatal("no counter of missed notifications")
	return 0
}

// TestEnforcerAnyCall gives an error to a call that passes no security hook,
// or says which call that is where the kernel cannot.
func TestEnforcerAnyCall(t *testing.T) {
	k := mustStart(t)
	_, err := k.apply(notifies("sys_getppid", "getppid", "argError: -17", unix.Getpid()))
	replaces := kernel.Offered().CheckFmodRet("__x64_sys_getppid") == nil
	switch {
	case replaces && err != nil:
		t.Fatal(err)
	case !replaces && (err == nil || !contains(err, "enforcer: getppid: cannot replace the result")):
		t.Fatalf("error %v", err)
	case replaces:
		if _, _, errno := unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0); errno != unix.EEXIST {
			t.Errorf("the caller sees %v", errno)
		}
	}
}

// TestEnforcerSignals kills at a security function, and counts what no call
// has carried out.
func TestEnforcerSignals(t *testing.T) {
	k := mustStart(t)
	dir := t.TempDir()
	binary, err := filepath.EvalSymlinks(mustMkdir(t))
	mustNil(t, err)
	notified := func(enforced string) string {
		return notifies(enforced, "mkdir", "argSig: 9", 1)
	}
	spec := func(enforced string) string {
		return notified(enforced) + `    - matchBinaries: [{operator: In, values: [` + binary + `]}]
      matchArgs: [{index: 1, operator: InMap, values: ["list:noted"]}]
      matchActions: [{action: NotifyEnforcer, argSig: 9}]
`
	}
	k.mustApply(t, spec("sys_chroot"))
	mustNil(t, exec.Command(mustMkdir(t), dir+"/a").Run())
	if n := k.missed(); n != 1 {
		t.Errorf("%d notifications missed, want 1", n)
	}
	k.mustApply(t, spec("security_inode_mkdir"))
	err = exec.Command(mustMkdir(t), dir+"/b").Run()
	if err == nil || err.Error() != "signal: killed" {
		t.Errorf("the process ended with %v", err)
	}
	if unix.Access(dir+"/b", unix.F_OK) == nil {
		t.Error("the effect is seen")
	}
	k.mustLift(t)
	mustNil(t, exec.Command(mustMkdir(t), dir+"/c").Run())
}

// mustMkdir finds a program that makes a directory by one call.
func mustMkdir(tb testing.TB) string {
	tb.Helper()
	path, err := exec.LookPath("mkdir")
	mustNil(tb, err)
	return path
}
