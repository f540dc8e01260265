// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// actorEnv makes the test binary an actor.
	actorEnv = "VEDETTE_BEHAVIOUR_ACTOR"
	// deedEnv has the name of what an actor does that is the child of one.
	deedEnv = "VEDETTE_BEHAVIOUR_DEED"
	// dirEnv has the table's directory for it.
	dirEnv = "VEDETTE_BEHAVIOUR_DIR"
)

func init() {
	if os.Getenv(actorEnv) != "" {
		runtime.LockOSThread() // the actor is the process's first thread
	}
}

func TestMain(m *testing.M) {
	if os.Getenv(actorEnv) != "" {
		beActor()
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	status := m.Run()
	if err := stopRig(); err != nil {
		fmt.Fprintln(os.Stderr, "behaviour:", err)
		return 1
	}
	return status
}

// beActor waits for the name of a row, acts it, and ends.
func beActor() {
	if deed := os.Getenv(deedEnv); deed != "" {
		deeds[deed](&actor{dir: os.Getenv(dirEnv)})
		os.Exit(0)
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if errors.Is(err, io.EOF) {
		os.Exit(0) // nobody needs it any more
	}
	name, dir, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
	row := findRow(name)
	if err != nil || row == nil {
		fmt.Fprintf(os.Stderr, "actor: no row %q: %v\n", name, err)
		os.Exit(1)
	}
	if row.act != nil {
		row.act(&actor{dir: dir})
	}
	os.Exit(0)
}

// actor is the acting process, seen from inside. What it cannot do ends it with status 1.
type actor struct {
	dir string
}

// addressOf is address for an array of addresses.
func addressOf(list []uint64) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(list)))) }

// fail ends the actor.
func (a *actor) fail(format string, args ...any) {
	_, file, line, _ := runtime.Caller(2)
	fmt.Fprintf(os.Stderr, "actor: %s:%d: %s\n", filepath.Base(file), line, fmt.Sprintf(format, args...))
	os.Exit(1)
}

// must ends the actor on an error.
func (a *actor) must(err error) {
	if err != nil {
		a.fail("%v", err)
	}
}

// check ends the actor where something is not so.
func (a *actor) check(ok bool, format string, args ...any) {
	if !ok {
		a.fail(format, args...)
	}
}

// call makes a system call and returns its result, negative on an error.
func (a *actor) call(number uintptr, args ...uint64) int64 {
	var r [6]uintptr
	for i, v := range args {
		r[i] = uintptr(v)
	}
	result, _, errno := syscall.RawSyscall6(number, r[0], r[1], r[2], r[3], r[4], r[5])
	if errno != 0 {
		return -int64(errno)
	}
	return int64(result)
}

// badWhence is what makes a call of lseek fail, and one of ours.
const badWhence = 4444

// lseek calls lseek with a whence that does not exist: nothing but events comes of it.
func (a *actor) lseek(fd int, offset uint64) int64 {
	return a.call(unix.SYS_LSEEK, uint64(fd), offset, badWhence)
}

// at is the current directory for calls such as openat.
const at = ^uint64(99) // AT_FDCWD

// openat tries to open a path for reading and returns the descriptor or an error.
func (a *actor) openat(path string) int64 { return a.openatFlags(path, 0) }

func (a *actor) openatFlags(path string, flags uint64) int64 {
	b := append([]byte(path), 0)
	n := a.call(unix.SYS_OPENAT, at, address(b), flags, 0o600)
	runtime.KeepAlive(b)
	return n
}

// address is where a buffer is in memory. The caller keeps it alive.
func address(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }

// file makes a file in the table's directory and opens it as descriptor fd.
func (a *actor) file(name, content string, fd int) {
	path := filepath.Join(a.dir, name)
	a.must(os.WriteFile(path, []byte(content), 0o644))
	a.must(os.Chmod(path, 0o644))
	a.open(path, fd)
}

// open opens a path for reading and writing where possible, as descriptor fd.
func (a *actor) open(path string, fd int) {
	opened, err := unix.Open(path, unix.O_RDWR, 0)
	if err != nil {
		opened, err = unix.Open(path, unix.O_RDONLY, 0)
	}
	a.must(err)
	a.move(opened, fd)
}

// move gives a descriptor another number.
func (a *actor) move(from, to int) {
	a.must(unix.Dup3(from, to, 0))
	a.must(unix.Close(from))
}

// pipe makes a pipe with the two descriptors.
func (a *actor) pipe(read, write int) {
	var p [2]int
	a.must(unix.Pipe2(p[:], 0))
	a.move(p[0], read)
	a.move(p[1], write)
}

// fork makes a child that calls lseek with the number of a descriptor, and, where next is not 0, a child of its own
// that does so with next. It returns the child's id.
//
// The child has a copy of this thread only: it must not come near the Go runtime, not even by growing its stack or
// by being asked to let others run, hence no function with a prologue.
//
//go:nosplit
//go:norace
func fork(fd, next uintptr) uintptr {
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 || pid != 0 {
		return pid
	}
	syscall.RawSyscall6(unix.SYS_LSEEK, fd, 0, badWhence, 0, 0, 0)
	if next != 0 {
		pid, _, _ = syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if pid == 0 {
			syscall.RawSyscall6(unix.SYS_LSEEK, next, 0, badWhence, 0, 0, 0)
		} else {
			syscall.RawSyscall6(unix.SYS_WAIT4, pid, 0, 0, 0, 0, 0)
		}
	}
	for {
		syscall.RawSyscall6(unix.SYS_EXIT_GROUP, 0, 0, 0, 0, 0, 0)
	}
}

// forkReader makes a child that reads from a descriptor, and returns its id.
//
//go:nosplit
//go:norace
func forkReader(fd uintptr, buffer uintptr) uintptr {
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 || pid != 0 {
		return pid
	}
	syscall.RawSyscall6(unix.SYS_READ, fd, buffer, 1, 0, 0, 0)
	for {
		syscall.RawSyscall6(unix.SYS_EXIT_GROUP, 0, 0, 0, 0, 0, 0)
	}
}

func (a *actor) wait(pid int) unix.WaitStatus {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		if !errors.Is(err, unix.EINTR) {
			a.must(err)
			return status
		}
	}
}

// launch is how an actor is started.
type launch struct {
	cmd *exec.Cmd
}

// process is an actor, seen from the test.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr bytes.Buffer
	ended  bool
}

// start starts an actor whose runtime sends no signals to its threads: the
// return from a signal's handler tells the result of the interrupted call again.
func start(change func(*launch)) (*process, error) {
	p := &process{cmd: exec.Command("/proc/self/exe")}
	p.cmd.Env = append(os.Environ(), actorEnv+"=1", "GOMAXPROCS=2", "GOGC=off", "GODEBUG=asyncpreemptoff=1")
	p.cmd.Stderr = &p.stderr
	p.cmd.WaitDelay = time.Second // its children may hold the pipe of its messages
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if change != nil {
		change(&launch{p.cmd})
	}
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return p, p.cmd.Start()
}

// mustStart starts an actor, which waits for its row.
func mustStart(tb testing.TB, change func(*launch)) *process {
	tb.Helper()
	p, err := start(change)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.abandon(); err != nil {
			tb.Error(err)
		}
	})
	return p
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// mustAct gives the actor its row.
func (p *process) mustAct(tb testing.TB, row, dir string) {
	tb.Helper()
	if _, err := io.WriteString(p.stdin, row+"\t"+dir+"\n"); err != nil {
		tb.Fatal(err)
	}
}

// end waits for the actor and checks how it ends.
func (p *process) end(signal syscall.Signal) error {
	stop := time.AfterFunc(patience, func() { _ = unix.Kill(-p.pid(), unix.SIGKILL) })
	defer stop.Stop()
	err := p.cmd.Wait()
	p.ended = true
	status, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if signal == 0 && err != nil || signal != 0 && (!status.Signaled() || status.Signal() != signal) {
		return fmt.Errorf("the actor ended with %v, %v expected\n%s", p.cmd.ProcessState, endText(signal), p.stderr.String())
	}
	return nil
}

func endText(signal syscall.Signal) string {
	if signal == 0 {
		return "success"
	}
	return signal.String()
}

// abandon ends an actor that has no row to act.
func (p *process) abandon() error {
	if p.ended {
		return nil
	}
	p.ended = true
	_ = p.stdin.Close() // it ends by that
	return p.cmd.Wait()
}

// dirLength is how long the path of a table's directory is, in bytes.
const dirLength = len("/tmp/vedette-12345678")

// mustDir makes the directory of a table. Its path is short, of a fixed length, and has no symbolic links.
func mustDir(tb testing.TB) string {
	tb.Helper()
	dir := fmt.Sprintf("/tmp/vedette-%08x", rand.Uint32())
	if err := os.Mkdir(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	return dir
}
