// SPDX-License-Identifier: Apache-2.0

package syscalls

import (
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestSecurityHooks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		call  string
		hooks []SecurityHook
	}{
		{"openat", []SecurityHook{"file_alloc_security"}},
		{"unlinkat", []SecurityHook{"inode_unlink", "inode_rmdir"}},
		{"umount", []SecurityHook{"sb_umount"}}, // an alias
		{"newstat", []SecurityHook{"inode_getattr"}},
	} {
		refusal, ok := SecurityHooks(test.call)
		if !ok || !slices.Equal(refusal.Hooks, test.hooks) {
			t.Errorf("SecurityHooks(%q): got %v, %v, want %v", test.call, refusal.Hooks, ok, test.hooks)
		}
	}
	for _, call := range []string{"getpid", "nanosleep", "close", "dup", "sys_openat", ""} {
		if refusal, ok := SecurityHooks(call); ok {
			t.Errorf("SecurityHooks(%q): got %v, want none", call, refusal)
		}
	}
}

// Each call stands in one row, under a name that the table of x64 knows.
func TestRefusalTable(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, row := range refusalTable {
		if len(row.Hooks) == 0 {
			t.Errorf("%s: no hook", row.calls)
		}
		for call := range strings.FieldsSeq(row.calls) {
			if seen[call] {
				t.Errorf("%s: two rows", call)
			}
			seen[call] = true
			if _, ok := Number("x64", call); !ok {
				t.Errorf("%s: no such call", call)
			}
			if _, ok := aliases[call]; ok {
				t.Errorf("%s: an alias", call)
			}
		}
	}
	if got := RefusableCalls(); len(got) != len(seen) || !slices.IsSorted(got) {
		t.Errorf("RefusableCalls: %d calls, want %d, sorted", len(got), len(seen))
	}
	all := AllSecurityHooks()
	for hook := range securityFunctions {
		if !slices.Contains(all, hook) {
			t.Errorf("securityFunctions: no refusal uses %s", hook)
		}
	}
	for hook := range needs {
		if !slices.Contains(all, hook) {
			t.Errorf("needs: no refusal uses %s", hook)
		}
	}
}

func TestRefusalOn(t *testing.T) {
	t.Parallel()
	lacks := func(functions ...string) func(string) bool {
		return func(function string) bool { return !slices.Contains(functions, function) }
	}
	setxattr, _ := SecurityHooks("setxattr")
	for _, test := range []struct {
		has  func(string) bool
		want []SecurityHook
	}{
		{lacks(), []SecurityHook{"inode_setxattr", "inode_set_acl"}},
		{lacks("security_inode_set_acl"), []SecurityHook{"inode_setxattr"}},
	} {
		if got, err := setxattr.On(test.has); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("On: got %v, %v, want %v", got, err, test.want)
		}
	}
	setgroups, _ := SecurityHooks("setgroups")
	_, err := setgroups.On(lacks("security_task_fix_setgroups"))
	if want := "this kernel lacks security_task_fix_setgroups (since Linux 6.0)"; err == nil || err.Error() != want {
		t.Errorf("On: got error %v, want %s", err, want)
	}
	open, _ := SecurityHooks("open")
	if _, err := open.On(lacks("security_file_alloc")); err == nil {
		t.Error("On: a kernel without security_file_alloc is taken")
	}
}

func TestRefusalCanReturn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		call  string
		errno syscall.Errno
		want  bool
	}{
		{"prctl", syscall.EPERM, true}, {"prctl", syscall.ENOSYS, false}, {"openat", syscall.ENOSYS, true},
		{"openat", 0, false}, {"openat", 4095, true}, {"openat", 4096, false},
	} {
		refusal, _ := SecurityHooks(test.call)
		if got := refusal.CanReturn(test.errno); got != test.want {
			t.Errorf("%s: CanReturn(%d): got %v", test.call, test.errno, got)
		}
	}
}

func TestSecurityHookOf(t *testing.T) {
	for _, hook := range AllSecurityHooks() {
		if got, ok := SecurityHookOf(hook.Function()); !ok || got != hook {
			t.Errorf("%s is called by %s, of which the hook is %s, %v", hook, hook.Function(), got, ok)
		}
	}
	if hook, ok := SecurityHookOf("vfs_read"); ok {
		t.Errorf("vfs_read has the hook %s", hook)
	}
}
