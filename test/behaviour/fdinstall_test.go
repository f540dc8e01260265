// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestFdInstall checks which calls the equivalent of fd_install sees, and with which descriptor and file.
func TestFdInstall(t *testing.T) { fdInstalls.run(t) }

// fdInstallSpec hooks fd_install with a filter on the file.
const fdInstallSpec = `
kprobes:
- call: fd_install
  syscall: false
  args: [{index: 0, type: int}, {index: 1, type: file}]
  selectors: [{matchArgs: [{index: 1, operator: Prefix, values: [$DIR/installed]}]}]
`

// installed makes a row in which one call opens a file, after what prepares it.
func installed(name string, prepare func(*actor), act func(*actor), want ...string) row {
	return row{name: name, spec: fdInstallSpec, act: then(prepare, act), want: want}
}

// makeFile makes the file that rows open. What they open is descriptor 60, and then 61.
func makeFile(a *actor) {
	for a.call(unix.SYS_FCNTL, 2, unix.F_DUPFD, 3) < 59 {
	}
	a.must(unix.CloseRange(60, 1000, 0))
	path := append([]byte(a.dir+"/installed"), 0)
	a.check(a.call(unix.SYS_MKNOD, address(path), unix.S_IFREG|0o644, 0) >= -int64(unix.EEXIST), "mknod")
}

func fdInstalled(fd string) string {
	return "fd_install(int " + fd + ", file $DIR/installed -rw-r--r--)"
}

var fdInstalls = register(table{name: "fd-install", rows: []row{
	installed("open", makeFile, func(a *actor) {
		path := append([]byte(a.dir+"/installed"), 0)
		a.check(a.call(unix.SYS_OPEN, address(path), unix.O_RDONLY) == 60, "not descriptor 60")
	}, fdInstalled("60")),
	installed("openat", makeFile, func(a *actor) { a.check(a.openat(a.dir+"/installed") == 60, "not descriptor 60") }, fdInstalled("60")),
	installed("openat2", makeFile, func(a *actor) {
		fd, err := unix.Openat2(unix.AT_FDCWD, a.dir+"/installed", &unix.OpenHow{})
		a.must(err)
		a.check(fd == 60, "not descriptor 60")
	}, fdInstalled("60")),
	installed("creat", makeFile, func(a *actor) {
		path := append([]byte(a.dir+"/installed"), 0)
		a.check(a.call(unix.SYS_CREAT, address(path), 0o644) == 60, "not descriptor 60")
	}, fdInstalled("60")),
	installed("dup and fcntl, not dup2 and dup3", makeFile, func(a *actor) {
		fd := a.openat(a.dir + "/installed")
		a.call(unix.SYS_DUP, uint64(fd))
		a.call(unix.SYS_DUP2, uint64(fd), 100)
		a.call(unix.SYS_DUP3, uint64(fd), 101, unix.O_CLOEXEC)
		a.call(unix.SYS_FCNTL, uint64(fd), unix.F_DUPFD, 102)
		a.call(unix.SYS_FCNTL, uint64(fd), unix.F_DUPFD_CLOEXEC, 103)
	}, fdInstalled("60"), fdInstalled("61"), fdInstalled("102"), fdInstalled("103")),
	installed("calls that install nothing", makeFile, func(a *actor) {
		fd := a.openat(a.dir + "/installed")
		// Results that are the number of an open descriptor.
		a.must(unix.Dup3(int(fd), 1, unix.O_CLOEXEC))
		a.check(a.call(unix.SYS_FCNTL, 1, unix.F_GETFD) == unix.FD_CLOEXEC, "F_GETFD")
		a.check(a.call(unix.SYS_DUP2, 1, 1) == 1, "dup2 of the same")
		a.call(unix.SYS_FCNTL, 1, unix.F_SETFL, 0)
		a.openat("/nonexistent")
		a.call(unix.SYS_READ, uint64(fd), 0, 0)
	}, fdInstalled("60")),
	{
		name: "memory and sockets have no such path", spec: fdInstallSpec,
		act: func(a *actor) {
			_, err := unix.MemfdCreate("installed", 0)
			a.must(err)
			a.socket(50)
		},
	},
	{
		name: "by its number", spec: `
kprobes:
- call: fd_install
  syscall: false
  args: [{index: 0, type: int}]
  selectors: [{matchArgs: [{index: 0, operator: Equal, values: ["4321"]}], matchPIDs: [{operator: In, followForks: true, values: [$PID]}]}]
`,
		act:  func(a *actor) { a.call(unix.SYS_FCNTL, 2, unix.F_DUPFD, 4321) },
		want: []string{"fd_install(int 4321)"},
	},
}})
