// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"os"

	"golang.org/x/sys/unix"
)

// Calls that change or follow names.
func nameCalls() []Call {
	return []Call{
		one("mkdir", func(r *rig) *plan { return r.call(r.appears("d"), unix.SYS_MKDIR, r.name("d"), 0o755) }),
		one("mkdirat", func(r *rig) *plan { return r.call(r.appears("d"), unix.SYS_MKDIRAT, atCWD, r.name("d"), 0o755) }),
		one("rmdir", func(r *rig) *plan { return r.call(r.vanishes("d"), unix.SYS_RMDIR, r.directory("d")) }),
		one("unlink", func(r *rig) *plan { return r.call(r.vanishes("f"), unix.SYS_UNLINK, r.file("f", "x")) }),
		{"unlinkat", []Variant{
			{Name: "file", prepare: func(r *rig) *plan {
				return r.call(r.vanishes("f"), unix.SYS_UNLINKAT, atCWD, r.file("f", "x"), 0)
			}},
			{Name: "directory", prepare: func(r *rig) *plan {
				return r.call(r.vanishes("d"), unix.SYS_UNLINKAT, atCWD, r.directory("d"), unix.AT_REMOVEDIR)
			}},
		}},
		{"rename", renameVariants(func(r *rig, done func(*Attempt) bool, from, to uintptr) *plan {
			return r.call(done, unix.SYS_RENAME, from, to)
		})},
		{"renameat", renameVariants(func(r *rig, done func(*Attempt) bool, from, to uintptr) *plan {
			return r.call(done, unix.SYS_RENAMEAT, atCWD, from, atCWD, to)
		})},
		{"renameat2", append(renameVariants(func(r *rig, done func(*Attempt) bool, from, to uintptr) *plan {
			return r.call(done, unix.SYS_RENAMEAT2, atCWD, from, atCWD, to, 0)
		}), Variant{Name: "exchange", prepare: exchange}, Variant{Name: "no replace", prepare: func(r *rig) *plan {
			return r.call(r.vanishes("f"), unix.SYS_RENAMEAT2, atCWD, r.file("f", "x"), atCWD, r.name("g"), unix.RENAME_NOREPLACE)
		}}, Variant{Name: "whiteout", prepare: func(r *rig) *plan {
			return r.call(r.appears("g"), unix.SYS_RENAMEAT2, atCWD, r.file("f", "x"), atCWD, r.name("g"), unix.RENAME_WHITEOUT)
		}})},
		one("link", func(r *rig) *plan { return r.call(r.appears("l"), unix.SYS_LINK, r.file("f", "x"), r.name("l")) }),
		{"linkat", []Variant{
			{Name: "path", prepare: func(r *rig) *plan {
				return r.call(r.appears("l"), unix.SYS_LINKAT, atCWD, r.file("f", "x"), atCWD, r.name("l"), 0)
			}},
			{Name: "temporary", prepare: func(r *rig) *plan {
				fd := r.open("", unix.O_TMPFILE|unix.O_RDWR)
				return r.call(r.appears("l"), unix.SYS_LINKAT, fd, r.text(""), atCWD, r.name("l"), unix.AT_EMPTY_PATH)
			}},
		}},
		one("symlink", func(r *rig) *plan { return r.call(r.appears("l"), unix.SYS_SYMLINK, r.text("to"), r.name("l")) }),
		one("symlinkat", func(r *rig) *plan {
			return r.call(r.appears("l"), unix.SYS_SYMLINKAT, r.text("to"), atCWD, r.name("l"))
		}),
		{"mknod", mknodVariants(func(r *rig, mode, device uintptr) *plan {
			return r.call(r.appears("n"), unix.SYS_MKNOD, r.name("n"), mode, device)
		})},
		{"mknodat", mknodVariants(func(r *rig, mode, device uintptr) *plan {
			return r.call(r.appears("n"), unix.SYS_MKNODAT, atCWD, r.name("n"), mode, device)
		})},
		one("readlink", func(r *rig) *plan {
			r.must(os.Symlink("to", r.path("l")), "symlink")
			b := r.space(16)
			return r.call(filled(b), unix.SYS_READLINK, r.name("l"), address(b), 16)
		}),
		one("readlinkat", func(r *rig) *plan {
			r.must(os.Symlink("to", r.path("l")), "symlink")
			b := r.space(16)
			return r.call(filled(b), unix.SYS_READLINKAT, atCWD, r.name("l"), address(b), 16)
		}),
		{"chdir", []Variant{
			{Name: "path", prepare: func(r *rig) *plan { return r.call(r.leads("cwd", "d"), unix.SYS_CHDIR, r.directory("d")) }},
			{Name: "root", prepare: func(r *rig) *plan {
				return r.call(func(a *Attempt) bool { return procLink(a.Process, "cwd") == "/" }, unix.SYS_CHDIR, r.text("/")).
					first(unix.SYS_CHDIR, r.text(r.dir))
			}},
		}},
		one("fchdir", func(r *rig) *plan {
			r.directory("d")
			return r.call(r.leads("cwd", "d"), unix.SYS_FCHDIR, r.open("d", unix.O_RDONLY))
		}),
		one("chroot", func(r *rig) *plan { return r.call(r.leads("root", "d"), unix.SYS_CHROOT, r.directory("d")) }),
		{"access", accessVariants(func(r *rig, path uintptr) *plan { return r.call(returns, unix.SYS_ACCESS, path, unix.R_OK) })},
		{"faccessat", accessVariants(func(r *rig, path uintptr) *plan {
			return r.call(returns, unix.SYS_FACCESSAT, atCWD, path, unix.F_OK)
		})},
		{"faccessat2", accessVariants(func(r *rig, path uintptr) *plan {
			return r.call(returns, unix.SYS_FACCESSAT2, atCWD, path, unix.R_OK, unix.AT_EACCESS)
		})},
	}
}

// leads reports an effect: the link of /proc leads to the name.
func (r *rig) leads(to, name string) func(*Attempt) bool {
	return func(a *Attempt) bool { return procLink(a.Process, to) == r.path(name) }
}

func renameVariants(rename func(r *rig, done func(*Attempt) bool, from, to uintptr) *plan) []Variant {
	return []Variant{
		{Name: "file", prepare: func(r *rig) *plan { return rename(r, r.vanishes("f"), r.file("f", "x"), r.name("g")) }},
		{Name: "over a file", prepare: func(r *rig) *plan {
			return rename(r, func(*Attempt) bool { return r.content("g") == "x" || !r.exists("f") }, r.file("f", "x"), r.file("g", "y"))
		}},
		{Name: "directory", prepare: func(r *rig) *plan { return rename(r, r.vanishes("d"), r.directory("d"), r.name("e")) }},
		{Name: "to another directory", prepare: func(r *rig) *plan {
			r.directory("e")
			return rename(r, r.vanishes("d"), r.directory("d"), r.name("e/d"))
		}},
	}
}

func exchange(r *rig) *plan {
	done := func(*Attempt) bool { return r.content("f") != "x" || r.content("g") != "y" }
	return r.call(done, unix.SYS_RENAMEAT2, atCWD, r.file("f", "x"), atCWD, r.file("g", "y"), unix.RENAME_EXCHANGE)
}

func mknodVariants(mknod func(r *rig, mode, device uintptr) *plan) []Variant {
	return []Variant{
		{Name: "file", prepare: func(r *rig) *plan { return mknod(r, unix.S_IFREG|0o600, 0) }},
		{Name: "fifo", prepare: func(r *rig) *plan { return mknod(r, unix.S_IFIFO|0o600, 0) }},
		{Name: "socket", prepare: func(r *rig) *plan { return mknod(r, unix.S_IFSOCK|0o600, 0) }},
		{Name: "device", prepare: func(r *rig) *plan { return mknod(r, unix.S_IFCHR|0o600, 1<<8|3) }},
	}
}

func accessVariants(access func(r *rig, path uintptr) *plan) []Variant {
	return []Variant{
		{Name: "file", prepare: func(r *rig) *plan { return access(r, r.file("f", "x")) }},
		{Name: "root", prepare: func(r *rig) *plan { return access(r, r.text("/")) }},
	}
}
