// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/test/lab"
)

// Calls that make processes and start programs. A new process ends at once, and
// stays to be waited for by the child.
func makingCalls() []Call {
	const thread = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD
	return []Call{
		one("fork", func(r *rig) *plan { return r.call(born, unix.SYS_FORK).forks() }),
		one("vfork", func(r *rig) *plan { return r.call(born, unix.SYS_VFORK).forks() }),
		{"clone", []Variant{
			{Name: "process", prepare: func(r *rig) *plan { return r.call(born, unix.SYS_CLONE, uintptr(unix.SIGCHLD)).forks() }},
			{Name: "thread", prepare: func(r *rig) *plan { return r.call(returns, unix.SYS_CLONE, thread).forks() }},
			{Name: "user namespace", prepare: func(r *rig) *plan {
				return r.call(born, unix.SYS_CLONE, unix.CLONE_NEWUSER|unix.CLONE_NEWPID|uintptr(unix.SIGCHLD)).forks()
			}},
			{Name: "descriptor", prepare: func(r *rig) *plan {
				return r.call(newDescriptor, unix.SYS_CLONE, unix.CLONE_PIDFD|uintptr(unix.SIGCHLD), 0, r.ints(0)).forks()
			}},
		}},
		one("clone3", func(r *rig) *plan {
			return r.call(born, unix.SYS_CLONE3, r.words(0, 0, 0, 0, uintptr(unix.SIGCHLD), 0, 0, 0), 64).forks()
		}),
		{"execve", []Variant{
			{Name: "program", prepare: func(r *rig) *plan {
				return r.call(ended, unix.SYS_EXECVE, r.text(lab.Tiny(r.tb)), r.words(0), r.words(0))
			}},
			{Name: "script", prepare: func(r *rig) *plan {
				return r.call(ended, unix.SYS_EXECVE, r.script(), r.words(0), r.words(0))
			}},
		}},
		{"execveat", []Variant{
			{Name: "path", prepare: func(r *rig) *plan {
				return r.call(ended, unix.SYS_EXECVEAT, atCWD, r.text(lab.Tiny(r.tb)), r.words(0), r.words(0), 0)
			}},
			{Name: "descriptor", prepare: func(r *rig) *plan {
				fd, err := unix.Open(lab.Tiny(r.tb), unix.O_PATH|unix.O_CLOEXEC, 0)
				r.must(err, "open a program")
				return r.call(ended, unix.SYS_EXECVEAT, r.fd(fd), r.text(""), r.words(0), r.words(0), unix.AT_EMPTY_PATH)
			}},
		}},
	}
}

// script makes a script of the tiny program and returns the address of its path.
func (r *rig) script() uintptr {
	r.tb.Helper()
	r.must(os.WriteFile(r.path("script"), []byte("#!"+lab.Tiny(r.tb)+"\n"), 0o755), "make a script")
	return r.name("script")
}

// born reports that the child has a child, which has ended.
func born(a *Attempt) bool {
	if !returns(a) {
		b, _ := os.ReadFile("/proc/" + itoa(a.Process) + "/task/" + itoa(a.Process) + "/children")
		return len(b) != 0
	}
	return status(a.result(), "PPid") == itoa(a.Process)
}

// ended reports that the program that the child became has run: it ends at once.
func ended(a *Attempt) bool { return a.child.exited() }
