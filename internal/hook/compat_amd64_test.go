// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/syscalls"
	"github.com/vedette-io/vedette/test/compat"
)

const (
	compatFtruncate = 93
	compatCreat     = 8 // that of lseek on x86-64
)

func init() {
	attachCases = append(attachCases, attachCase{"32-bit ftruncate with return", func(path string) string {
		return "  kprobes:\n  - call: __ia32_sys_ftruncate\n    return: true\n    returnArg: {index: 0, type: int}\n" + pathArg(0, "fd", path, "{action: Post}")
	}, []Attachment{AttachFentry, AttachKprobeMulti, AttachKprobe, AttachSysEnter}, buildText, cutCompatText})
}

// cutCompatText opens a file and cuts it by 32-bit calls.
func cutCompatText(tb testing.TB, path string) {
	tb.Helper()
	for range cuts {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		mustNil(tb, err)
		_, err = compat.Call(compatFtruncate, uint64(f.Fd()), 0)
		mustNil(tb, err)
		mustNil(tb, f.Truncate(0))
		mustNil(tb, f.Close())
	}
}

// TestCompatAtSysEnter hooks a call of each table by the tracepoint of all
// calls: neither sees a call of the other with its number, and a call that no
// hook sees is counted only while 32-bit calls are not told apart.
func TestCompatAtSysEnter(t *testing.T) {
	base, e := mustEngine(t, Options{})
	native := policyOf("  kprobes:\n  - call: sys_lseek\n    args: [{index: 1, type: int32}]\n    selectors: [{matchArgs: [{index: 1, operator: Equal, values: [\"4242\"]}]}]\n")
	both := policyOf("  kprobes:\n  - call: list:both\n    args: [{index: 1, type: int32}]\n    selectors: [{matchArgs: [{index: 1, operator: Equal, values: [\"4242\"]}]}]\n" +
		"  lists: [{name: both, type: syscalls, values: [sys_lseek, i386/sys_ftruncate]}]\n")
	tp := mustTape(t, base)
	act := func() (phases string, missed uint64) {
		before := counter(t, e, "compat_syscall")
		_, _ = unix.Seek(-1, 4242, 0)
		_, _ = compat.Call(compatFtruncate, ^uint64(0), 4242)
		_, _ = compat.Call(compatCreat, 0, 4242)
		return tp.phases(), counter(t, e, "compat_syscall") - before
	}
	for _, step := range []struct {
		policy, phases string
		counted        bool
	}{{native, "entry", true}, {both, "entry entry", false}, {native, "entry", true}} {
		t.Run(step.phases, func(t *testing.T) {
			tryWay(t, e, AttachSysEnter, step.policy)
			if phases, missed := act(); phases != step.phases || (missed != 0) != step.counted {
				t.Errorf("records %q, %d calls counted as not seen, want %q", phases, missed, step.phases)
			}
		})
	}
}

// TestCompatFunctions looks up the functions of 32-bit calls that every
// kernel has.
func TestCompatFunctions(t *testing.T) {
	_, e := mustEngine(t, Options{})
	if err := e.checkCompat(); err != nil {
		t.Skip(err)
	}
	// What kernels no longer have, have not yet, or never had beyond the number.
	none := []string{"_sysctl", "afs_syscall", "bdflush", "break", "create_module", "ftime", "get_kernel_syms", "getpmsg", "gtty", "idle", "lock",
		"lookup_dcookie", "mpx", "nfsservctl", "prof", "profil", "putpmsg", "query_module", "stty", "ulimit", "vserver"}
	for _, call := range syscalls.Names("i386") {
		number, _ := syscalls.Number("i386", call)
		if slices.Contains(none, call) || number > firstRecent {
			continue
		}
		function := e.compatWrapperOf(call)
		if has, err := kernel.Offered().HasSymbol(function); err == nil && !has {
			t.Errorf("%s: the kernel has no %s", call, function)
		}
	}
}

// firstRecent is the number of the last 32-bit call that Linux 5.10 has.
const firstRecent = 440
