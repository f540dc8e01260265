// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// seek is what rows do with a descriptor: it fails, and has an event.
func seek(descriptors ...int) func(*actor) {
	return func(a *actor) {
		for _, fd := range descriptors {
			a.lseek(fd, 0)
		}
	}
}

// then does one after the other.
func then(acts ...func(*actor)) func(*actor) {
	return func(a *actor) {
		for _, act := range acts {
			act(a)
		}
	}
}

// fdSpec hooks lseek with its descriptor as a file, and filters on that.
func fdSpec(filters ...string) string {
	spec := "kprobes:\n- call: sys_lseek\n  args: [{index: 0, type: fd}]\n"
	if len(filters) > 0 {
		spec += "  selectors: [{matchArgs: [{index: 0, " + strings.Join(filters, "}, {index: 0, ") + "}]}]\n"
	}
	return spec
}

// file is the event of a seek in a file.
func file(path, permission string) string {
	return "sys_lseek(file " + strings.TrimSpace(path+" "+permission) + ")"
}

const (
	regular   = "-rw-r--r--"
	badFile   = "sys_lseek(error Bad file descriptor)"
	truncated = " unresolvedPathComponents"
)

// TestDescriptors checks what an argument of type fd tells of every kind of descriptor, from the place of the process
// that has it.
func TestDescriptors(t *testing.T) { descriptors.run(t) }

var descriptors = register(table{name: "descriptors", rows: []row{
	{
		name: "file", spec: fdSpec(),
		act:  then(func(a *actor) { a.file("f", "", 77) }, seek(77)),
		want: []string{file("$DIR/f", regular)},
	},
	{
		name: "directory and the root", spec: fdSpec(),
		act: then(func(a *actor) {
			a.open(a.dir, 77)
			a.open("/", 78)
		}, seek(77, 78)),
		want: []string{file("$DIR", "drwxr-xr-x"), file("/", "drwxr-xr-x")},
	},
	{
		name: "device", spec: fdSpec(),
		act:  then(func(a *actor) { a.open(os.DevNull, 77) }, seek(77)),
		want: []string{file("/dev/null", "crw-rw-rw-")},
	},
	{
		name: "pipe and socket have no path", spec: fdSpec(),
		act: then(func(a *actor) {
			a.pipe(77, 78)
			a.socket(79)
		}, seek(77, 79)),
		want: []string{file("/", "prw-------"), file("/", "srwxrwxrwx")},
	},
	{
		name: "not open", spec: fdSpec(),
		act:  seek(77, -1, -100, 1<<30),
		want: []string{badFile, badFile, badFile, badFile},
	},
	{
		name: "closed again", spec: fdSpec(),
		act: then(func(a *actor) {
			a.file("closed", "", 77)
			a.must(unix.Close(77))
		}, seek(77)),
		want: []string{badFile},
	},
	{
		name: "a symbolic link is followed, a hard link is a name", spec: fdSpec(),
		act: then(func(a *actor) {
			a.file("linked", "", 77)
			a.must(os.Symlink("linked", a.dir+"/symbolic"))
			a.open(a.dir+"/symbolic", 78)
			a.must(os.Link(a.dir+"/linked", a.dir+"/hard"))
			a.open(a.dir+"/hard", 79)
		}, seek(78, 79)),
		want: []string{file("$DIR/linked", regular), file("$DIR/hard", regular)},
	},
	{
		name: "O_PATH", spec: fdSpec(),
		act: then(func(a *actor) {
			a.file("by path", "", 77)
			fd, err := unix.Open(a.dir+"/by path", unix.O_PATH, 0)
			a.must(err)
			a.move(fd, 78)
		}, seek(78)),
		want: []string{file("$DIR/by path", regular)},
	},
	{
		name: "renamed, then deleted", spec: fdSpec(),
		act: func(a *actor) {
			a.file("before", "", 77)
			a.must(os.Rename(a.dir+"/before", a.dir+"/after"))
			a.lseek(77, 0)
			a.must(os.Remove(a.dir + "/after"))
			a.lseek(77, 0)
		},
		want: []string{file("$DIR/after", regular), file("$DIR/after (deleted)", regular)},
	},
	{
		name: "memory", spec: fdSpec(),
		act: then(func(a *actor) {
			fd, err := unix.MemfdCreate("named", 0)
			a.must(err)
			a.move(fd, 77)
		}, seek(77)),
		want: []string{file("/memfd:named (deleted)", "-rwxrwxrwx")},
	},
	{
		name: "file systems in file systems", spec: fdSpec(),
		act: then(func(a *actor) {
			a.ownMounts()
			a.mount("tmpfs", "mnt")
			a.mount("tmpfs", "mnt/in/mnt")
			a.file("mnt/in/mnt/f", "", 77)
			a.open(a.dir+"/mnt/in/mnt", 78)
		}, seek(77, 78)),
		want: []string{file("$DIR/mnt/in/mnt/f", regular), file("$DIR/mnt/in/mnt", "drwxrwxrwt")},
	},
	{
		name: "a bind mount is another name", spec: fdSpec(),
		act: then(func(a *actor) {
			a.ownMounts()
			a.file("bound", "", 77)
			a.file("over", "", 78)
			a.must(unix.Mount(a.dir+"/bound", a.dir+"/over", "", unix.MS_BIND, ""))
			a.open(a.dir+"/over", 78)
		}, seek(77, 78)),
		want: []string{file("$DIR/bound", regular), file("$DIR/over", regular)},
	},
	{
		name: "seen from a changed root", spec: fdSpec(),
		act: then(func(a *actor) {
			a.must(os.MkdirAll(a.dir+"/root/etc", 0o755))
			a.file("root/etc/f", "", 77)
			a.file("outside", "", 78)
			a.must(unix.Unshare(unix.CLONE_FS))
			a.must(unix.Chroot(a.dir + "/root"))
		}, seek(77, 78)),
		want: []string{file("/etc/f", regular), file("$DIR/outside", regular)},
	},
	{
		name: "in a new mount namespace with a new root", spec: fdSpec(),
		act: then(func(a *actor) {
			a.ownMounts()
			a.mount("tmpfs", "newroot")
			a.file("newroot/f", "", 77)
			a.must(os.Mkdir(a.dir+"/newroot/old", 0o755))
			a.must(unix.PivotRoot(a.dir+"/newroot", a.dir+"/newroot/old"))
			a.open("/old/etc/passwd", 78)
		}, seek(77, 78)),
		want: []string{file("/f", regular), file("/old/etc/passwd", regular)},
	},
	{
		name: "1500 bytes", spec: fdSpec(),
		act:  then(func(a *actor) { a.deep(1500, 200, 77) }, seek(77)),
		want: []string{file("/t..xx(1500)", regular)},
	},
	{
		name: "4090 bytes", spec: fdSpec(),
		act:  then(func(a *actor) { a.deep(4090, 250, 77) }, seek(77)),
		want: []string{file("/t..xx(4090)", regular)},
	},
	{
		// The file itself makes 128; the directory of the table has two.
		name: "128 components", spec: fdSpec(),
		act:  then(func(a *actor) { a.deep(components(128), 1, 77) }, seek(77)),
		want: []string{file("$DIR"+strings.Repeat("/d", 125)+"/x", regular)},
	},
	{
		// Beyond the components and the mounts that a walk goes: the end of the path.
		name: "145 components", spec: fdSpec(),
		act:  then(func(a *actor) { a.deep(components(145), 1, 77) }, seek(77)),
		want: []string{file(strings.Repeat("/d", 136)+"/x", regular+truncated)},
	},
}})

// components is the length of a path with directories of one letter.
func components(n int) int { return dirLength + 2*(n-2) }

// socket makes a socket with the descriptor.
func (a *actor) socket(fd int) {
	made, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	a.must(err)
	a.move(made, fd)
}

// ownMounts gives the actor's thread mounts of its own.
func (a *actor) ownMounts() {
	a.must(unix.Unshare(unix.CLONE_NEWNS))
	a.must(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
}

// mount makes a directory and mounts a new file system on it.
func (a *actor) mount(kind, name string) {
	a.must(os.MkdirAll(filepath.Join(a.dir, name), 0o755))
	a.must(unix.Mount("none", filepath.Join(a.dir, name), kind, 0, ""))
}

// deep opens a file, made of directories with names of a length, whose path is of n bytes.
func (a *actor) deep(n, name, fd int) {
	left := n - len(a.dir)
	var b strings.Builder
	for left > name+2 {
		b.WriteString("/" + strings.Repeat("d", name))
		left -= name + 1
	}
	b.WriteString("/" + strings.Repeat("x", left-1))
	a.must(os.MkdirAll(filepath.Dir(a.dir+b.String()), 0o755))
	a.file(b.String(), "", fd)
}

// TestDescriptorOperators checks the operators on text with the paths of descriptors, and that what has no path, or
// whose path is not known, matches no filter, negated or not.
func TestDescriptorOperators(t *testing.T) { descriptorOperators.run(t) }

var descriptorOperators = register(table{name: "descriptor-operators", rows: descriptorOperatorRows()})

// openProbes opens what the rows probe.
func openProbes(a *actor) {
	a.must(os.MkdirAll(a.dir+"/dir/sub", 0o755))
	a.file("f", "", 70)
	a.file("dir/g", "", 71)
	a.file("dir/sub/f", "", 72)
	a.file("ff", "", 73)
	a.must(os.Remove(a.dir + "/ff"))
	a.pipe(74, 75)
	a.socket(76)
	a.deep(components(140), 1, 77)
	a.ownMounts()
	a.mount("tmpfs", "dir/mnt")
	a.file("dir/mnt/f", "", 78)
}

func descriptorOperatorRows() []row {
	var rows []row
	const f, g, sub, gone, mounted = "$DIR/f", "$DIR/dir/g", "$DIR/dir/sub/f", "$DIR/ff (deleted)", "$DIR/dir/mnt/f"
	for _, c := range []struct {
		filter string
		want   []string
	}{
		{"operator: Equal, values: [$DIR/f]", []string{f}},
		{"operator: Equal, values: [$DIR/dir/g, $DIR/dir/mnt/f, $DIR/dir]", []string{g, mounted}},
		{"operator: Equal, values: [$DIR/ff]", nil},
		{"operator: Equal, values: [$DIR/ff (deleted)]", []string{gone}},
		{"operator: NotEqual, values: [$DIR/f, $DIR/dir/g]", []string{sub, gone, mounted}},
		{"operator: Prefix, values: [$DIR/dir/]", []string{g, sub, mounted}},
		{"operator: Prefix, values: [$DIR/dir/mnt/, $DIR/f]", []string{f, gone, mounted}},
		{"operator: Prefix, values: [$DIR/f, $DIR/ff, $DIR/fff]", []string{f, gone}},
		{"operator: NotPrefix, values: [$DIR/dir/]", []string{f, gone}},
		{"operator: NotPrefix, values: [/etc/]", []string{f, g, sub, gone, mounted}},
		{"operator: Postfix, values: [/f]", []string{f, sub, mounted}},
		{"operator: Postfix, values: [(deleted), /g]", []string{g, gone}},
		{"operator: NotPostfix, values: [/f, /x]", []string{g, gone}},
	} {
		var want []string
		for _, path := range c.want {
			want = append(want, file(path, regular))
		}
		rows = append(rows, row{
			name: c.filter, spec: fdSpec(c.filter), want: want,
			act: then(openProbes, seek(70, 71, 72, 73, 74, 76, 77, 78, 69, -1)),
		})
	}
	// The end of a deep path is known, its beginning is not.
	return append(rows, row{
		name: "the end of a deep path", spec: fdSpec("operator: Postfix, values: [/d/d/x]"),
		act:  then(openProbes, seek(70, 77)),
		want: []string{file("/d../x(274)", regular+truncated)},
	})
}
