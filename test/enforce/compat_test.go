// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package enforce

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/hook"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/test/compat"
)

// compatOpenat is the number of openat for 32-bit programs.
const compatOpenat = 295

// TestOverrideCompat overrides a 32-bit call, by which a program gets around a
// policy on the call of x86-64: nothing is created, and nothing else refused.
func TestOverrideCompat(t *testing.T) {
	for name, way := range map[string][]hook.Attachment{
		"best": nil, "fentry": {hook.AttachFentry}, "kprobe": {hook.AttachKprobe}, "sys_enter": {hook.AttachSysEnter},
	} {
		t.Run(name, func(t *testing.T) {
			k := mustStart(t, way...)
			// Of both tables, to see that each has its own verdict.
			loaded, err := k.apply(overrideOf("openat", 1) + strings.ReplaceAll(strings.TrimPrefix(overrideOf("openat", os.Getpid()), "  kprobes:\n"), "sys_openat", "__ia32_sys_openat"))
			if errors.Is(err, kernel.ErrMissing) || lacksHook("openat", err) {
				t.Skip(err)
			}
			mustNil(t, err)
			m, err := compat.NewMemory()
			mustNil(t, err)
			defer func() { mustNil(t, m.Close()) }()
			path := filepath.Join(t.TempDir(), "file")
			before := k.counters()
			if _, err := compat.Call(compatOpenat, 0, m.PutString(path), unix.O_CREAT|unix.O_WRONLY, 0o600); err != refused {
				t.Errorf("by %s: the caller sees %v, want %v", loaded[0].Attachment, err, refused)
			}
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Errorf("by %s: the file is there: %v", loaded[0].Attachment, err)
			}
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Errorf("by %s: the call of the other table fails: %v", loaded[0].Attachment, err)
			}
			if n := k.counters().Override - before.Override; n != 1 {
				t.Errorf("%d overrides counted", n)
			}
			k.mustLift(t)
		})
	}
}

// TestOverrideCompatWithoutHook asks for what no security hook can refuse.
func TestOverrideCompatWithoutHook(t *testing.T) {
	k := mustStart(t, hook.AttachSysEnter)
	policy := fmt.Sprintf("  kprobes:\n  - call: __ia32_sys_socketcall\n    selectors: [{matchActions: [{action: Override, argError: -%d}]}]\n", refused)
	if _, err := k.apply(policy); err == nil || !contains(err, "passes no security hook") {
		t.Errorf("an override of socketcall: %v", err)
	}
}
