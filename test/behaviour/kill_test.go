// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/kernel"
)

// TestKillAndTheCall checks what is left of a call that is killed at its entry. Where the kernel lets programs refuse,
// nothing. Elsewhere the signal is pending when the call begins: calls that look for one do nothing, the others do
// their work, and the process ends with them.
func TestKillAndTheCall(t *testing.T) { killAndTheCall.run(t) }

// killed hooks a call whose only argument of interest is its number; the actor makes it once.
func killed(call string) string {
	return "kprobes:\n- call: " + call + "\n  selectors:\n  - " + ours + "matchActions: [{action: Sigkill}]\n"
}

// survivor makes a row: a child of the actor makes the call and is killed; the actor then looks at what is left.
func survivor(call string, prepare, look func(*actor)) row {
	return row{
		name: call, spec: killed("sys_" + call), want: []string{"child: SIGKILL sys_" + call + "()"},
		act: func(a *actor) {
			prepare(a)
			err := a.actAs("/proc/self/exe", "kill "+call)
			a.check(err != nil && err.Error() == "signal: killed", "the child ended with %v", err)
			look(a)
		},
	}
}

func init() {
	for call, deed := range killDeeds {
		deeds["kill "+call] = deed
	}
}

// onTmpfs is the same row in a file system in memory.
func onTmpfs(r row) row {
	act := r.act
	r.name += " on tmpfs"
	r.act = func(a *actor) {
		a.ownMounts()
		a.mount("tmpfs", "tmpfs")
		a.dir += "/tmpfs"
		act(a)
	}
	return r
}

// killDeeds are the calls, as children of the actors make them.
var killDeeds = map[string]func(*actor){
	"pwrite64": func(a *actor) {
		a.open(a.dir+"/written", 77)
		b := []byte("overwritten")
		a.call(unix.SYS_PWRITE64, 77, address(b), uint64(len(b)), 0)
	},
	"sendfile": func(a *actor) {
		a.openBoth("sent")
		a.call(unix.SYS_SENDFILE, 78, 77, 0, 100)
	},
	"copy_file_range": func(a *actor) {
		a.openBoth("copied")
		a.call(unix.SYS_COPY_FILE_RANGE, 77, 0, 78, 0, 100, 0)
	},
	"splice": func(a *actor) {
		a.openBoth("spliced")
		a.pipe(79, 80)
		a.call(unix.SYS_SPLICE, 77, 0, 80, 0, 100, 0)
		a.call(unix.SYS_SPLICE, 79, 0, 78, 0, 100, 0)
	},
	"rmdir":  func(a *actor) { a.rmdir(a.dir + "/removed") },
	"mkdir":  func(a *actor) { a.callPath(unix.SYS_MKDIR, "made", 0o755) },
	"unlink": func(a *actor) { a.callPath(unix.SYS_UNLINK, "unlinked", 0) },
	"creat":  func(a *actor) { a.callPath(unix.SYS_CREAT, "created", 0o644) },
	"rename": func(a *actor) {
		to := append([]byte(a.dir+"/renamed"), 0)
		a.callPath(unix.SYS_RENAME, "named", address(to))
		runtime.KeepAlive(to)
	},
	"truncate": func(a *actor) { a.callPath(unix.SYS_TRUNCATE, "truncated", 0) },
}

// openBoth opens a file and the one beside it.
func (a *actor) openBoth(name string) {
	a.open(a.dir+"/"+name, 77)
	a.open(a.dir+"/"+name+".out", 78)
}

// callPath makes a call with the path of a file in the table's directory and one more argument.
func (a *actor) callPath(number uintptr, name string, argument uint64) {
	path := append([]byte(a.dir+"/"+name), 0)
	a.call(number, address(path), argument)
	runtime.KeepAlive(path)
}

var killAndTheCall = register(table{name: "kill", rows: []row{
	// Nothing is done.
	survivor("pwrite64", withFile("written"), func(a *actor) { a.contains("written", "original") }),
	survivor("sendfile", withFile("sent"), func(a *actor) { a.contains("sent.out", "") }),
	survivor("copy_file_range", withFile("copied"), func(a *actor) { a.contains("copied.out", "") }),
	survivor("splice", withFile("spliced"), func(a *actor) { a.contains("spliced.out", "") }),
	onTmpfs(survivor("pwrite64", withFile("written"), func(a *actor) { a.contains("written", "original") })),
	onTmpfs(survivor("sendfile", withFile("sent"), func(a *actor) { a.contains("sent.out", "") })),
	onTmpfs(survivor("copy_file_range", withFile("copied"), func(a *actor) { a.contains("copied.out", "") })),
	onTmpfs(survivor("splice", withFile("spliced"), func(a *actor) { a.contains("spliced.out", "") })),
	// These do their work where nothing refuses it.
	survivor("rmdir", func(a *actor) { a.must(os.Mkdir(a.dir+"/removed", 0o755)) }, func(a *actor) { a.is("removed", refuses()) }),
	survivor("mkdir", nothing, func(a *actor) { a.is("made", !refuses()) }),
	survivor("unlink", withFile("unlinked"), func(a *actor) { a.is("unlinked", refuses()) }),
	survivor("creat", nothing, func(a *actor) { a.is("created", !refuses()) }),
	survivor("rename", withFile("named"), func(a *actor) { a.is("renamed", !refuses()) }),
	survivor("truncate", withFile("truncated"), func(a *actor) {
		left := ""
		if refuses() {
			left = "original"
		}
		a.contains("truncated", left)
	}),
}})

func nothing(*actor) {}

// withFile makes a file with the content "original", and an empty one beside it.
func withFile(name string) func(*actor) {
	return func(a *actor) {
		a.file(name, "original", 77)
		a.file(name+".out", "", 78)
	}
}

// is checks that a file of the table's directory is there, or that it is not.
func (a *actor) is(name string, there bool) {
	_, err := os.Stat(a.dir + "/" + name)
	a.check(err == nil || os.IsNotExist(err), "%v", err)
	a.check((err == nil) == there, "that %s is there is to be %v: %v", name, there, err)
}

// refuses reports whether a call that is killed is also refused: where the kernel lets programs do so.
func refuses() bool { return kernel.Offered().Check(kernel.FeatureFmodRet) == nil }

func (a *actor) contains(name, want string) {
	got, err := os.ReadFile(a.dir + "/" + name)
	a.must(err)
	a.check(string(got) == want, "%s has %q", name, got)
}
