// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/test/lab"
)

// atCWD is AT_FDCWD, with which a path is relative to the working directory.
const atCWD = unix.AT_FDCWD

// nobody is an ordinary user.
const nobody = 65534

// noPID is a process id that no process has.
const noPID = 0x7ffffff0

// deed is what a program does, of which a policy may tell.
type deed struct {
	// argv is a command line, or what the program of test/deed is asked for when it begins with "deed".
	argv []string
	// as is the path of a copy of the program that does it, or empty.
	as string
	// namespaces are flags of clone: what is new for the process.
	namespaces uintptr
	// out is what must come out, or empty: the name of an error, or a number.
	out string
	// killed says that the process must be killed.
	killed bool
}

// result stands for what an earlier call of a deed returned, the first being 0.
type result int

// call is a system call: numbers, texts, bytes, results and vectors of texts.
func call(number int, args ...any) []string {
	words := []string{fmt.Sprint(number)}
	for _, a := range args {
		switch a := a.(type) {
		case string:
			words = append(words, "="+a)
		case []byte:
			words = append(words, ":"+hex.EncodeToString(a))
		case result:
			words = append(words, fmt.Sprintf("@%d", a))
		case []string:
			words = append(words, "["+strings.Join(a, "|"))
		default:
			words = append(words, fmt.Sprint(a))
		}
	}
	return words
}

// compatCall is an i386 call, whose arguments are numbers.
func compatCall(number int, args ...any) []string {
	words := call(number, args...)
	words[0] = "i386/" + words[0]
	return words
}

// calls is a deed of system calls, one after the other.
func calls(list ...[]string) deed {
	argv := []string{"deed"}
	for i, c := range list {
		if i > 0 {
			argv = append(argv, ",")
		}
		argv = append(argv, c...)
	}
	return deed{argv: argv}
}

// command is a deed of a program.
func command(argv ...string) deed { return deed{argv: argv} }

// in does the deed in new namespaces.
func (d deed) in(flags uintptr) deed {
	d.namespaces = flags
	return d
}

// by does the deed as a program with that path.
func (d deed) by(path string) deed {
	d.as = path
	return d
}

// gets says what must come out.
func (d deed) gets(out string) deed {
	d.out = out
	return d
}

// dies says that the process must be killed.
func (d deed) dies() deed {
	d.killed = true
	return d
}

// mustDo does the deed and returns its process id.
func (d deed) mustDo(t *testing.T) uint32 {
	t.Helper()
	path := d.argv[0]
	if path == "deed" {
		path = lab.Deed(t)
	}
	if d.as != "" {
		mustCopy(t, path, d.as)
		path = d.as
	}
	cmd := exec.Command(path, d.argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: d.namespaces}
	out, err := cmd.CombinedOutput()
	if cmd.Process == nil {
		t.Fatalf("%v: %v", d.argv, err)
	}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if killed := status.Signaled() && status.Signal() == syscall.SIGKILL; killed != d.killed {
		t.Errorf("%v: %v, killed %v, want %v\n%s", d.argv, err, killed, d.killed, out)
	}
	if d.out != "" && string(out) != d.out {
		t.Errorf("%v: %q comes out, want %q", d.argv, out, d.out)
	}
	return uint32(cmd.Process.Pid)
}

// mustCopy copies a program.
func mustCopy(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// resolved is the path of a program without symbolic links.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// mustWrite makes a file in a directory, with directories on the way.
func mustWrite(t *testing.T, dir, name string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("some text\n"), mode); err != nil {
		t.Fatal(err)
	}
}

// inet is a struct sockaddr_in or sockaddr_in6.
func inet(address string, port uint16) []byte {
	ip := netip.MustParseAddr(address)
	family := uint16(unix.AF_INET)
	if ip.Is6() {
		family = unix.AF_INET6
	}
	b := binary.NativeEndian.AppendUint16(nil, family)
	b = binary.BigEndian.AppendUint16(b, port)
	if ip.Is6() {
		b = append(b, 0, 0, 0, 0)
	}
	b = append(b, ip.AsSlice()...)
	return append(b, make([]byte, 8)...)
}

// local is a struct sockaddr_un.
func local(path string) []byte {
	return append(append(binary.NativeEndian.AppendUint16(nil, unix.AF_UNIX), path...), 0)
}

// words are numbers of 64 bits in memory.
func words(numbers ...uint64) []byte {
	var b []byte
	for _, n := range numbers {
		b = binary.NativeEndian.AppendUint64(b, n)
	}
	return b
}
