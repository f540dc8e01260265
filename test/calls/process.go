// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Calls on processes.
func processCalls() []Call {
	const lowered = 77
	limited := func(process func(*Attempt) int) func(*Attempt) bool {
		return func(a *Attempt) bool {
			var limit unix.Rlimit
			return unix.Prlimit(process(a), unix.RLIMIT_NOFILE, nil, &limit) == nil && limit.Cur == lowered
		}
	}
	itself := func(a *Attempt) int { return a.Process }
	return []Call{
		one("setpgid", func(r *rig) *plan {
			done := func(a *Attempt) bool {
				group, _ := unix.Getpgid(a.Process)
				return group == a.Process
			}
			return r.call(done, unix.SYS_SETPGID, 0, 0)
		}),
		one("getpgid", func(r *rig) *plan { return r.call(returns, unix.SYS_GETPGID, uintptr(os.Getpid())) }),
		one("getsid", func(r *rig) *plan { return r.call(returns, unix.SYS_GETSID, uintptr(os.Getpid())) }),
		one("setrlimit", func(r *rig) *plan {
			return r.call(limited(itself), unix.SYS_SETRLIMIT, unix.RLIMIT_NOFILE, r.words(lowered, lowered))
		}),
		{"prlimit64", []Variant{
			{Name: "own", prepare: func(r *rig) *plan {
				return r.call(limited(itself), unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, r.words(lowered, lowered), 0)
			}},
			{Name: "of another", prepare: func(r *rig) *plan {
				victim := r.start(gate()).pid
				done := limited(func(*Attempt) int { return victim })
				return r.call(done, unix.SYS_PRLIMIT64, uintptr(victim), unix.RLIMIT_NOFILE, r.words(lowered, lowered), 0)
			}},
			{Name: "reading of another", prepare: func(r *rig) *plan {
				b := r.space(16)
				return r.call(filled(b), unix.SYS_PRLIMIT64, uintptr(r.start(gate()).pid), unix.RLIMIT_NOFILE, 0, address(b))
			}},
		}},
		{"prctl", []Variant{
			{Name: "PR_SET_NAME", prepare: func(r *rig) *plan {
				done := func(a *Attempt) bool { return status(a.Process, "Name") == "other" }
				return r.call(done, unix.SYS_PRCTL, unix.PR_SET_NAME, r.text("other"))
			}},
			{Name: "PR_SET_NO_NEW_PRIVS", prepare: func(r *rig) *plan {
				return r.call(changes("NoNewPrivs"), unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
			}},
		}},
		{"ptrace", []Variant{
			{Name: "attach", prepare: trace(unix.PTRACE_ATTACH)},
			{Name: "seize", prepare: trace(unix.PTRACE_SEIZE)},
			{Name: "traceme", prepare: func(r *rig) *plan {
				return r.call(func(a *Attempt) bool { return traced(a.Process) }, unix.SYS_PTRACE, unix.PTRACE_TRACEME)
			}},
		}},
	}
}

func trace(request uintptr) func(*rig) *plan {
	return func(r *rig) *plan {
		victim := r.start(gate()).pid
		return r.call(func(*Attempt) bool { return traced(victim) }, unix.SYS_PTRACE, request, uintptr(victim))
	}
}

func traced(process int) bool { return strings.TrimSpace(status(process, "TracerPid")) != "0" }
