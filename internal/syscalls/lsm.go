// SPDX-License-Identifier: Apache-2.0

package syscalls

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// SecurityHook is an LSM hook by the name that LSM programs use: the program for it attaches to
// bpf_lsm_<SecurityHook>.
type SecurityHook string

// securityFunctions are the kernel functions whose name is not "security_" and that of their hook.
var securityFunctions = map[SecurityHook]string{
	"file_alloc_security":      "security_file_alloc",
	"msg_queue_alloc_security": "security_msg_queue_alloc",
	"sem_alloc_security":       "security_sem_alloc",
	"settime":                  "security_settime64",
	"shm_alloc_security":       "security_shm_alloc",
	"userns_create":            "security_create_user_ns",
}

// Function returns the kernel function that calls the hook and returns its verdict, to which fmod_ret
// attaches: "security_file_alloc" for "file_alloc_security".
func (hook SecurityHook) Function() string {
	if function, ok := securityFunctions[hook]; ok {
		return function
	}
	return "security_" + string(hook)
}

// closedToLSM are the hooks at which some kernels take no LSM program.
var closedToLSM = map[SecurityHook]bool{
	"file_alloc_security": true, // "points to disabled hook" in 7.3, open in 6.18
}

// ClosedToLSM reports whether newer kernels refuse to load an LSM program for the hook; fmod_ret on its
// [SecurityHook.Function] works on all.
func (hook SecurityHook) ClosedToLSM() bool { return closedToLSM[hook] }

// SecurityHookOf returns the hook that a kernel function calls: "file_alloc_security" for
// "security_file_alloc". It is false for other functions than those named "security_".
func SecurityHookOf(function string) (SecurityHook, bool) {
	for hook, name := range securityFunctions {
		if name == function {
			return hook, true
		}
	}
	name, ok := strings.CutPrefix(function, "security_")
	return SecurityHook(name), ok
}

// Refusal tells how a system call is refused by LSM hooks: while all of its hooks return an errno to
// the thread that is inside the call, the call fails with that errno and has done nothing. The hooks
// run in the calling task, never in an interrupt, but some of them under a spin lock or RCU, so that
// the programs must not be sleepable.
//
// A call that asks for nothing (to read into no buffer, to rename a file to itself) may pass no hook;
// it then returns what it always does, having done nothing. A call that fails for a reason of its own
// before its hook (a missing file, a denied permission) returns the errno of that reason.
type Refusal struct {
	// Hooks must all be refused, so a kernel that lacks one cannot refuse the call.
	Hooks []SecurityHook
	// Newer are hooks that newer kernels call besides or instead on some path: they are refused where
	// the kernel has them, and kernels without them pass Hooks there.
	Newer []SecurityHook
	// Gap is empty when every path through the call is refused. Else it names, as a phrase for a
	// warning, the paths that pass no hook and so are not refused.
	Gap string
	// Note is what the caller sees otherwise than as the errno, with nothing done; mostly empty.
	Note string
	// Leave are the errnos that the kernel takes as leave to go on: a refusal with one of them
	// refuses nothing.
	Leave []syscall.Errno
}

// SecurityHooks returns how the system call, named without prefix ("openat") or by an alias that
// [Number] knows, is refused by LSM hooks. It is false for a call that cannot be: it passes none, or
// the kernel replaces their errno, or part of the call's effect comes before them.
func SecurityHooks(call string) (Refusal, bool) {
	if name, ok := aliases[call]; ok {
		call = name
	}
	refusal, ok := refusals()[call]
	return refusal, ok
}

// RefusableCalls returns the names of all system calls that [SecurityHooks] knows, sorted.
func RefusableCalls() []string {
	return slices.Sorted(maps.Keys(refusals()))
}

// AllSecurityHooks returns every hook that some refusal uses, sorted.
func AllSecurityHooks() []SecurityHook {
	all := make(map[SecurityHook]bool)
	for _, refusal := range refusals() {
		for _, hook := range slices.Concat(refusal.Hooks, refusal.Newer) {
			all[hook] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// On returns the hooks to refuse on a kernel; has reports whether the kernel has a function of that
// name. The error names what the kernel lacks.
func (refusal Refusal) On(has func(function string) bool) ([]SecurityHook, error) {
	var hooks []SecurityHook
	for _, hook := range refusal.Hooks {
		if !has(hook.Function()) {
			return nil, fmt.Errorf("this kernel lacks %s%s", hook.Function(), needs[hook])
		}
		hooks = append(hooks, hook)
	}
	for _, hook := range refusal.Newer {
		if has(hook.Function()) {
			hooks = append(hooks, hook)
		}
	}
	return hooks, nil
}

// CanReturn reports whether the errno, a positive number, refuses the call; the errors of Linux are
// 1 to 4095.
func (refusal Refusal) CanReturn(errno syscall.Errno) bool {
	return errno > 0 && errno < 4096 && !slices.Contains(refusal.Leave, errno)
}

// refusals is refusalTable by the name of the call.
var refusals = sync.OnceValue(func() map[string]Refusal {
	byCall := make(map[string]Refusal)
	for _, row := range refusalTable {
		for call := range strings.FieldsSeq(row.calls) {
			byCall[call] = row.Refusal
		}
	}
	return byCall
})
