// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package enforce

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/hook"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/test/lab"
)

// compatFtruncate is the number of ftruncate for 32-bit programs.
const compatFtruncate = 93

// compatPolicy overrides the 32-bit ftruncate of a program, and for nobody that
// of x86-64.
const compatPolicy = `  kprobes:
  - call: __ia32_sys_ftruncate
    selectors:
    - matchBinaries: [{operator: In, values: [%q]}]
      matchActions: [{action: Override, argError: -%d}]
  - call: sys_ftruncate
    selectors:
    - matchPIDs: [{operator: In, values: [1]}]
      matchActions: [{action: Override, argError: -%[2]d}]
`

// TestOverrideCompat overrides a 32-bit call, by which a program gets around a
// policy on the call of x86-64: nothing is cut, and nothing else refused.
func TestOverrideCompat(t *testing.T) {
	deed := lab.Deed(t)
	for name, way := range map[string][]hook.Attachment{
		"best": nil, "fentry": {hook.AttachFentry}, "kprobe": {hook.AttachKprobe}, "sys_enter": {hook.AttachSysEnter},
	} {
		t.Run(name, func(t *testing.T) {
			k := mustStart(t, way...)
			loaded, err := k.apply(fmt.Sprintf(compatPolicy, deed, refused))
			if errors.Is(err, kernel.ErrMissing) || lacksHook("ftruncate", err) {
				t.Skip(err)
			}
			mustNil(t, err)
			path := filepath.Join(t.TempDir(), "file")
			mustNil(t, os.WriteFile(path, []byte("content"), 0o600))
			before := k.counters()
			for _, step := range []struct {
				call, result string
				left         int64
			}{
				{fmt.Sprint("i386/", compatFtruncate), unix.ErrnoName(refused), 7},
				{fmt.Sprint(unix.SYS_FTRUNCATE), "0", 0},
			} {
				open := []string{fmt.Sprint(unix.SYS_OPEN), "=" + path, fmt.Sprint(unix.O_RDWR), ",", step.call, "@0", "0"}
				out, err := exec.Command(deed, open...).Output()
				mustNil(t, err)
				if got := strings.TrimSpace(string(out)); got != step.result {
					t.Errorf("by %s: call %s returns %s, want %s", loaded[0].Attachment, step.call, got, step.result)
				}
				info, err := os.Stat(path)
				mustNil(t, err)
				if info.Size() != step.left {
					t.Errorf("by %s: call %s leaves %d bytes", loaded[0].Attachment, step.call, info.Size())
				}
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
