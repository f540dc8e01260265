// SPDX-License-Identifier: Apache-2.0

package examples

import "golang.org/x/sys/unix"

// asNobody gives the rights of root up.
var asNobody = call(unix.SYS_SETRESUID, nobody, nobody, nobody)

// capset sets the effective and the permitted capabilities, of which the lower half is given.
func capset(set uint64) []string {
	return call(unix.SYS_CAPSET, capabilities, words(set|set<<32, 0, 0))
}

// capabilities is the header of capset.
var capabilities = words(unix.LINUX_CAPABILITY_VERSION_3)

func privilegeRows(dir string) []row {
	attr := make([]byte, 120)
	attr[0] = 1 // BPF_PROG_TYPE_SOCKET_FILTER, without instructions
	daemon := func(name string, signal int) deed {
		return calls(call(unix.SYS_PRCTL, unix.PR_SET_NAME, name), call(unix.SYS_GETPID), call(unix.SYS_KILL, result(1), signal))
	}
	return []row{
		{
			policy: "becoming-root",
			catches: []catch{
				catching(calls(asNobody, call(unix.SYS_SETUID, 0)).gets("EPERM"), "sys_setuid", "65534", "-1"),
				catching(calls(asNobody, call(unix.SYS_SETRESUID, -1, 0, -1)).gets("EPERM"), "sys_setresuid", "65534", "-1"),
			},
			leaves: []deed{calls(call(unix.SYS_SETUID, 0)).gets("0"), calls(asNobody, call(unix.SYS_SETUID, nobody)).gets("0")},
		},
		{
			policy:  "capability-changes",
			catches: []catch{catching(calls(capset(1<<unix.CAP_SYS_ADMIN)).gets("0"), "sys_capset", "2097152", "0")},
			leaves:  []deed{calls(capset(0)).gets("0"), calls(capset(1 << unix.CAP_KILL)).gets("0")},
		},
		{
			policy: "raised-capabilities",
			catches: []catch{catching(calls(call(unix.SYS_CAPSET, capabilities, words(1<<(32+unix.CAP_KILL), 0, 0)),
				capset(1<<unix.CAP_KILL)).gets("0"), "security_capset")},
			leaves: []deed{calls(capset(1 << unix.CAP_KILL)).gets("0")},
			needs:  functions,
		},
		{
			policy: "file-capabilities",
			catches: []catch{catching(calls(call(unix.SYS_SETXATTR, dir+"/none", "security.capability", make([]byte, 20), 20, 0)).gets("ENOENT"),
				"sys_setxattr", dir+"/none", "security.capability")},
			leaves: []deed{calls(call(unix.SYS_SETXATTR, dir+"/none", "user.capability", make([]byte, 20), 20, 0)).gets("ENOENT")},
		},
		{
			policy:  "bpf-programs",
			catches: []catch{catching(calls(call(unix.SYS_BPF, unix.BPF_PROG_LOAD, attr, len(attr))), "sys_bpf", "5", "1")},
			leaves:  []deed{calls(call(unix.SYS_BPF, unix.BPF_OBJ_GET, attr, len(attr)))},
		},
		{
			policy:  "port-access",
			catches: []catch{catching(calls(call(unix.SYS_IOPERM, 0, 1, 1)), "sys_ioperm", "1")},
			leaves:  []deed{calls(call(unix.SYS_IOPERM, 0, 1, 0)), calls(call(unix.SYS_IOPL, 0))},
			needs:   systemCall("ioperm", unix.SYS_IOPERM),
		},
		{
			policy:  "protected-daemon",
			catches: []catch{catching(daemon("vedette-example", 9).gets("EPERM"), "task_kill", "vedette-example", "9", "KPROBE_ACTION_OVERRIDE")},
			leaves:  []deed{daemon("vedette-other", int(unix.SIGCONT)).gets("0"), daemon("vedette-example", 0).gets("0")},
			needs:   refusals,
		},
	}
}

func moduleRows(dir string) []row {
	inserting := func(path string) deed {
		return calls(opening(path, unix.O_RDONLY), call(unix.SYS_FINIT_MODULE, result(0), "", 0))
	}
	mounting := call(unix.SYS_MOUNT, "none", dir, "vedetteexample", 0, 0)
	return []row{
		{
			policy: "kernel-modules",
			catches: []catch{
				catching(inserting(dir+"/modules/file.ko").gets("ENOEXEC"), "sys_finit_module", dir+"/modules/file.ko", "-8"),
				catching(calls(call(unix.SYS_DELETE_MODULE, "vedette_example", unix.O_NONBLOCK)).gets("ENOENT"), "sys_delete_module", "vedette_example", "-2"),
			},
			leaves: []deed{reading(dir + "/modules/file.ko")},
			needs:  systemCall("finit_module", unix.SYS_FINIT_MODULE),
		},
		{
			policy: "foreign-modules",
			aim:    []string{`"/usr/lib/modules/"`, `"` + dir + `/modules/"`},
			catches: []catch{
				catching(inserting(dir+"/plain").gets("EPERM"), "sys_finit_module", dir+"/plain", "KPROBE_ACTION_OVERRIDE"),
				catching(calls(call(unix.SYS_INIT_MODULE, make([]byte, 64), 64, "")).gets("EPERM"), "sys_init_module", "64", "KPROBE_ACTION_OVERRIDE"),
			},
			leaves: []deed{inserting(dir + "/modules/file.ko").gets("ENOEXEC")},
			needs:  refusals,
		},
		{
			policy:  "module-requests",
			catches: []catch{catching(calls(mounting).in(unix.CLONE_NEWNS).gets("ENODEV"), "module_request", "fs-vedetteexample")},
			leaves:  []deed{calls(call(unix.SYS_MOUNT, "none", "/nonexistent", "vedetteexample", 0, 0)).gets("ENOENT")},
			needs:   tracepoint("module", "module_request"),
		},
	}
}
