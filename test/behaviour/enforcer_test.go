// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestEnforcers checks what enforcers do on every kernel: they send signals. What they refuse is in test/enforce.
func TestEnforcers(t *testing.T) { enforcers.run(t) }

// notifying notes at the entry of lseek and rmdir, in the ways that the mode says, and lists calls at which that is
// carried out.
func notifying(calls, mode, action string) string {
	return mode + `
lists:
- {name: noted, type: syscalls, values: [sys_lseek, sys_rmdir]}
- {name: plain, values: [sys_lseek, sys_mkdir]}
- {name: both, type: syscalls, values: [x64/sys_lseek, __x64_sys_mkdir, i386/sys_lseek]}
enforcers: [{calls: [` + calls + `]}]
tracepoints:
- subsystem: raw_syscalls
  event: sys_enter
  args: [{index: 4, type: syscall64}]
  selectors:
  - ` + ours + `matchArgs: [{index: 4, operator: InMap, values: ["list:noted"]}]
    matchActions: [` + action + `]
`
}

const (
	notedSeek  = "NOTIFYENFORCER raw_syscalls/sys_enter(syscall 8 x64)"
	notedRmdir = "NOTIFYENFORCER raw_syscalls/sys_enter(syscall 84 x64)"
	killNoted  = "{action: NotifyEnforcer, argSig: 9}"
)

// rmdirThenSeek is let do at the call that no enforcer lists, and ends at the next one.
func rmdirThenSeek(a *actor) {
	a.rmdir("/nonexistent")
	a.lseek(5, 0)
	waitForEnd(a)
}

// listed makes a row whose enforcer lists lseek in one way.
func listed(name, calls string) row {
	return row{name: name, spec: notifying(calls, "", killNoted), act: rmdirThenSeek, signal: unix.SIGKILL, want: []string{notedRmdir, notedSeek}}
}

var enforcers = register(table{name: "enforcers", rows: []row{
	listed("by name", "sys_lseek"),
	listed("by the kernel's name", "__x64_sys_lseek"),
	listed("a plain list", `"list:plain"`),
	listed("a list of system calls", `"list:both", sys_chroot`),
	{name: "what another call has noted is forgotten", spec: notifying("sys_mkdir", "", killNoted), want: []string{notedSeek},
		act: func(a *actor) {
			a.lseek(5, 0)
			a.call(unix.SYS_MKDIR, 0, 0)
		}},
	{name: "cleaned up", spec: notifying("sys_lseek", "", "{action: NotifyEnforcer, argSig: 9}, {action: NoPost}") + `- subsystem: syscalls
  event: sys_enter_lseek
  args: [{index: 5, type: int64}]
  selectors: [{` + "matchPIDs: [{operator: In, values: [$PID]}]" + `, matchActions: [{action: CleanupEnforcerNotification}]}]
`, act: seek(5), want: []string{"CLEANUPENFORCERNOTIFICATION syscalls/sys_enter_lseek(long 5)"}},
	{name: "a signal that is handled", spec: notifying("sys_lseek", "", "{action: NotifyEnforcer, argSig: 10}"), want: []string{notedSeek},
		act: func(a *actor) { signalledBy(a, func() { a.lseek(5, 0) }) }},
	{name: "NoPost", spec: notifying("sys_lseek", "", killNoted+", {action: NoPost}"), act: then(seek(5), waitForEnd), signal: unix.SIGKILL},
	{name: "monitor", spec: notifying("sys_lseek", "options: [{name: policy-mode, value: monitor}]", killNoted), act: seek(5), want: []string{notedSeek}},
	{name: "noted by the call's own hook", spec: `
enforcers: [{calls: [sys_lseek]}]
kprobes:
- call: sys_lseek
  args: [{index: 0, type: int}]
  selectors:
  - ` + ours + `matchArgs: [{index: 0, operator: Equal, values: ["5"]}]
    matchActions: [` + killNoted + `]
`, act: then(seek(4, 5), waitForEnd), signal: unix.SIGKILL, want: []string{"NOTIFYENFORCER " + five}},
}})
