// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestFollow checks policies that follow descriptors: an fd argument matches only those that are followed.
func TestFollow(t *testing.T) { follows.run(t) }

// following follows what is opened as a file whose path begins so, and tells reads of it. calls are more hooks.
func following(calls string) string {
	return `
kprobes:
- call: fd_install
  syscall: false
  args: [{index: 0, type: int}, {index: 1, type: file}]
  selectors:
  - ` + ours + `matchArgs: [{index: 1, operator: Prefix, values: [$DIR/secret]}, {index: 0, operator: LT, values: ["70"]}]
    matchActions: [{action: FollowFD, argFd: 0, argName: 1}]
- call: sys_close
  args: [{index: 0, type: int}]
  selectors:
  - ` + ours + `matchActions: [{action: UnfollowFD, argFd: 0, argName: 0}]
- call: sys_pread64
  args: [{index: 0, type: fd}]
  selectors:
  - ` + ours + `matchActions: [{action: Post}]
` + calls
}

const (
	followed   = "FOLLOWFD fd_install(int 60, file $DIR/secret -rw-r--r--)"
	unfollowed = "UNFOLLOWFD sys_close(int 60)"
	readSecret = "sys_pread64(file $DIR/secret -rw-r--r--)"
)

// openSecret opens the file as descriptor 60.
func openSecret(a *actor) { a.check(a.openat(a.dir+"/secret") == 60, "not descriptor 60") }

// makeSecret makes the file that is followed, and one that is not.
func makeSecret(a *actor) {
	for _, name := range []string{"secret", "public"} {
		path := append([]byte(a.dir+"/"+name), 0)
		a.check(a.call(unix.SYS_MKNOD, address(path), unix.S_IFREG|0o644, 0) >= -int64(unix.EEXIST), "mknod")
	}
	for a.call(unix.SYS_FCNTL, 2, unix.F_DUPFD, 3) < 59 {
	}
	a.must(unix.CloseRange(60, 1000, 0))
}

func readAt(fd int) func(*actor) { return func(a *actor) { a.pread(fd, 1, 0) } }

func closeAt(fd uint64) func(*actor) { return func(a *actor) { a.call(unix.SYS_CLOSE, fd) } }

var follows = register(table{name: "follow", rows: []row{
	{name: "from its opening on", spec: following(""), act: then(makeSecret, openSecret, readAt(60)), want: []string{followed, readSecret}},
	{name: "not others", spec: following(""), act: then(makeSecret, func(a *actor) { a.openat(a.dir + "/public") }, readAt(60))},
	{name: "not from before the policy", early: true, spec: following(""), act: then(makeSecret, func(a *actor) {
		a.move(int(a.openat(a.dir+"/secret")), 71) // fd_install sees it as 60, then as 71, which is not followed
	}, readAt(71)), want: []string{followed, unfollowed}},
	{name: "until it is closed", spec: following(""), act: then(makeSecret, openSecret, readAt(60), closeAt(60), func(a *actor) {
		a.check(a.openat(a.dir+"/public") == 60, "not descriptor 60")
	}, readAt(60), closeAt(60)), want: []string{followed, readSecret, unfollowed}},
	{name: "closed in another way, the number in use again", spec: following(""), act: then(makeSecret, openSecret, func(a *actor) {
		a.check(a.openat(a.dir+"/public") == 61, "not descriptor 61")
		a.must(unix.Dup3(61, 60, 0))
	}, readAt(60)), want: []string{followed}},
	{
		name: "copied",
		spec: following(`- call: sys_dup2
  args: [{index: 0, type: fd}, {index: 1, type: int}]
  selectors:
  - ` + ours + `matchActions: [{action: CopyFD, argFd: 0, argName: 1}]
`),
		act: then(makeSecret, openSecret, func(a *actor) {
			a.check(a.call(unix.SYS_DUP2, 60, 75) == 75, "dup2")
			a.check(a.call(unix.SYS_DUP2, 2, 76) == 76, "dup2")
		}, readAt(75), readAt(60)),
		want: []string{followed, "COPYFD sys_dup2(file $DIR/secret -rw-r--r--, int 75)", readSecret, readSecret},
	},
	{
		name: "killed", signal: unix.SIGKILL,
		spec: following(`- call: sys_preadv
  args: [{index: 0, type: fd}]
  selectors:
  - ` + ours + `matchActions: [{action: Sigkill}]
`),
		act: then(makeSecret, openSecret, func(a *actor) {
			a.call(unix.SYS_PREADV, 59, 0, 0, 0, 0)
			a.call(unix.SYS_PREADV, 60, 0, 0, 0, 0)
		}, waitForEnd),
		want: []string{followed, "SIGKILL sys_preadv(file $DIR/secret -rw-r--r--)"},
	},
}})
