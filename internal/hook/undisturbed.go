// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// undisturbed runs f, which reads and writes maps. While a task is in bpf(2)
// for that, the kernel skips the programs of kprobes and tracepoints on its
// CPU (include/linux/bpf.h, bpf_disable_instrumentation), which are those that
// decide where [kernel.Offer.Preempts]: another task must not get in between.
// So the thread is one of real time until f returns, which ordinary tasks do
// not preempt. That needs CAP_SYS_NICE and a share of real time for the cgroup;
// where it is refused f runs as it is.
//
// f must not load programs: the verifier would keep a processor from all others.
func (e *Engine) undisturbed(f func() error) error {
	if !e.offer.Preempts() {
		return f()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := unix.SchedGetAttr(0, 0)
	if err != nil || before.Policy == unix.SCHED_FIFO || before.Policy == unix.SCHED_RR {
		return f() // real time already
	}
	ours := unix.SchedAttr{
		Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1,
		Flags: unix.SCHED_FLAG_RESET_ON_FORK, // threads that begin meanwhile are as before
	}
	if unix.SchedSetAttr(0, &ours, 0) == nil {
		defer func() {
			before.Size = unix.SizeofSchedAttr
			if unix.SchedSetAttr(0, before, 0) != nil {
				runtime.LockOSThread() // the thread ends with its goroutine instead of serving others
			}
		}()
	}
	return f()
}
