// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import "golang.org/x/sys/unix"

// Calls that change credentials.
func credentialCalls() []Call {
	const id = 7
	ids := func(name, field string, number uintptr, args ...uintptr) Call {
		return one(name, func(r *rig) *plan { return r.call(changes(field), number, args...) })
	}
	// header is capability version 3 for the caller itself.
	header := func(r *rig) uintptr { return r.ints(unix.LINUX_CAPABILITY_VERSION_3, 0) }
	return []Call{
		ids("setuid", "Uid", unix.SYS_SETUID, id),
		ids("setreuid", "Uid", unix.SYS_SETREUID, id, id),
		ids("setresuid", "Uid", unix.SYS_SETRESUID, id, id, id),
		ids("setgid", "Gid", unix.SYS_SETGID, id),
		ids("setregid", "Gid", unix.SYS_SETREGID, id, id),
		ids("setresgid", "Gid", unix.SYS_SETRESGID, id, id, id),
		one("setgroups", func(r *rig) *plan { return r.call(changes("Groups"), unix.SYS_SETGROUPS, 1, r.ints(id)) }),
		one("capset", func(r *rig) *plan {
			return r.call(changes("CapEff"), unix.SYS_CAPSET, header(r), r.words(0, 0, 0))
		}),
		one("capget", func(r *rig) *plan {
			b := r.space(24)
			return r.call(filled(b), unix.SYS_CAPGET, header(r), address(b))
		}),
		one("unshare", func(r *rig) *plan {
			before := procLink(unix.Getpid(), "ns/user")
			return r.call(func(a *Attempt) bool { return procLink(a.Process, "ns/user") != before }, unix.SYS_UNSHARE, unix.CLONE_NEWUSER)
		}),
	}
}
