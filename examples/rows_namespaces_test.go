// SPDX-License-Identifier: Apache-2.0

package examples

import "golang.org/x/sys/unix"

func namespaceRows(dir string) []row {
	cloning := func(flags uint64) deed {
		// No signal has this number, so that no process comes to be.
		return calls(call(unix.SYS_CLONE3, words(flags, 0, 0, 0, 0xff00, 0, 0, 0), 64)).gets("EINVAL")
	}
	attaching := calls(call(unix.SYS_PTRACE, unix.PTRACE_ATTACH, noPID))
	running := calls(call(unix.SYS_EXECVE, "/bin/true", []string{"true"}, 0))
	mounting := calls(call(unix.SYS_MOUNT, "none", dir, "vedettenone", 0, 0))
	agent := calls(opening(dir+"/none/release_agent", unix.O_WRONLY)).gets("ENOENT")
	return []row{
		{
			policy: "new-namespaces",
			catches: []catch{
				catching(calls(call(unix.SYS_UNSHARE, unix.CLONE_NEWUTS)).gets("0"), "sys_unshare", "67108864", "0"),
				catching(cloning(unix.CLONE_NEWIPC), "sys_clone3", "134217728"),
			},
			leaves: []deed{calls(call(unix.SYS_UNSHARE, unix.CLONE_FS)).gets("0"), cloning(unix.CLONE_FS)},
		},
		{
			policy: "namespace-changes",
			catches: []catch{catching(calls(call(unix.SYS_UNSHARE, unix.CLONE_NEWUTS), call(unix.SYS_EXECVE, "/bin/true", []string{"true"}, 0)),
				"sys_execve", "/bin/true")},
			leaves: []deed{running, running.in(unix.CLONE_NEWUTS)},
		},
		{
			policy: "user-namespaces",
			// A process of several threads cannot have a new one: it fails.
			catches: []catch{catching(calls(asNobody, call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER)), "sys_unshare", "268435456")},
			leaves: []deed{
				calls(call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER)),
				calls(asNobody, call(unix.SYS_UNSHARE, unix.CLONE_NEWUTS)).gets("EPERM"),
			},
		},
		{
			policy: "namespace-entry",
			catches: []catch{
				catching(calls(call(unix.SYS_SETNS, -1, unix.CLONE_NEWUTS)).gets("EBADF"), "sys_setns", "-9"),
				catching(calls(opening("/proc/1/ns/uts", unix.O_RDONLY)), "sys_openat", "/proc/1/ns/uts"),
			},
			leaves: []deed{calls(opening("/proc/self/ns/uts", unix.O_RDONLY))},
		},
		{
			policy:  "commands-in-containers",
			catches: []catch{catching(running.in(unix.CLONE_NEWPID), "sys_execve", "/bin/true")},
			leaves:  []deed{running},
		},
		{
			policy: "mounts",
			catches: []catch{
				catching(mounting.gets("ENODEV"), "sys_mount", dir, "vedettenone", "-19"),
				catching(calls(call(unix.SYS_UMOUNT2, dir, 0)).gets("EINVAL"), "sys_umount", dir),
			},
			leaves: []deed{calls(call(unix.SYS_STATFS, dir, make([]byte, 256)))},
		},
		{
			policy:  "mounts-in-containers",
			catches: []catch{catching(mounting.in(unix.CLONE_NEWPID).gets("EPERM"), "sys_mount", dir, "KPROBE_ACTION_OVERRIDE")},
			leaves:  []deed{mounting.gets("ENODEV")},
			needs:   refusals,
		},
		{
			policy:  "debuggers-in-containers",
			catches: []catch{catching(attaching.in(unix.CLONE_NEWPID).dies(), "sys_ptrace", "16", "KPROBE_ACTION_SIGKILL")},
			leaves:  []deed{attaching.gets("ESRCH"), calls(call(unix.SYS_PTRACE, unix.PTRACE_GETEVENTMSG, noPID)).in(unix.CLONE_NEWPID).gets("ESRCH")},
		},
		{
			policy:  "escape-files",
			catches: []catch{catching(agent.in(unix.CLONE_NEWNS), "sys_openat", dir+"/none/release_agent")},
			leaves:  []deed{agent, calls(opening(dir+"/none/release_agent", unix.O_RDONLY)).in(unix.CLONE_NEWNS).gets("ENOENT")},
		},
	}
}
