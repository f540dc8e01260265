// SPDX-License-Identifier: Apache-2.0

package syscalls

import (
	"slices"
	"strings"
)

// CompatPrefix is what the functions begin with that carry out i386 calls on x86-64.
const CompatPrefix = "__ia32_"

// compatFunctions are the functions of the i386 calls that are not named as the call: see
// [CompatFunctions]. The source is the table that kernels are built from,
// arch/x86/entry/syscalls/syscall_32.tbl; the numbers 32 and 64 in names are the size of times.
var compatFunctions = map[string]string{
	"waitpid": "sys_waitpid", "time": "sys_time32", "stime": "sys_stime32", "utime": "sys_utime32", "utimes": "sys_utimes_time32",
	"umount": "sys_oldumount", "umount2": "sys_umount", "oldstat": "sys_stat", "oldfstat": "sys_fstat", "oldlstat": "sys_lstat",
	"stat": "compat_sys_newstat", "lstat": "compat_sys_newlstat", "fstat": "compat_sys_newfstat",
	"stat64": "compat_sys_ia32_stat64", "lstat64": "compat_sys_ia32_lstat64", "fstat64": "compat_sys_ia32_fstat64",
	"fstatat64": "compat_sys_ia32_fstatat64",
	"uname":     "sys_newuname", "olduname": "sys_uname", "oldolduname": "sys_olduname",
	"getrlimit": "compat_sys_old_getrlimit", "ugetrlimit": "compat_sys_getrlimit",
	"select": "compat_sys_old_select", "_newselect": "compat_sys_select", "readdir": "compat_sys_old_readdir",
	"mmap": "compat_sys_ia32_mmap", "mmap2": "sys_mmap_pgoff", "clone": "compat_sys_ia32_clone", "_llseek": "sys_llseek",
	"pread64": "sys_ia32_pread64", "pwrite64": "sys_ia32_pwrite64", "truncate64": "sys_ia32_truncate64",
	"ftruncate64": "sys_ia32_ftruncate64", "readahead": "sys_ia32_readahead", "fadvise64": "sys_ia32_fadvise64",
	"fadvise64_64": "sys_ia32_fadvise64_64", "sync_file_range": "sys_ia32_sync_file_range", "fallocate": "sys_ia32_fallocate",
	"sendfile64": "sys_sendfile64",
	"setuid":     "sys_setuid16", "getuid": "sys_getuid16", "setgid": "sys_setgid16", "getgid": "sys_getgid16",
	"geteuid": "sys_geteuid16", "getegid": "sys_getegid16", "setreuid": "sys_setreuid16", "setregid": "sys_setregid16",
	"getgroups": "sys_getgroups16", "setgroups": "sys_setgroups16", "setresuid": "sys_setresuid16", "getresuid": "sys_getresuid16",
	"setresgid": "sys_setresgid16", "getresgid": "sys_getresgid16", "setfsuid": "sys_setfsuid16", "setfsgid": "sys_setfsgid16",
	"chown": "sys_chown16", "lchown": "sys_lchown16", "fchown": "sys_fchown16",
	"setuid32": "sys_setuid", "getuid32": "sys_getuid", "setgid32": "sys_setgid", "getgid32": "sys_getgid",
	"geteuid32": "sys_geteuid", "getegid32": "sys_getegid", "setreuid32": "sys_setreuid", "setregid32": "sys_setregid",
	"getgroups32": "sys_getgroups", "setgroups32": "sys_setgroups", "setresuid32": "sys_setresuid", "getresuid32": "sys_getresuid",
	"setresgid32": "sys_setresgid", "getresgid32": "sys_getresgid", "setfsuid32": "sys_setfsuid", "setfsgid32": "sys_setfsgid",
	"chown32": "sys_chown", "lchown32": "sys_lchown", "fchown32": "sys_fchown",
	"adjtimex": "sys_adjtimex_time32", "nanosleep": "sys_nanosleep_time32", "futex": "sys_futex_time32",
	"sched_rr_get_interval": "sys_sched_rr_get_interval_time32", "rt_sigtimedwait": "compat_sys_rt_sigtimedwait_time32",
	"io_getevents": "sys_io_getevents_time32", "timer_settime": "sys_timer_settime32", "timer_gettime": "sys_timer_gettime32",
	"clock_settime": "sys_clock_settime32", "clock_gettime": "sys_clock_gettime32", "clock_getres": "sys_clock_getres_time32",
	"clock_nanosleep": "sys_clock_nanosleep_time32", "clock_adjtime": "sys_clock_adjtime32",
	"mq_timedsend": "sys_mq_timedsend_time32", "mq_timedreceive": "sys_mq_timedreceive_time32",
	"futimesat": "sys_futimesat_time32", "utimensat": "sys_utimensat_time32", "pselect6": "compat_sys_pselect6_time32",
	"ppoll": "compat_sys_ppoll_time32", "timerfd_settime": "sys_timerfd_settime32", "timerfd_gettime": "sys_timerfd_gettime32",
	"recvmmsg":        "compat_sys_recvmmsg_time32",
	"clock_gettime64": "sys_clock_gettime", "clock_settime64": "sys_clock_settime", "clock_adjtime64": "sys_clock_adjtime",
	"clock_getres_time64": "sys_clock_getres", "clock_nanosleep_time64": "sys_clock_nanosleep", "timer_gettime64": "sys_timer_gettime",
	"timer_settime64": "sys_timer_settime", "timerfd_gettime64": "sys_timerfd_gettime", "timerfd_settime64": "sys_timerfd_settime",
	"utimensat_time64": "sys_utimensat", "mq_timedsend_time64": "sys_mq_timedsend", "mq_timedreceive_time64": "sys_mq_timedreceive",
	"semtimedop_time64": "sys_semtimedop", "futex_time64": "sys_futex", "sched_rr_get_interval_time64": "sys_sched_rr_get_interval",
	"io_pgetevents_time64": "compat_sys_io_pgetevents_time64 sys_io_pgetevents",
}

// CompatFunctions returns the names that the kernel's function of an i386 call can have on x86-64, without
// [CompatPrefix] and the likeliest first: a kernel that has the first uses no other. Nearly all calls
// whose arguments have another layout than those of x86-64 have one named compat_sys_.
func CompatFunctions(call string) []string {
	if functions, ok := compatFunctions[call]; ok {
		return strings.Fields(functions)
	}
	return []string{"compat_sys_" + call, "sys_" + call}
}

// CompatCall returns the i386 call that a function carries out, given with or without [CompatPrefix]:
// "stat" for "__ia32_compat_sys_newstat". It is false for functions of no i386 call.
func CompatCall(function string) (string, bool) {
	function = strings.TrimPrefix(function, CompatPrefix)
	for _, call := range i386Names {
		if call != "" && slices.Contains(CompatFunctions(call), function) {
			return call, true
		}
	}
	return "", false
}

// sameCalls are the 64-bit calls that do what i386 calls of other names do.
var sameCalls = map[string]string{
	"stat64": "stat", "lstat64": "lstat", "fstat64": "fstat", "fstatat64": "newfstatat", "statfs64": "statfs", "fstatfs64": "fstatfs",
	"truncate64": "truncate", "ftruncate64": "ftruncate", "mmap2": "mmap", "fcntl64": "fcntl", "sendfile64": "sendfile",
	"umount": "umount2", "ugetrlimit": "getrlimit", "_newselect": "select", "fadvise64_64": "fadvise64",
	"utimensat_time64": "utimensat", "mq_timedsend_time64": "mq_timedsend", "mq_timedreceive_time64": "mq_timedreceive",
	"recvmmsg_time64": "recvmmsg", "semtimedop_time64": "semtimedop",
}

// SameCall returns the name of the 64-bit call that does the same as a 32-bit one: "fstat" for "fstat64",
// and the name itself for most. What it returns need not be a call, as for "socketcall".
func SameCall(call string) string {
	if same, ok := sameCalls[call]; ok {
		return same
	}
	if same, ok := strings.CutSuffix(call, "32"); ok && compatFunctions[call] == "sys_"+same {
		return same
	}
	return call
}
