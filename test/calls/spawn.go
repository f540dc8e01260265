// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// patience is how long a child may take for a step: guests are slow.
const patience = 20 * time.Second

// What a step is; spawn_amd64.s knows the numbers.
const (
	kindCall = iota
	kindFork
	kindGate
)

// step is one thing that a child does; spawn_amd64.s knows its layout.
type step struct {
	kind   uint64
	number uint64
	args   [6]uintptr
	result int64
	done   uint64
}

func gate() step { return step{kind: kindGate} }

func callStep(number uintptr, args ...uintptr) step {
	s := step{number: uint64(number)}
	copy(s.args[:], args)
	return s
}

// fork starts a child that carries out the steps in shared memory from first
// on, without end, and returns its process id or a negative errno.
//
//go:noescape
func fork(first uintptr) (pid int)

// open lets the child through a gate.
func (s *step) open() {
	word := (*uint32)(unsafe.Pointer(&s.number))
	atomic.StoreUint32(word, 1)
	unix.RawSyscall(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), 1 /* FUTEX_WAKE */, 1)
}

func (s *step) finished() bool { return atomic.LoadUint64(&s.done) != 0 }

// child is a process that carries out steps. It dies with the test.
type child struct {
	pid   int
	steps []step
}

// prologue is how many steps start puts before those of the caller.
const prologue = 2

// start makes a child with the steps, which it places in memory of the rig,
// and ends it with the test. The child dies too when the thread of the test
// does, and blocks signals: no handler of this program may run in it.
func (r *rig) start(steps ...step) *child {
	r.tb.Helper()
	steps = append([]step{
		callStep(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL)),
		callStep(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, r.words(^uintptr(0)), 0, 8),
	}, steps...)
	space := r.space(len(steps) * int(unsafe.Sizeof(step{})))
	shared := unsafe.Slice((*step)(unsafe.Pointer(&space[0])), len(steps))
	copy(shared, steps)
	runtime.LockOSThread()
	pid := fork(uintptr(unsafe.Pointer(&space[0])))
	if pid < 0 {
		r.tb.Fatalf("fork: %v", unix.Errno(-pid))
	}
	c := &child{pid: pid, steps: shared}
	r.tb.Cleanup(func() {
		c.end()
		runtime.UnlockOSThread()
	})
	return c
}

// end kills the child and waits for it; the second time it does nothing.
func (c *child) end() {
	if c.pid == 0 {
		return
	}
	_ = unix.Kill(c.pid, unix.SIGKILL)
	for {
		_, err := unix.Wait4(c.pid, nil, unix.WALL, nil)
		if err == unix.EINTR {
			continue
		}
		break
	}
	c.pid = 0
}

// exited reports whether the child has ended; it stays to be waited for.
func (c *child) exited() bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, c.pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err == nil && info.Signo != 0
}

// wait waits until the child has finished a step or has ended; false is the end.
func (c *child) wait(tb testing.TB, s *step) bool {
	tb.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(200 * time.Microsecond) {
		if s.finished() {
			return true
		}
		if c.exited() {
			return s.finished()
		}
	}
	tb.Fatalf("the child has not finished system call %d in %v", s.number, patience)
	return false
}
