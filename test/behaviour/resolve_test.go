// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/api/tetragon"
)

// TestResolve checks what policies find by paths through the kernel's types: of arguments and of the current task.
func TestResolve(t *testing.T) { resolving.run(t) }

// TestRegisters checks the registers of places in programs, and paths through memory of the process.
func TestRegisters(t *testing.T) { registers.run(t) }

// resolveVars are facts that the kernel tells in /proc too.
func resolveVars(tb testing.TB, _ string) map[string]string {
	tb.Helper()
	mnt, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		tb.Fatal(err)
	}
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		tb.Fatal(err)
	}
	return map[string]string{"MNT": strings.TrimSuffix(strings.TrimPrefix(mnt, "mnt:["), "]"), "SELF": self, "COMM": "exe"} // actors are started as /proc/self/exe
}

var resolving = register(table{name: "resolve", vars: resolveVars, rows: []row{
	{
		name: "the current task",
		spec: `
kprobes:
- call: sys_lseek
  args: [{index: 0, type: int, label: fd}]
  data:
  - {index: 0, type: uint32, source: current_task, resolve: cred.uid.val, label: user}
  - {index: 0, source: current_task, resolve: nsproxy.mnt_ns.ns.inum}
  - {index: 0, type: string, source: current_task, resolve: comm}
  - {index: 0, type: int64, source: current_task, resolve: tgid}
  - {index: 0, source: current_task, resolve: "signal.rlim[7].rlim_cur"}
  - {index: 0, source: current_task, resolve: "fs.pwd", type: path}
  - {index: 0, source: current_task, resolve: "mm.exe_file"}
  selectors: [{matchArgs: [{index: 0, operator: Equal, values: ["-61"]}]}]
`,
		act: func(a *actor) {
			a.must(os.Chdir("/proc"))
			a.must(unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 321, Max: 4000}))
			a.lseek(-61, 0)
		},
		want: []string{"sys_lseek(fd: int -61) data(user: uint 0, uint $MNT, string $COMM, int $PID, size 321, path /proc dr-xr-xr-x, file $SELF -rwxr-xr-x)"},
	},
	{
		name: "filters on the current task",
		spec: `
kprobes:
- call: sys_lseek
  args: [{index: 0}]
  data:
  - {index: 0, source: current_task, resolve: cred.uid.val}
  - {index: 0, source: current_task, resolve: tgid}
  - {index: 0, source: current_task, resolve: comm}
  selectors:
  - matchArgs: [{index: 0, operator: Equal, values: ["62"]}]
    matchData: [{index: 0, operator: Equal, values: ["7"]}]
  - matchArgs: [{index: 0, operator: InRange, values: ["62:63"]}]
    matchData:
    - {index: 1, operator: Equal, values: ["$PID"]}
    - {index: 2, operator: Prefix, values: ["$COMM"]}
    - {index: 2, operator: NotPostfix, values: [x]}
  - matchArgs: [{index: 0, operator: Equal, values: ["64"]}]
    matchData: [{index: 0, operator: NotEqual, values: ["0"]}]
`,
		act: func(a *actor) {
			a.lseek(62, 0)
			a.lseek(63, 0)
			a.lseek(64, 0)
			a.must(unix.Setresuid(-1, 7, -1))
			a.lseek(62, 0)
			a.lseek(65, 0)
		},
		want: []string{
			"sys_lseek(uint 62) data(uint 0, int $PID, string $COMM)",
			"sys_lseek(uint 63) data(uint 0, int $PID, string $COMM)",
			"sys_lseek(uint 62) data(uint 0, int $PID, string $COMM)",
		},
	},
	{
		name: "what cannot be reached is told and matches nothing",
		spec: `
kprobes:
- call: sys_lseek
  args: [{index: 0, type: int}]
  data: [{index: 0, source: current_task, resolve: vfork_done.done}, {index: 0, source: current_task, resolve: vfork_done.wait.lock, type: uint64}]
  selectors:
  - matchArgs: [{index: 0, operator: Equal, values: ["66"]}]
  - matchArgs: [{index: 0, operator: Equal, values: ["67"]}]
    matchData: [{index: 0, operator: NotEqual, values: ["12345"]}]
`,
		act: func(a *actor) {
			a.lseek(66, 0)
			a.lseek(67, 0)
		},
		want: []string{"sys_lseek(int 66) data(error Bad address encountered during resolve dereference at depth 1, error Bad address encountered during resolve dereference at depth 2)"},
	},
	{
		name: "paths of a raw tracepoint",
		spec: `
tracepoints:
- subsystem: sched
  event: sched_process_exec
  raw: true
  args:
  - {index: 0, resolve: comm}
  - {index: 2, type: string, resolve: file.f_path.dentry.d_name.name}
  - {index: 2, resolve: point_of_no_return}
  - {index: 2, resolve: secureexec}
  - {index: 2, resolve: file}
  - {index: 2, resolve: interp}
  - {index: 1}
  selectors:
  - matchArgs:
    - {args: [1], operator: Equal, values: ["true"]}
    - {args: [2], operator: NotEqual, values: ["0"]}
    - {args: [3], operator: Equal, values: ["0"]}
`,
		act:  execTrue,
		want: []string{"sched/sched_process_exec(string true, string true, uint 1, uint 0, file /usr/bin/true -rwxr-xr-x, string /bin/true, int $PID)"},
	},
}})

var registers = register(table{name: "registers", vars: programVars, rows: []row{
	runs("registers of a uprobe", `
uprobes:
- path: $DIR/program
  symbols: [greet]
  args: [{index: 0, type: int}]
  data:
  - {index: 0, source: pt_regs, resolve: edi}
  - {index: 0, source: pt_regs, resolve: rdi, type: int64}
  - {index: 0, source: pt_regs, resolve: dil, label: low}
  - {index: 0, source: pt_regs, resolve: rsi, type: string}
  - {index: 0, source: current_task, resolve: comm}
  selectors: [{matchData: [{index: 0, operator: Equal, values: ["3"]}, {index: 3, operator: Prefix, values: [a]}, {index: 4, operator: Equal, values: [program]}]}]
`, "child: $DIR/program:greet@$GREET(int 3) data(uint 3, long 3, low: uint 3, string $TEXT, string program)"),
	runs("paths through memory of the process", `
uprobes:
- path: $DIR/program
  symbols: [greet]
  args:
  - {index: 0, type: int}
  - {index: 1, resolve: hash, btfType: qstr}
  - {index: 1, resolve: "[0].len", btfType: struct qstr}
  - {index: 0, resolve: len, btfType: qstr}
  selectors: [{matchArgs: [{args: [1], operator: Equal, values: ["0x65742061"]}, {index: 0, operator: Equal, values: ["2"]}]}]
`, "child: $DIR/program:greet@$GREET(int 2, uint 1702109281, uint 1763734648, error Bad address encountered during resolve dereference at depth 0)"),
}})

// TestIgnoredFunctions checks that a policy does without functions that the kernel lacks, and says so.
func TestIgnoredFunctions(t *testing.T) {
	r := mustRig(t)
	r.mustAdd(t, document("ignored", `
kprobes:
- call: no_such_function
  syscall: false
  ignore: {callNotFound: true}
  args: [{index: 0, resolve: a.b}]
- call: list:calls
  ignore: {callNotFound: true}
lists:
- name: calls
  type: syscalls
  values: [sys_lseek, sys_no_such_call]
`), "ignored")
	status := r.mustPolicy(t, "ignored")
	if status.State != tetragon.TracingPolicyState_TP_STATE_PARTIALLY_ENABLED {
		t.Errorf("state %s", status.State)
	}
	var got []string
	for _, h := range status.HookStatuses {
		got = append(got, h.HookDescription+" "+h.State.String())
	}
	want := []string{
		"no_such_function STATUS_CALL_NOT_FOUND", "__x64_sys_lseek STATUS_LOADED", "__x64_sys_no_such_call STATUS_PARTIAL_CALL_NOT_FOUND",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hooks (- expected, + told):\n%s", diff)
	}
}
