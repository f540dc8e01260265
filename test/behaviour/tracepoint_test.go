// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"net"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTracepoints checks tracepoints, by the fields of their format, and raw ones, by the arguments of the kernel.
func TestTracepoints(t *testing.T) { tracepoints.run(t) }

var tracepoints = register(table{name: "tracepoints", rows: []row{
	{
		name: "fields by number, types of the format",
		spec: `
tracepoints:
- subsystem: syscalls
  event: sys_enter_lseek
  args: [{index: 7}, {index: 5}, {index: 4}]
  selectors: [{matchArgs: [{index: 7, operator: Equal, values: ["4444"]}]}]
`,
		act: func(a *actor) {
			a.lseek(7, 0)
			a.call(unix.SYS_LSEEK, 7, 0, 4443)
		},
		want: []string{"syscalls/sys_enter_lseek(size 4444, size 7, int 8)"},
	},
	{
		name: "types of the policy",
		spec: `
tracepoints:
- subsystem: syscalls
  event: sys_enter_lseek
  args: [{index: 5, type: int32}, {index: 6, type: int64}, {index: 7, type: uint16}, {index: 7, type: nop}]
  selectors: [{matchArgs: [{index: 5, operator: LT, values: ["0"]}, {args: [2], operator: InRange, values: ["4000:5000"]}]}]
`,
		act: func(a *actor) {
			a.lseek(-1, ^uint64(41))
			a.lseek(1, 0)
		},
		want: []string{"syscalls/sys_enter_lseek(int -1, long -42, uint 4444)"},
	},
	{
		name: "text and a buffer of the process",
		spec: `
tracepoints:
- subsystem: syscalls
  event: sys_enter_pwrite64
  args: [{index: 6, sizeArgIndex: 8}, {index: 7}]
- subsystem: syscalls
  event: sys_enter_rmdir
  args: [{index: 5, type: string}]
  selectors: [{matchArgs: [{index: 5, operator: Prefix, values: [/tracepoint/]}]}]
`,
		act: func(a *actor) {
			a.pwrite("hello")
			a.rmdir("/tracepoint/a")
			a.rmdir("/other/a")
		},
		want: []string{"syscalls/sys_enter_pwrite64(bytes hello, size 5)", "syscalls/sys_enter_rmdir(string /tracepoint/a)"},
	},
	{
		name: "results",
		spec: `
tracepoints:
- subsystem: syscalls
  event: sys_exit_rmdir
  args: [{index: 5}]
`,
		act:  func(a *actor) { a.rmdir("/nonexistent") },
		want: []string{"syscalls/sys_exit_rmdir(long -2)"},
	},
	{
		name: "data_loc",
		spec: `
tracepoints:
- subsystem: sched
  event: sched_process_exec
  args: [{index: 4, type: data_loc}]
  selectors: [{matchArgs: [{index: 4, operator: Postfix, values: [/true]}]}]
`,
		act:  execTrue,
		want: []string{"sched/sched_process_exec(string /bin/true)"},
	},
	{
		name: "data_loc and small integers",
		spec: `
tracepoints:
- subsystem: net
  event: net_dev_start_xmit
  args: [{index: 4}, {index: 10, type: uint16}, {index: 10}, {index: 11, type: uint8}, {index: 12}]
  selectors: [{matchArgs: [{index: 4, operator: Equal, values: [lo]}, {index: 12, operator: Equal, values: ["1042"]}]}]
`,
		act: func(a *actor) {
			a.must(exchangeDatagram(1000))
			a.must(exchangeDatagram(1001))
		},
		// A frame of 14 bytes of link, 20 of IP, 8 of UDP; protocol 0x800 is IP.
		want: []string{"net/net_dev_start_xmit(string lo, uint 2048, uint 2048, uint 3, uint 1042)"},
	},
	{
		name: "numbers of system calls",
		spec: `
lists:
- name: two
  type: syscalls
  values: [sys_rmdir, sys_lseek]
tracepoints:
- subsystem: raw_syscalls
  event: sys_enter
  args: [{index: 4, type: syscall64}]
  selectors: [{matchPIDs: [{operator: In, values: [$PID]}], matchArgs: [{index: 4, operator: InMap, values: ["list:two"]}]}]
`,
		act: func(a *actor) {
			a.rmdir("/nonexistent")
			a.pwrite("")
			a.lseek(-1, 0)
		},
		want: []string{"raw_syscalls/sys_enter(syscall 84 x64)", "raw_syscalls/sys_enter(syscall 8 x64)"},
	},
	{
		name: "an array of the format, by the type of its first element",
		spec: `
tracepoints:
- subsystem: raw_syscalls
  event: sys_enter
  args: [{index: 4}, {index: 5, type: int64}]
  selectors: [{matchPIDs: [{operator: In, values: [$PID]}], matchArgs: [{index: 4, operator: Equal, values: ["8"]}]}]
`,
		act:  func(a *actor) { a.lseek(-5, 0) },
		want: []string{"raw_syscalls/sys_enter(long 8, long -5)"},
	},
	{
		name: "no arguments",
		spec: "tracepoints: [{subsystem: syscalls, event: sys_enter_rmdir, message: no arguments, tags: [quiet]}]",
		act:  func(a *actor) { a.rmdir("/nonexistent") },
		want: []string{`syscalls/sys_enter_rmdir() "no arguments" ["quiet"]`},
	},
	{
		name: "raw, by the kernel's arguments",
		spec: `
tracepoints:
- subsystem: task
  event: task_rename
  raw: true
  args: [{index: 1, type: string}]
  selectors: [{matchArgs: [{index: 1, operator: Equal, values: [behaviour]}]}]
`,
		act: func(a *actor) {
			name := []byte("behaviour\x00")
			a.call(unix.SYS_PRCTL, unix.PR_SET_NAME, address(name))
			runtime.KeepAlive(name)
		},
		want: []string{"task/task_rename(string behaviour)"},
	},
	{
		name: "raw, the number of a system call and its result",
		spec: `
tracepoints:
- subsystem: raw_syscalls
  event: sys_enter
  raw: true
  args: [{index: 1, type: syscall64}]
  selectors: [{matchArgs: [{index: 1, operator: InMap, values: ["84"]}]}]
- subsystem: raw_syscalls
  event: sys_exit
  raw: true
  args: [{index: 1, type: int64}]
  selectors: [{matchArgs: [{index: 1, operator: Equal, values: ["-39"]}]}]
`,
		act:  func(a *actor) { a.rmdir("/tmp/..") },
		want: []string{"raw_syscalls/sys_enter(syscall 84 x64)", "raw_syscalls/sys_exit(long -39)"},
	},
	{
		name: "killed at a tracepoint",
		spec: `
tracepoints:
- subsystem: syscalls
  event: sys_enter_lseek
  args: [{index: 5, type: int}]
  selectors: [{matchArgs: [{index: 5, operator: Equal, values: ["-77"]}], matchActions: [{action: Sigkill}]}]
`,
		act:    func(a *actor) { a.lseek(-77, 0) },
		want:   []string{"SIGKILL syscalls/sys_enter_lseek(int -77)"},
		signal: unix.SIGKILL,
	},
}})

// execTrue makes the actor /bin/true.
func execTrue(a *actor) { a.must(unix.Exec("/bin/true", []string{"true"}, os.Environ())) }

// exchangeDatagram sends a datagram of a size to a port of this machine where nobody listens.
func exchangeDatagram(size int) error {
	conn, err := net.Dial("udp4", "127.0.0.1:9468")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = conn.Write(make([]byte, size))
	return err
}
