// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"time"

	"golang.org/x/sys/unix"
)

// Calls on the kernel as a whole. Those that would change the machine are
// made so that they end with an error of their own, behind the hook.
func kernelCalls() []Call {
	fails := func(name string, errno unix.Errno, prepare func(*rig) *plan) Call {
		return Call{name, []Variant{{Name: "plain", Fails: errno, prepare: prepare}}}
	}
	machine := func(name string, prepare func(*rig) *plan) Call {
		return Call{name, []Variant{{Name: "plain", Machine: true, prepare: prepare}}}
	}
	return []Call{
		one("bpf", func(r *rig) *plan {
			const mapCreate, array = 0, 2
			return r.call(newDescriptor, unix.SYS_BPF, mapCreate, r.ints(array, 4, 8, 1, 0, 0, 0, 0), 32)
		}),
		one("perf_event_open", func(r *rig) *plan {
			// A perf_event_attr of the first size for PERF_COUNT_SW_DUMMY, disabled.
			attr := r.ints(unix.PERF_TYPE_SOFTWARE, 64, unix.PERF_COUNT_SW_DUMMY, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0)
			return r.call(newDescriptor, unix.SYS_PERF_EVENT_OPEN, attr, 0, ^uintptr(0), ^uintptr(0), 0)
		}),
		fails("init_module", unix.ENOEXEC, func(r *rig) *plan {
			return r.call(returns, unix.SYS_INIT_MODULE, address(r.space(4096)), 4096, r.text(""))
		}),
		fails("finit_module", unix.ENOEXEC, func(r *rig) *plan {
			return r.call(returns, unix.SYS_FINIT_MODULE, r.opened("f", "no module", unix.O_RDONLY), r.text(""), 0)
		}),
		machine("kexec_load", func(r *rig) *plan { return r.call(returns, unix.SYS_KEXEC_LOAD, 0, 0, 0, 0) }),
		fails("kexec_file_load", unix.ENOEXEC, func(r *rig) *plan {
			return r.call(returns, unix.SYS_KEXEC_FILE_LOAD, r.opened("f", "no kernel", unix.O_RDONLY), ^uintptr(0), 1, r.text(""), unix.KEXEC_FILE_NO_INITRAMFS)
		}),
		fails("swapon", unix.EINVAL, func(r *rig) *plan { return r.call(returns, unix.SYS_SWAPON, r.file("f", "x"), 0) }),
		fails("swapoff", unix.EINVAL, func(r *rig) *plan { return r.call(returns, unix.SYS_SWAPOFF, r.file("f", "x")) }),
		one("syslog", func(r *rig) *plan { return r.call(returns, unix.SYS_SYSLOG, 10 /* the size of the log */, 0, 0) }),
		machine("settimeofday", func(r *rig) *plan {
			now := time.Now()
			return r.call(returns, unix.SYS_SETTIMEOFDAY, r.words(uintptr(now.Unix()), uintptr(now.Nanosecond()/1000)), 0)
		}),
		machine("clock_settime", func(r *rig) *plan {
			now := time.Now()
			return r.call(returns, unix.SYS_CLOCK_SETTIME, unix.CLOCK_REALTIME, r.words(uintptr(now.Unix()), uintptr(now.Nanosecond())))
		}),
		machine("acct", func(r *rig) *plan {
			r.tb.Cleanup(func() { _ = unix.Acct("") })
			return r.call(returns, unix.SYS_ACCT, r.file("f", ""))
		}),
		one("quotactl", func(r *rig) *plan {
			const sync = 0x800001 << 8
			return r.call(returns, unix.SYS_QUOTACTL, sync, 0, 0, 0)
		}),
		one("add_key", addKey),
	}
}

func addKey(r *rig) *plan {
	const processKeyring = ^uintptr(1) // KEY_SPEC_PROCESS_KEYRING, -2
	return r.call(returns, unix.SYS_ADD_KEY, r.text("user"), r.text("vedette"), r.text("x"), 1, processKeyring)
}
