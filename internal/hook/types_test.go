// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
)

// TestWhatTheKernelKnows compiles policies that are wrong about the running
// kernel: the error has the place, and what would be right.
func TestWhatTheKernelKnows(t *testing.T) {
	mustRoot(t)
	for _, c := range []struct{ entry, want string }{
		{"  kprobes:\n  - call: security_file_opne\n    syscall: false\n", "policy0:6:11: function \"security_file_opne\": the kernel has no such function; did you mean security_file_open"},
		{"  kprobes:\n  - call: vfs_read\n    syscall: false\n    args: [{index: 5, type: int}]\n",
			"policy0:8:20: there is no argument 5 (counted from 0): ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)"},
		{"  kprobes:\n  - call: vfs_read\n    syscall: false\n    args: [{index: 0, resolve: f_path.dnetry}]\n", "struct path has no member \"dnetry\"; did you mean dentry?: ssize_t vfs_read("},
		{"  lsmhooks:\n  - hook: file_opne\n", "policy0:6:11: LSM hook \"file_opne\": the kernel has no such LSM hook; did you mean file_open"},
		{"  tracepoints:\n  - {subsystem: sched, event: sched_process_exce, raw: true}\n", "policy0:6:31: raw tracepoint \"sched_process_exce\": no such tracepoint"},
		{"  tracepoints:\n  - {subsystem: sched, event: sched_process_exec, raw: true, args: [{index: 3, type: int}]}\n",
			"there is no argument 3 (counted from 0): void sched_process_exec(struct task_struct *"},
		{"  kprobes:\n  - call: sys_read\n    data: [{index: 0, source: current_task, resolve: cred.uid}]\n", "cred.uid is kuid_t, for which auto has no type: give one, or go on to one of its members"},
	} {
		_, err := compiled(t, TypesOf(kernel.Offered(), nil), policyOf(c.entry))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.entry, err, c.want)
		}
	}
}

// TestCallsOfTracefs describes a call that the table does not have.
func TestCallsOfTracefs(t *testing.T) {
	mustRoot(t)
	tracefs, err := kernel.OpenTracefs()
	mustNil(t, err)
	defer func() { mustNil(t, tracefs.Close()) }()
	for name, want := range map[string]string{
		"lseek":     "long lseek(unsigned int fd, off_t offset, unsigned int whence)",
		"uname":     "long uname(struct new_utsname *name)",
		"getppid":   "long getppid(void)",
		"umount2":   "long umount2(char *name, int flags)",
		"capset":    "long capset(cap_user_header_t header, const cap_user_data_t data)",
		"epoll_ctl": "long epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)",
	} {
		p, err := TypesOf(kernel.Offered(), tracefs).Prototype(compile.HookKey{Kind: compile.HookSyscall, Name: name})
		if err != nil || p.Text != want {
			t.Errorf("%s: %+v, %v; want %s", name, p, err, want)
		}
	}
}

// TestWithoutTypes refuses a plan whose paths nobody has gone.
func TestWithoutTypes(t *testing.T) {
	plan, err := compiled(t, nil, policyOf("  kprobes:\n  - call: sys_read\n    data: [{index: 0, type: string, source: current_task, resolve: comm}]\n"))
	mustNil(t, err)
	if _, err := slotSteps(plan.Hooks[0].Slots); err == nil || !strings.Contains(err.Error(), "compiled without the types") {
		t.Error(err)
	}
}

// TestNoRegisters refuses registers where there are none.
func TestNoRegisters(t *testing.T) {
	_, e := mustEngine(t, Options{})
	plan := mustPlan(t, policyOf("  kprobes:\n  - call: sys_lseek\n    data: [{index: 0, source: pt_regs, resolve: rdi}]\n"))
	all, err := e.places(plan.Hooks[0])
	mustNil(t, err)
	for _, c := range all {
		_, err := c.settle()
		if refused := errors.Is(err, errNoRegisters); refused == (c.attachment == AttachKprobe) {
			t.Errorf("%s: %v", c.attachment, err)
		}
	}
}

// TestPathsVerifyOnce checks that a datum behind one with a path does not
// make the verifier go the path twice.
func TestPathsVerifyOnce(t *testing.T) {
	_, e := mustEngine(t, Options{})
	verified := func(data string) uint32 {
		mustApply(t, e, mustPlan(t, policyOf("  kprobes:\n  - call: sys_lseek\n    data: ["+data+"]\n")))
		for _, h := range e.hooks {
			info, err := h.program.entry().Info()
			mustNil(t, err)
			if n, ok := info.VerifiedInstructions(); ok && n > 0 {
				return n
			}
		}
		t.Skip("the kernel does not tell how many instructions it verified: since 5.16")
		return 0
	}
	const file = "{index: 0, source: current_task, resolve: mm.exe_file}"
	one, two := verified(file), verified(file+", "+selfComm)
	t.Logf("%d instructions, %d with another datum", one, two)
	if two > one+one/4 {
		t.Errorf("%d instructions verified, %d with another datum", one, two)
	}
}
