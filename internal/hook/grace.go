// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"time"

	"golang.org/x/sys/unix"
)

// membarrierGlobal is MEMBARRIER_CMD_GLOBAL (include/uapi/linux/membarrier.h).
const membarrierGlobal = 1

// longestRun is how long a program can run at the very most, preemption
// included.
const longestRun = time.Second

// waitForRuns returns when every run of a program that had begun has ended.
// Programs run as readers of RCU, and MEMBARRIER_CMD_GLOBAL waits for all of
// those (kernel/sched/membarrier.c, synchronize_rcu). Kernels with
// nohz_full refuse it: then time must do.
func waitForRuns() {
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, membarrierGlobal, 0, 0); errno != 0 {
		time.Sleep(longestRun)
	}
}
