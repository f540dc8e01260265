// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Calls that change and read how a process is scheduled.
func schedulerCalls() []Call {
	const batch, fifo = 3, 1
	policy := func(want int) func(*Attempt) bool {
		return func(a *Attempt) bool {
			got, _, _ := unix.Syscall(unix.SYS_SCHED_GETSCHEDULER, uintptr(a.Process), 0, 0)
			return int(got) == want
		}
	}
	return []Call{
		one("setpriority", func(r *rig) *plan {
			done := func(a *Attempt) bool {
				n, _ := unix.Getpriority(unix.PRIO_PROCESS, a.Process)
				return n == 20-19 // the kernel's answer is 20 less the value
			}
			return r.call(done, unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, 19)
		}),
		one("ioprio_set", func(r *rig) *plan {
			const idle = 3 << 13
			done := func(a *Attempt) bool {
				n, _, _ := unix.Syscall(unix.SYS_IOPRIO_GET, 1, uintptr(a.Process), 0)
				return n == idle
			}
			return r.call(done, unix.SYS_IOPRIO_SET, 1, 0, idle)
		}),
		one("sched_setscheduler", func(r *rig) *plan {
			return r.call(policy(batch), unix.SYS_SCHED_SETSCHEDULER, 0, batch, r.ints(0))
		}),
		one("sched_setparam", func(r *rig) *plan {
			read := r.space(4)
			done := func(a *Attempt) bool {
				_, _, _ = unix.Syscall(unix.SYS_SCHED_GETPARAM, uintptr(a.Process), address(read), 0)
				return binary.NativeEndian.Uint32(read) == 2
			}
			return r.call(done, unix.SYS_SCHED_SETPARAM, 0, r.ints(2)).
				first(unix.SYS_SCHED_SETSCHEDULER, 0, fifo, r.ints(1))
		}),
		one("sched_setattr", func(r *rig) *plan {
			return r.call(policy(batch), unix.SYS_SCHED_SETATTR, 0, r.ints(48, batch, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0)
		}),
		one("sched_setaffinity", func(r *rig) *plan { return r.call(returns, unix.SYS_SCHED_SETAFFINITY, 0, 8, r.words(1)) }),
		one("sched_getscheduler", func(r *rig) *plan { return r.call(returns, unix.SYS_SCHED_GETSCHEDULER, 0) }),
		one("sched_getparam", func(r *rig) *plan { return r.call(returns, unix.SYS_SCHED_GETPARAM, 0, r.ints(0)) }),
		one("sched_getattr", func(r *rig) *plan {
			b := r.space(64)
			return r.call(filled(b), unix.SYS_SCHED_GETATTR, 0, address(b), 64, 0)
		}),
		one("sched_getaffinity", func(r *rig) *plan {
			b := r.space(1024)
			return r.call(filled(b), unix.SYS_SCHED_GETAFFINITY, 0, 1024, address(b))
		}),
		one("sched_rr_get_interval", func(r *rig) *plan {
			return r.call(returns, unix.SYS_SCHED_RR_GET_INTERVAL, 0, address(r.space(16)))
		}),
	}
}
