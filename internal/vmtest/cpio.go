// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"strings"
)

// The types of files in an archive, of the mode of stat(2).
const (
	modeDirectory = 0o040000
	modeCharacter = 0o020000
	modeRegular   = 0o100000
	modeLink      = 0o120000
)

// trailer is the name that ends an archive.
const trailer = "TRAILER!!!"

// merged are the directories that are links into /usr, as on every distribution of today: a program has
// one path, whichever name it is called by.
var merged = []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"}

// archive writes a cpio archive in the format "newc", which the kernel unpacks as its first root
// (Documentation/driver-api/early-userspace/buffer-format.rst). Of files with one name the first counts.
// The first error stays and is returned by close.
type archive struct {
	w       *bufio.Writer
	err     error
	written int64
	inode   int
	seen    map[string]bool
}

func newArchive(w io.Writer) *archive {
	a := &archive{w: bufio.NewWriterSize(w, 1<<20), seen: map[string]bool{}}
	for _, name := range merged {
		a.directory("usr/" + name)
		a.entry(name, modeLink|0o777, []byte("usr/"+name))
	}
	return a
}

// guestName is the name in the archive of an absolute path.
func guestName(file string) string {
	name := strings.TrimPrefix(path.Clean("/"+file), "/")
	top, _, below := strings.Cut(name, "/")
	for _, m := range merged {
		if below && top == m {
			return "usr/" + name
		}
	}
	return name
}

// has says that the archive has a file already.
func (a *archive) has(file string) bool { return a.seen[guestName(file)] }

func (a *archive) directory(file string) { a.add(file, modeDirectory|0o755, nil) }

func (a *archive) regular(file string, permissions uint32, data []byte) {
	a.add(file, modeRegular|permissions, data)
}

func (a *archive) link(file, target string) { a.add(file, modeLink|0o777, []byte(target)) }

// add adds a file and the directories above it, unless there is one of that name.
func (a *archive) add(file string, mode uint32, data []byte) {
	name := guestName(file)
	if name == "" || a.seen[name] {
		return
	}
	if dir := path.Dir(name); dir != "." {
		a.directory(dir)
	}
	a.entry(name, mode, data)
}

// entry writes one header with its name and its data, each padded to 4 bytes.
func (a *archive) entry(name string, mode uint32, data []byte) {
	a.seen[name] = true
	a.inode++
	const owner, group, links, time, device, check = 0, 0, 1, 0, 0, 0
	a.write(fmt.Appendf(nil, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.inode, mode, owner, group, links, time, len(data), device, device, device, device, len(name)+1, check, name))
	a.write(data)
}

func (a *archive) write(data []byte) {
	if a.err != nil {
		return
	}
	padded := (a.written + int64(len(data)) + 3) &^ 3
	if _, a.err = a.w.Write(data); a.err == nil {
		_, a.err = a.w.Write(make([]byte, padded-a.written-int64(len(data))))
	}
	a.written = padded
}

// close ends the archive.
func (a *archive) close() error {
	a.entry(trailer, 0, nil)
	if a.err == nil {
		a.err = a.w.Flush()
	}
	return a.err
}
