// SPDX-License-Identifier: Apache-2.0

package examples

import "golang.org/x/sys/unix"

// Numbers of i386 calls.
const (
	compatPtrace  = 26
	compatGetppid = 64
)

func syscallRows(dir string) []row {
	return []row{
		{
			policy:  "32-bit-calls",
			catches: []catch{catching(calls(compatCall(compatPtrace, -1, noPID)).gets("ESRCH"), "sys_ptrace")},
			leaves:  []deed{calls(call(unix.SYS_PTRACE, -1, noPID)).gets("ESRCH"), calls(compatCall(compatGetppid))},
			needs:   offersCompatCalls,
		},
		{
			policy:  "clock-changes",
			catches: []catch{catching(calls(call(unix.SYS_CLOCK_SETTIME, 9999, 0)).gets("EINVAL"), "sys_clock_settime", "-22")},
			leaves:  []deed{calls(call(unix.SYS_CLOCK_GETTIME, unix.CLOCK_REALTIME, words(0, 0)))},
		},
		{
			policy:  "missing-system-calls",
			catches: []catch{catching(calls(call(4000)).gets("ENOSYS"), "sys_exit", "4000", "-38")},
			leaves:  []deed{calls(call(unix.SYS_CLOSE, -1)).gets("EBADF")},
		},
		{
			policy: "denied-opens",
			catches: []catch{catching(calls(call(unix.SYS_SETRESUID, nobody, nobody, nobody), call(unix.SYS_OPENAT, atCWD, dir+"/locked", 0)).gets("EACCES"),
				"sys_openat", dir+"/locked", "-13")},
			leaves: []deed{
				calls(call(unix.SYS_OPENAT, atCWD, dir+"/locked", 0)),
				calls(call(unix.SYS_OPENAT, atCWD, dir+"/none", 0)).gets("ENOENT"),
			},
		},
		{
			policy:  "io-uring",
			catches: []catch{catching(calls(call(unix.SYS_IO_URING_SETUP, 7, 0)), "sys_io_uring_setup", "7")},
			leaves:  []deed{calls(call(unix.SYS_IO_URING_ENTER, -1, 0, 0, 0, 0, 0))},
			needs:   systemCall("io_uring_setup", unix.SYS_IO_URING_SETUP),
		},
		{
			policy: "reboot-and-kexec",
			// The first two arguments must be certain numbers, or nothing happens.
			catches: []catch{catching(calls(call(unix.SYS_REBOOT, 1, 2, unix.LINUX_REBOOT_CMD_RESTART)).gets("EINVAL"), "sys_reboot", "19088743")},
			leaves:  []deed{calls(call(unix.SYS_REBOOT, 1, 2, 0)).gets("EINVAL")},
		},
		{
			policy:  "kernel-log",
			catches: []catch{catching(calls(call(unix.SYS_SYSLOG, 3, 0, 0)).gets("EINVAL"), "sys_syslog", "3")},
			leaves:  []deed{calls(call(unix.SYS_SYSLOG, 10, 0, 0))},
		},
		{
			policy:  "swap-and-accounting",
			catches: []catch{catching(calls(call(unix.SYS_SWAPOFF, "/nonexistent/vedette")), "sys_swapoff", "/nonexistent/vedette")},
			leaves:  []deed{calls(call(unix.SYS_QUOTACTL, 0x80000100, 0, 0, 0))},
		},
	}
}

func processRows(dir string) []row {
	const lack = 0x40000 // ADDR_NO_RANDOMIZE
	return []row{
		{
			policy:  "kernel-thread-names",
			catches: []catch{catching(calls(call(unix.SYS_PRCTL, unix.PR_SET_NAME, "kworker/u8:1")), "sys_prctl", "15", "kworker/u8:1")},
			leaves:  []deed{calls(call(unix.SYS_PRCTL, unix.PR_SET_NAME, "worker"))},
		},
		{
			policy:  "debuggers",
			catches: []catch{catching(calls(call(unix.SYS_PTRACE, unix.PTRACE_ATTACH, noPID)).gets("ESRCH"), "sys_ptrace", "16", "-3")},
			leaves:  []deed{calls(call(unix.SYS_PTRACE, unix.PTRACE_GETEVENTMSG, noPID)).gets("ESRCH")},
		},
		{
			policy: "memory-of-others",
			catches: []catch{
				catching(calls(call(unix.SYS_PROCESS_VM_WRITEV, noPID, 0, 0, 0, 0, 0)), "sys_process_vm_writev", "2147483632"),
				catching(calls(call(unix.SYS_OPENAT, atCWD, "/proc/self/mem", 0)), "fd_install", "/proc/$PID/mem"),
			},
			leaves: []deed{calls(call(unix.SYS_OPENAT, atCWD, "/proc/self/maps", 0))},
		},
		{
			policy:  "personality",
			catches: []catch{catching(calls(call(unix.SYS_PERSONALITY, lack)), "sys_personality", "262144")},
			leaves:  []deed{calls(call(unix.SYS_PERSONALITY, 0xffffffff))},
		},
		{
			policy:  "limits-of-others",
			catches: []catch{catching(calls(call(unix.SYS_PRLIMIT64, noPID, unix.RLIMIT_NOFILE, words(0, 0), 0)).gets("ESRCH"), "sys_prlimit64", "7", "-3")},
			leaves: []deed{
				calls(call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_CORE, words(0, 0), 0)).gets("0"),
				calls(call(unix.SYS_PRLIMIT64, noPID, unix.RLIMIT_NOFILE, 0, words(0, 0))).gets("ESRCH"),
			},
		},
		{
			policy:  "writable-code",
			catches: []catch{catching(calls(call(unix.SYS_MPROTECT, 0, 4096, 7)), "sys_mprotect", "7", "main.main")},
			leaves:  []deed{calls(call(unix.SYS_MPROTECT, 0, 4096, 5)), calls(call(unix.SYS_MPROTECT, 0, 4096, 3))},
		},
	}
}

func commandRows(dir string) []row {
	run := func(path string, argv ...string) deed { return calls(call(unix.SYS_EXECVE, path, argv, 0)) }
	server := run("/bin/sh", "sh", "-c", "/bin/bash -c :; :")
	program := call(unix.SYS_OPENAT, atCWD, "/bin/true", 0)
	return []row{
		{
			policy:  "shell-commands",
			catches: []catch{catching(run("/bin/sh", "sh", "-c", "exit 0"), "sys_execve", "/bin/sh", "-c", "exit 0")},
			leaves:  []deed{run("/bin/true", "true", "-c", "exit 0"), run("/bin/sh", "sh", "/dev/null")},
		},
		{
			policy:  "missing-arguments",
			catches: []catch{catching(calls(call(unix.SYS_EXECVE, "/bin/true", 0, 0)), "sys_execve", "/bin/true")},
			leaves:  []deed{run("/bin/true", "true")},
		},
		{
			policy:  "decoded-input",
			catches: []catch{catching(run("/nonexistent/base64", "base64", "--decode"), "sys_execve", "/nonexistent/base64", "--decode")},
			leaves:  []deed{run("/nonexistent/base64", "base64", "file"), run("/bin/true", "true", "-d")},
		},
		{
			policy:  "commands-over-ssh",
			aim:     []string{"/usr/sbin/sshd", dir + "/sshd"},
			catches: []catch{catching(server.by(dir+"/sshd"), "sched_process_exec", resolved("/bin/bash"))},
			leaves:  []deed{server},
		},
		{
			policy: "shells-of-servers",
			aim:    []string{"/usr/sbin/nginx", dir + "/nginx"},
			catches: []catch{
				catching(server.by(dir+"/nginx"), "sys_execve", "/bin/sh"),
				catching(server.by(dir+"/nginx"), "sys_execve", "/bin/bash"),
			},
			leaves: []deed{server, run("/bin/true", "true").by(dir + "/nginx")},
		},
		{
			policy:  "programs-from-temp",
			aim:     []string{`"/tmp/"`, `"` + dir + `/"`},
			catches: []catch{catching(calls(call(unix.SYS_GETPID)).by(dir+"/tool"), "sched_process_exec", dir+"/tool")},
			leaves:  []deed{calls(call(unix.SYS_GETPID))},
		},
		{
			policy: "programs-in-memory",
			catches: []catch{catching(calls(call(unix.SYS_MEMFD_CREATE, "example", 0), program,
				call(unix.SYS_SENDFILE, result(0), result(1), 0, 1<<20),
				call(unix.SYS_EXECVEAT, result(0), "", []string{"example"}, 0, unix.AT_EMPTY_PATH)).gets(""),
				"sched_process_exec", "memfd:example")},
			leaves: []deed{run("/bin/true", "memfd:example")},
		},
		{
			policy:  "loaded-libraries",
			catches: []catch{catching(command("bash", "-c", "enable -f /nonexistent/vedette.so some"), "dlopen", "/nonexistent/vedette.so")},
			leaves:  []deed{command("bash", "-c", ":")},
		},
	}
}
