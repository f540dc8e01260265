// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"strings"

	"golang.org/x/sys/unix"
)

// Preempts reports whether the kernel may preempt a task in a BPF program. It
// then skips the same trampoline's or raw tracepoint's program for all other
// tasks of the CPU, until that task has gone on. Programs of kprobes and of
// tracepoints by their format it runs with preemption disabled, and those of
// LSM hooks it never skips.
//
// Kernels built with PREEMPT_DYNAMIC (since 5.12) tell their mode in debugfs,
// sched/preempt (kernel/sched/debug.c), where it can be changed; it is asked
// once. Where that cannot be read the answer is true.
func (o *Offer) Preempts() bool {
	o.preempts.once.Do(func() { o.preempts.answer = preempts(buildOf(), preemptMode) })
	return o.preempts.answer
}

// buildOf is the line that tells when and how the kernel was built.
func buildOf() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return preemptBuild
	}
	return unix.ByteSliceToString(name.Version[:])
}

// preemptBuild is what the build line of a kernel has that may preempt tasks
// in the kernel: PREEMPT, PREEMPT_RT or PREEMPT_DYNAMIC
// (init/Makefile, UTS_VERSION).
const preemptBuild = "PREEMPT"

// preempts decides by the build line, and where that leaves it open by the
// modes of the kernel: all of them, that in force in parentheses.
func preempts(build string, modes func() (string, error)) bool {
	if !strings.Contains(build, preemptBuild) {
		return false
	}
	if !strings.Contains(build, preemptBuild+"_DYNAMIC") {
		return true
	}
	text, err := modes()
	if err != nil {
		return true
	}
	return !strings.Contains(text, "(none)") && !strings.Contains(text, "(voluntary)")
}

func preemptMode() (string, error) {
	var text []string
	err := readList("debugfs", "sched/preempt", func(line string) { text = append(text, line) })
	return strings.Join(text, " "), err
}
