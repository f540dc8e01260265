// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// atCWD is AT_FDCWD as an argument.
const atCWD = ^uintptr(99)

// rig is what one variant works on: a tmpfs of its own and memory that it
// shares with its children.
type rig struct {
	tb     testing.TB
	dir    string
	memory []byte
}

func newRig(tb testing.TB) *rig {
	tb.Helper()
	memory, err := unix.Mmap(-1, 0, 64<<10, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON)
	if err != nil {
		tb.Fatalf("shared memory: %v", err)
	}
	tb.Cleanup(func() { _ = unix.Munmap(memory) })
	r := &rig{tb: tb, dir: tb.TempDir(), memory: memory}
	r.mount(r.dir)
	return r
}

// mount puts a tmpfs on the directory until the test ends.
func (r *rig) mount(dir string) {
	r.tb.Helper()
	r.must(unix.Mount("none", dir, "tmpfs", 0, ""), "mount a tmpfs")
	r.tb.Cleanup(func() {
		for unix.Unmount(dir, unix.MNT_DETACH) == nil {
		}
	})
}

func (r *rig) must(err error, what string) {
	r.tb.Helper()
	if err != nil {
		r.tb.Fatalf("%s: %v", what, err)
	}
}

// call plans the call with the arguments.
func (r *rig) call(done func(*Attempt) bool, number uintptr, args ...uintptr) *plan {
	return &plan{call: callStep(number, args...), done: done}
}

// space takes zeroed bytes of the shared memory.
func (r *rig) space(size int) []byte {
	r.tb.Helper()
	size = (size + 15) &^ 15
	if size > len(r.memory) {
		r.tb.Fatalf("shared memory: %d bytes wanted, %d left", size, len(r.memory))
	}
	taken := r.memory[:size:size]
	r.memory = r.memory[size:]
	return taken
}

// text is the address of a string that ends with 0.
func (r *rig) text(s string) uintptr {
	b := r.space(len(s) + 1)
	copy(b, s)
	return address(b)
}

// words is the address of 64-bit numbers.
func (r *rig) words(words ...uintptr) uintptr {
	b := r.space(8 * len(words))
	for i, w := range words {
		binary.NativeEndian.PutUint64(b[8*i:], uint64(w))
	}
	return address(b)
}

// ints is the address of 32-bit numbers.
func (r *rig) ints(ints ...uint32) uintptr {
	b := r.space(4 * len(ints))
	for i, n := range ints {
		binary.NativeEndian.PutUint32(b[4*i:], n)
	}
	return address(b)
}

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(&b[0])) }

// path is the path of a name in the rig's directory.
func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

// name is the address of that path.
func (r *rig) name(name string) uintptr { return r.text(r.path(name)) }

// file makes a file with the content and returns the address of its path.
func (r *rig) file(name, content string) uintptr {
	r.tb.Helper()
	r.must(os.WriteFile(r.path(name), []byte(content), 0o644), "make a file")
	return r.name(name)
}

// directory makes a directory and returns the address of its path.
func (r *rig) directory(name string) uintptr {
	r.tb.Helper()
	r.must(os.Mkdir(r.path(name), 0o755), "make a directory")
	return r.name(name)
}

// open opens a path of the rig until the test ends.
func (r *rig) open(name string, flags int) uintptr {
	r.tb.Helper()
	fd, err := unix.Open(r.path(name), flags|unix.O_CLOEXEC, 0o644)
	r.must(err, "open "+name)
	return r.fd(fd)
}

// fd closes the descriptor with the test.
func (r *rig) fd(fd int) uintptr {
	r.tb.Cleanup(func() { _ = unix.Close(fd) })
	return uintptr(fd)
}

// opened makes a file and opens it.
func (r *rig) opened(name, content string, flags int) uintptr {
	r.tb.Helper()
	r.file(name, content)
	return r.open(name, flags)
}

func (r *rig) exists(name string) bool {
	_, err := os.Lstat(r.path(name))
	return err == nil
}

func (r *rig) content(name string) string {
	b, _ := os.ReadFile(r.path(name))
	return string(b)
}

func (r *rig) stat(name string) unix.Stat_t {
	var st unix.Stat_t
	r.must(unix.Lstat(r.path(name), &st), "stat")
	return st
}

// appears reports an effect: the name is there.
func (r *rig) appears(name string) func(*Attempt) bool {
	return func(*Attempt) bool { return r.exists(name) }
}

// vanishes reports an effect: the name is gone.
func (r *rig) vanishes(name string) func(*Attempt) bool {
	return func(*Attempt) bool { return !r.exists(name) }
}

// filled reports an effect: the kernel has written to the space.
func filled(space []byte) func(*Attempt) bool {
	return func(*Attempt) bool {
		for _, b := range space {
			if b != 0 {
				return true
			}
		}
		return false
	}
}

// returns reports success, for calls with no other effect.
func returns(a *Attempt) bool { return a.call.finished() && (a.result() >= 0 || a.result() < -4095) }

// newDescriptor reports that the child has one more descriptor.
func newDescriptor(a *Attempt) bool { return openDescriptors(a.Process) > a.descriptors }

func openDescriptors(process int) int {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", process))
	return len(entries)
}

// status is a line of the child's /proc status: "Uid" gives "0\t0\t0\t0".
func status(process int, field string) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", process))
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// changes reports that a line of the child's status is not what it was when
// the variant was prepared, in this process, from which the child inherits it.
func changes(field string) func(*Attempt) bool {
	before := status(os.Getpid(), field)
	return func(a *Attempt) bool { return status(a.Process, field) != before }
}

// procLink is what a link in the child's /proc directory leads to: "cwd", "root".
func procLink(process int, name string) string {
	target, _ := os.Readlink(fmt.Sprintf("/proc/%d/%s", process, name))
	return target
}
