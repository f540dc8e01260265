// SPDX-License-Identifier: Apache-2.0

package examples

import "golang.org/x/sys/unix"

// opening opens a file.
func opening(path string, flags int) []string {
	return call(unix.SYS_OPENAT, atCWD, path, flags, 0o644)
}

// writing writes to a file, which it makes.
func writing(path string) deed {
	return calls(opening(path, unix.O_CREAT|unix.O_WRONLY), call(unix.SYS_WRITE, result(0), "text", 4)).gets("4")
}

func reading(path string) deed {
	return calls(opening(path, unix.O_RDONLY), call(unix.SYS_READ, result(0), make([]byte, 64), 64))
}

func fileRows(dir string) []row {
	const hostname = "/proc/sys/kernel/hostname"
	return []row{
		{
			policy:  "writes-below-etc",
			aim:     []string{`"/etc/"`, `"` + dir + `/etc/"`},
			catches: []catch{catching(writing(dir+"/etc/conf"), "sys_write", dir+"/etc/conf")},
			leaves:  []deed{writing(dir + "/written"), reading(dir + "/etc/conf")},
		},
		{
			policy:  "credential-files",
			catches: []catch{catching(reading(dir+"/.ssh/id_ed25519"), "fd_install", dir+"/.ssh/id_ed25519")},
			leaves:  []deed{reading(dir + "/.ssh/known_hosts")},
		},
		{
			policy: "log-removal",
			catches: []catch{
				catching(calls(call(unix.SYS_UNLINKAT, atCWD, "/var/log/vedette-example/none", 0)), "sys_unlinkat", "/var/log/vedette-example/none"),
				catching(calls(opening("/var/log/vedette-example/none", unix.O_WRONLY|unix.O_TRUNC)), "sys_openat", "/var/log/vedette-example/none"),
				catching(calls(call(unix.SYS_UNLINKAT, atCWD, dir+"/.bash_history", 0)), "sys_unlinkat", dir+"/.bash_history"),
			},
			leaves: []deed{calls(call(unix.SYS_UNLINKAT, atCWD, dir+"/none", 0)), calls(opening("/var/log/vedette-example/none", unix.O_WRONLY))},
		},
		{
			policy:  "device-nodes",
			catches: []catch{catching(calls(call(unix.SYS_MKNODAT, atCWD, dir+"/null", unix.S_IFCHR|0o600, 0x103)), "sys_mknodat", dir+"/null", "259")},
			leaves: []deed{
				calls(call(unix.SYS_MKNODAT, atCWD, dir+"/fifo", unix.S_IFIFO|0o600, 0)),
				calls(call(unix.SYS_MKNODAT, atCWD, dir+"/whiteout", unix.S_IFCHR|0o600, 0)),
			},
		},
		{
			policy: "links-to-secrets",
			catches: []catch{
				catching(calls(call(unix.SYS_SYMLINKAT, "/etc/shadow", atCWD, dir+"/soft")).gets("0"), "sys_symlinkat", "/etc/shadow", dir+"/soft"),
				catching(calls(call(unix.SYS_LINKAT, atCWD, dir+"/.ssh/authorized_keys", atCWD, dir+"/hard", 0)), "sys_linkat", dir+"/hard"),
			},
			leaves: []deed{calls(call(unix.SYS_SYMLINKAT, "/etc/passwd", atCWD, dir+"/other")).gets("0")},
		},
		{
			policy: "kernel-settings",
			catches: []catch{catching(calls(opening(hostname, unix.O_WRONLY), call(unix.SYS_WRITE, result(0), "example", 7)).in(unix.CLONE_NEWUTS).gets("7"),
				"sys_write", hostname, "ZXhhbXBsZQ==")},
			leaves: []deed{reading(hostname), writing(dir + "/written")},
		},
		{
			policy: "persistence",
			aim:    []string{"/etc/profile.d/", dir + "/profile.d/"},
			catches: []catch{
				catching(writing(dir+"/profile.d/new"), "sys_write", dir+"/profile.d/new"),
				catching(calls(call(unix.SYS_RENAMEAT2, atCWD, dir+"/none", atCWD, dir+"/profile.d/moved", 0)), "sys_renameat2", dir+"/none", dir+"/profile.d/moved"),
			},
			leaves: []deed{
				writing(dir + "/written"), reading(dir + "/profile.d/file"),
				calls(call(unix.SYS_RENAMEAT2, atCWD, dir+"/profile.d/none", atCWD, dir+"/moved", 0)),
			},
		},
		{
			policy: "file-attributes",
			catches: []catch{catching(calls(opening(dir+"/plain", unix.O_RDONLY), call(unix.SYS_IOCTL, result(0), 0x40086602, words(0x40))),
				"sys_ioctl", dir+"/plain", "1074292226", "64")},
			leaves: []deed{calls(opening(dir+"/plain", unix.O_RDONLY), call(unix.SYS_IOCTL, result(0), 0x80086601, words(0)))},
		},
		{
			policy: "raw-disks",
			// Descriptors by O_PATH do not need the device itself, and writing to them fails.
			catches: []catch{catching(calls(call(unix.SYS_MKNODAT, atCWD, dir+"/disk", unix.S_IFBLK|0o600, 0x7ff), opening(dir+"/disk", unix.O_PATH),
				call(unix.SYS_WRITE, result(1), "text", 4)).gets("EBADF"), "sys_write", dir+"/disk")},
			leaves: []deed{writing("/dev/null"), writing(dir + "/written")},
		},
		{
			policy: "bait-file",
			aim:    []string{"/etc/vedette-example/passwords.txt", dir + "/bait"},
			catches: []catch{
				catching(reading(dir+"/bait").dies(), "sys_read", dir+"/bait", "10", "the bait was read", "KPROBE_ACTION_SIGKILL"),
				catching(calls(call(unix.SYS_SETRESUID, nobody, nobody, nobody), opening(dir+"/bait", unix.O_RDONLY)).gets("EACCES"),
					"sys_openat", dir+"/bait", "-13", "the bait was not opened"),
			},
			leaves: []deed{reading(dir + "/plain"), calls(opening(dir+"/bait", unix.O_RDONLY))},
		},
		{
			policy:  "secret-directory",
			aim:     []string{"/etc/vedette-example/private/", dir + "/private/"},
			catches: []catch{catching(calls(opening(dir+"/private/file", unix.O_RDONLY)).gets("EPERM"), "file_open", dir+"/private/file", "KPROBE_ACTION_OVERRIDE")},
			leaves:  []deed{calls(opening(dir+"/plain", unix.O_RDONLY), call(unix.SYS_CLOSE, result(0))).gets("0")},
			needs:   refusals,
		},
		{
			policy: "set-user-id-files",
			catches: []catch{
				catching(calls(call(unix.SYS_FCHMODAT, atCWD, dir+"/plain", 0o4755)).gets("0"), "sys_fchmodat", dir+"/plain", "2541"),
				catching(calls(opening(dir+"/plain", unix.O_RDONLY), call(unix.SYS_FCHMOD, result(0), 0o2755)).gets("0"), "sys_fchmod", dir+"/plain", "1517"),
			},
			leaves: []deed{calls(call(unix.SYS_FCHMODAT, atCWD, dir+"/plain", 0o1755)).gets("0")},
		},
	}
}
