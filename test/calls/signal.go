// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"strconv"

	"golang.org/x/sys/unix"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Calls that send a signal, to another child that blocks it: there it stays pending.
func signalCalls() []Call {
	const signal = uintptr(unix.SIGUSR1)
	// info is a siginfo_t with si_code SI_QUEUE.
	info := func(r *rig) uintptr {
		b := r.space(128)
		putUint32(b, uint32(signal))
		putUint32(b[8:], ^uint32(0))
		return address(b)
	}
	send := func(number uintptr, args func(r *rig, victim uintptr) []uintptr) func(*rig) *plan {
		return func(r *rig) *plan {
			child := r.start(gate())
			child.wait(r.tb, &child.steps[prologue-1]) // then it blocks signals
			victim := child.pid
			done := func(*Attempt) bool { return pending(victim) }
			return r.call(done, number, args(r, uintptr(victim))...)
		}
	}
	return []Call{
		{"kill", []Variant{
			{Name: "process", prepare: send(unix.SYS_KILL, func(_ *rig, victim uintptr) []uintptr { return []uintptr{victim, signal} })},
			{Name: "group", prepare: send(unix.SYS_KILL, func(r *rig, victim uintptr) []uintptr {
				r.must(unix.Setpgid(int(victim), int(victim)), "setpgid")
				return []uintptr{-victim, signal}
			})},
		}},
		one("tkill", send(unix.SYS_TKILL, func(_ *rig, victim uintptr) []uintptr { return []uintptr{victim, signal} })),
		one("tgkill", send(unix.SYS_TGKILL, func(_ *rig, victim uintptr) []uintptr { return []uintptr{victim, victim, signal} })),
		one("rt_sigqueueinfo", send(unix.SYS_RT_SIGQUEUEINFO, func(r *rig, victim uintptr) []uintptr {
			return []uintptr{victim, signal, info(r)}
		})),
		one("rt_tgsigqueueinfo", send(unix.SYS_RT_TGSIGQUEUEINFO, func(r *rig, victim uintptr) []uintptr {
			return []uintptr{victim, victim, signal, info(r)}
		})),
		one("pidfd_send_signal", send(unix.SYS_PIDFD_SEND_SIGNAL, func(r *rig, victim uintptr) []uintptr {
			pidfd, err := unix.PidfdOpen(int(victim), 0)
			r.must(err, "pidfd_open")
			return []uintptr{r.fd(pidfd), signal, 0, 0}
		})),
	}
}

// pending reports whether the process has a signal that it blocks.
func pending(process int) bool {
	for _, field := range []string{"SigPnd", "ShdPnd"} {
		if bits, err := strconv.ParseUint(status(process, field), 16, 64); err == nil && bits != 0 {
			return true
		}
	}
	return false
}
