// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/executable/executabletest"
	"github.com/vedette-io/vedette/internal/kernel"
)

// attachCase is a hook with what an operation of the test does at it.
type attachCase struct {
	name string
	// entry is an entry of a policy on one path, with a rule that matches it.
	entry func(path string) string
	// ways are the attachments that the hook can have, the first on a kernel
	// that offers all.
	ways []Attachment
	// build makes the file and operate works with it as often as rules are
	// to match; nil stands for a text file that is opened and cut.
	build   func(testing.TB) string
	operate func(testing.TB, string)
}

// cuts is how often a file is opened and cut.
const cuts = executabletest.Calls

// buildText makes a file to cut.
func buildText(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "file")
	mustNil(tb, os.WriteFile(path, []byte("x"), 0o600))
	return path
}

// cutText opens and cuts a file.
func cutText(tb testing.TB, path string) {
	tb.Helper()
	for range cuts {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		mustNil(tb, err)
		mustNil(tb, f.Truncate(0))
		mustNil(tb, f.Close())
	}
}

// pathArg selects by the path of an argument.
func pathArg(index int, argType, path, actions string) string {
	return fmt.Sprintf(`    args: [{index: %d, type: %s}]
    selectors:
    - matchArgs: [{index: %d, operator: Equal, values: [%q]}]
      matchActions: [%s]
`, index, argType, index, path, actions)
}

var attachCases = []attachCase{
	{"fd_install", func(path string) string {
		return "  kprobes:\n  - call: fd_install\n    syscall: false\n" + pathArg(1, "file", path, "{action: Post}")
	}, []Attachment{AttachFentry, AttachKprobeMulti, AttachKprobe, AttachSysExit}, buildText, cutText},
	{"security_file_open", func(path string) string {
		return "  kprobes:\n  - call: security_file_open\n    syscall: false\n" + pathArg(0, "file", path, "{action: Post}")
	}, []Attachment{AttachFmodRet, AttachFentry, AttachKprobeMulti, AttachKprobe}, buildText, cutText},
	{"security_file_open with return", func(path string) string {
		return "  kprobes:\n  - call: security_file_open\n    syscall: false\n    return: true\n    returnArg: {index: 0, type: int}\n" +
			pathArg(0, "file", path, "{action: Post}")
	}, []Attachment{AttachFmodRet, AttachFentry, AttachKprobeMulti, AttachKprobe}, buildText, cutText},
	{"lsm file_open", func(path string) string {
		return "  lsmhooks:\n  - hook: file_open\n" + pathArg(0, "file", path, "{action: Post}")
	}, []Attachment{AttachLSM, AttachFmodRet}, buildText, cutText},
	{"sys_ftruncate with return", func(path string) string {
		return "  kprobes:\n  - call: sys_ftruncate\n    return: true\n    returnArg: {index: 0, type: int}\n" + pathArg(0, "fd", path, "{action: Post}")
	}, []Attachment{AttachFentry, AttachKprobeMulti, AttachKprobe, AttachSysEnter}, buildText, cutText},
	{"security_file_open by paths", func(path string) string {
		return "  kprobes:\n  - call: security_file_open\n    syscall: false\n" + openedByPath(path)
	}, []Attachment{AttachFmodRet, AttachFentry, AttachKprobeMulti, AttachKprobe}, buildText, cutText},
	{"security_bprm_check by paths", func(path string) string {
		return "  kprobes:\n" + executedByPath("file.f_path.dentry.d_name.name", "Equal", filepath.Base(path)) +
			// There is no interpreter: nothing is known of it, so that it matches nothing.
			executedByPath("interpreter.f_path.dentry.d_name.name", "NotEqual", "none")
	}, []Attachment{AttachFmodRet, AttachFentry, AttachKprobeMulti, AttachKprobe}, buildProgram, runOften},
	{"lsm file_open by paths", func(path string) string {
		return "  lsmhooks:\n  - hook: file_open\n" + openedByPath(path)
	}, []Attachment{AttachLSM, AttachFmodRet}, buildText, cutText},
	{"fd_install by types of the kernel", func(path string) string {
		return "  kprobes:\n  - call: fd_install\n    syscall: false\n    args: [{index: 1}, {index: 0}]\n    selectors:\n" +
			"    - matchArgs: [{index: 1, operator: Equal, values: [" + path + "]}, {index: 0, operator: GT, values: [\"2\"]}]\n"
	}, []Attachment{AttachFentry, AttachKprobeMulti, AttachKprobe, AttachSysExit}, buildText, cutText},
	{"sys_ftruncate with data", func(path string) string {
		return "  kprobes:\n  - call: sys_ftruncate\n    args: [{index: 0, type: fd}]\n    data: [" + selfData + "]\n    selectors:\n" +
			"    - matchArgs: [{index: 0, operator: Equal, values: [" + path + "]}]\n      matchData: [" + selfFilters() + "]\n"
	}, []Attachment{AttachFentry, AttachKprobeMulti, AttachKprobe, AttachSysEnter}, buildText, cutText},
	{"security_file_open with registers", func(path string) string {
		return "  kprobes:\n  - call: security_file_open\n    syscall: false\n    data: [{index: 0, source: pt_regs, resolve: rdi, type: file}]\n" +
			"    selectors:\n    - matchData: [{index: 0, operator: Equal, values: [" + path + "]}]\n"
	}, []Attachment{AttachKprobe}, buildText, cutText},
	{"uprobe with registers", func(path string) string {
		return "  uprobes:\n  - path: " + path + "\n    symbols: [greet]\n    data: [{index: 0, source: pt_regs, resolve: rsi, type: string}, " + selfComm + "]\n" +
			"    selectors: [{matchData: [{index: 0, operator: Equal, values: [" + executabletest.Text + "]}, {index: 1, operator: Equal, values: [program]}]}]\n"
	}, inProgram, buildProgram, runProgram},
	{"raw tracepoint", func(path string) string {
		return "  tracepoints:\n  - subsystem: raw_syscalls\n    event: sys_enter\n    raw: true\n    args: [{index: 1, type: int64}]\n" +
			fmt.Sprintf("    selectors:\n    - matchPIDs: [{operator: In, followForks: true, values: [%d]}]\n      matchArgs: [{index: 1, operator: Equal, values: [\"%d\"]}]\n",
				os.Getpid(), unix.SYS_FTRUNCATE)
	}, []Attachment{AttachBTFTracepoint, AttachRawTracepoint}, buildText, cutText},
	{"uprobe", func(path string) string {
		return "  uprobes:\n  - path: " + path + "\n    symbols: [greet]\n" + greetArgs
	}, inProgram, buildProgram, runProgram},
	{"uprobe with return", func(path string) string {
		return "  uprobes:\n  - path: " + path + "\n    symbols: [greet]\n    return: true\n    returnArg: {index: 0, type: int}\n" + greetArgs
	}, inProgram, buildProgram, runProgram},
	{"usdt", func(path string) string {
		return "  usdts:\n  - {path: " + path + ", provider: test, name: plain, args: [{index: 0, type: int}]}\n"
	}, inProgram, buildProgram, runProgram},
}

// openedByPath selects the opening of a file, in a directory that has its own
// name in the middle of its path, by paths through the types of the kernel.
func openedByPath(path string) string {
	return fmt.Sprintf(`    args:
    - {index: 0, type: string, resolve: f_path.dentry.d_name.name}
    - {index: 0, resolve: f_path}
    - {index: 0, type: string, resolve: f_inode.i_sb.s_type.name}
    - {index: 0, type: string, resolve: f_path.dentry.d_parent.d_name.name}
    - {index: 0, resolve: f_inode.i_nlink}
    selectors:
    - matchArgs:
      - {args: [0], operator: Equal, values: [%q]}
      - {args: [1], operator: Equal, values: [%q]}
      - {args: [2], operator: NotEqual, values: ["no file system"]}
      - {args: [3], operator: Equal, values: [%q]}
      - {args: [4], operator: Equal, values: ["1"]}
`, filepath.Base(path), path, filepath.Base(filepath.Dir(path)))
}

// executedByPath selects what the test executes by something of the file.
func executedByPath(resolve, operator, value string) string {
	return fmt.Sprintf(`  - call: security_bprm_check
    syscall: false
    args: [{index: 0, type: string, resolve: %s}, {index: 0, resolve: mm.owner.real_parent.comm}]
    selectors:
    - matchArgs: [{args: [0], operator: %s, values: [%q]}, {args: [1], operator: Equal, values: [%q]}]
`, resolve, operator, value, ownComm())
}

// ownComm is the name of the process that executes.
func ownComm() string {
	name, _ := os.ReadFile("/proc/self/comm")
	return strings.TrimSpace(string(name))
}

// runOften runs a program as often as rules are to match.
func runOften(tb testing.TB, path string) {
	tb.Helper()
	for range cuts {
		runProgram(tb, path)
	}
}

// selfComm is the name of the process as a datum, selfData are several that
// are known of the process of the test, and selfFilters what they are.
const (
	selfComm = "{index: 0, source: current_task, resolve: comm}"
	selfData = selfComm + ", {index: 0, source: current_task, resolve: tgid}, {index: 0, source: current_task, resolve: cred.uid.val}, " +
		"{index: 0, source: current_task, resolve: nsproxy.mnt_ns.ns.inum}"
)

func selfFilters() string {
	return fmt.Sprintf("{index: 0, operator: NotEqual, values: [nobody]}, {index: 1, operator: Equal, values: [%q]}, {index: 2, operator: Equal, values: [\"0\"]}, "+
		"{index: 3, operator: Equal, values: [%q]}", fmt.Sprint(os.Getpid()), mountNamespace())
}

// mountNamespace is the inode number of the process's mount namespace.
func mountNamespace() string {
	name, _ := os.Readlink("/proc/self/ns/mnt")
	return strings.TrimSuffix(strings.TrimPrefix(name, "mnt:["), "]")
}

// inProgram are the attachments to places in programs.
var inProgram = []Attachment{AttachUprobeMulti, AttachUprobe}

// greetArgs are the arguments of the program's function, with a rule that
// matches the text.
const greetArgs = "    args: [{index: 0, type: int}, {index: 1, type: string}]\n" +
	"    selectors: [{matchArgs: [{index: 1, operator: Equal, values: [" + executabletest.Text + "]}]}]\n"

func buildProgram(tb testing.TB) string {
	tb.Helper()
	return executabletest.Build(tb).Path
}

func runProgram(tb testing.TB, path string) {
	tb.Helper()
	mustNil(tb, exec.Command(path).Run())
}

// policyOf is a policy with one section.
func policyOf(section string) string {
	return "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: attach}\nspec:\n" + section
}

// isMissing reports whether an attachment failed for a feature that the
// kernel lacks, by name.
func isMissing(err error) bool { return errors.Is(err, kernel.ErrMissing) }

// TestAttachments attaches hooks in every way there is for them: each sees
// the same operations.
func TestAttachments(t *testing.T) {
	_, e := mustEngine(t, Options{})
	for _, c := range attachCases {
		for _, way := range c.ways {
			t.Run(c.name+"/"+string(way), func(t *testing.T) {
				path := c.build(t)
				c.mustCount(t, e, way, c.entry(path), path, Counters{Post: cuts})
			})
		}
	}
}

// mustCount attaches an entry of a policy in one way, and checks what its
// rules do during the operation. Where a kernel that preempts tasks in programs
// says that it skipped some meanwhile, the operation is made again.
func (c *attachCase) mustCount(t *testing.T, e *Engine, way Attachment, entry, path string, want Counters) {
	t.Helper()
	for range skipPatience {
		before := counter(t, e, "skipped")
		got := c.count(t, e, way, entry, path)
		if got == want {
			return
		}
		if !kernel.Offered().Preempts() || counter(t, e, "skipped") == before {
			t.Fatalf("%+v, want %+v", got, want)
		}
		t.Logf("%+v: the kernel skipped programs that were preempted", got)
	}
	t.Error("there was never an operation without a skipped program")
}

// count attaches an entry of a policy in one way, and returns what its rules
// do during the operation.
func (c *attachCase) count(t *testing.T, e *Engine, way Attachment, entry, path string) Counters {
	t.Helper()
	e.attach = []Attachment{way}
	plan := mustPlan(t, policyOf(entry))
	var loaded []Loaded
	err := e.Apply(plan, []string{"attach"}, func(l []Loaded) { loaded = l })
	if isMissing(err) {
		t.Skip(err)
	}
	mustLoad(t, err)
	defer func() {
		mustNil(t, e.Apply(mustPlan(t), nil, func([]Loaded) {}))
		e.Forget("attach")
	}()
	if loaded[0].Attachment != way {
		t.Fatalf("attached by %s", loaded[0].Attachment)
	}
	c.operate(t, path)
	counters, err := e.Counters()
	mustNil(t, err)
	var sum Counters
	for _, n := range counters {
		sum.Add(n)
	}
	return sum
}

// TestAttachToNothing names what is wrong with a function, also of a plan
// that was compiled without the kernel's types.
func TestAttachToNothing(t *testing.T) {
	_, e := mustEngine(t, Options{})
	for _, c := range []struct{ entry, want string }{
		{"  kprobes:\n  - call: security_file_opne\n    syscall: false\n", "security_file_open"},
		{"  kprobes:\n  - call: security_file_open\n    syscall: false\n    args: [{index: 4, type: int}]\n", "argument 4"},
		{"  lsmhooks:\n  - hook: file_opne\n", "file_open"},
	} {
		plan, err := compiled(t, nil, policyOf(c.entry))
		mustNil(t, err)
		err = e.Apply(plan, []string{"p"}, func([]Loaded) { t.Error("announced") })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.entry, err, c.want)
		}
	}
}
