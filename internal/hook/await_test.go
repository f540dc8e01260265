// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/executable/executabletest"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/record"
	"github.com/vedette-io/vedette/test/lab"
)

// tape has the hook records of the ring for ordinary events.
type tape struct {
	tb     testing.TB
	reader *ringbuf.Reader
}

func mustTape(tb testing.TB, b *Base) *tape {
	tb.Helper()
	reader, err := ringbuf.NewReader(b.Bulk())
	mustNil(tb, err)
	tb.Cleanup(func() { mustNil(tb, reader.Close()) })
	return &tape{tb, reader}
}

// phases returns the phases of the records that have come, as text, in their
// order.
func (tp *tape) phases() string {
	tp.tb.Helper()
	var out []string
	var raw ringbuf.Record
	var d record.Decoder
	var r record.Record
	tp.reader.SetDeadline(time.Now())
	for tp.reader.ReadInto(&raw) == nil {
		mustNil(tp.tb, d.Decode(raw.RawSample, &r))
		if r.Type == record.TypeHook {
			out = append(out, phaseNames[record.Phase(r.Hook.Phase)])
		}
	}
	return strings.Join(out, " ")
}

var phaseNames = map[record.Phase]string{
	record.PhaseEntry: "entry", record.PhaseEntryAwaitsReturn: "waits", record.PhaseReturn: "return", record.PhaseNoReturn: "none",
}

// counter returns one of the kernel side's own counters.
func counter(tb testing.TB, e *Engine, name string) uint64 {
	tb.Helper()
	all, err := e.KernelCounters()
	mustNil(tb, err)
	for _, c := range all {
		if c.Name == name {
			return c.Count
		}
	}
	tb.Fatalf("no counter %q", name)
	return 0
}

// readsPolicy tells reads of a descriptor with what they return. values are
// others that it looks for in vain.
func readsPolicy(fd int, values ...int) string {
	list := fmt.Sprintf("%q", fmt.Sprint(fd))
	for _, v := range values {
		list += fmt.Sprintf(", %q", fmt.Sprint(v))
	}
	return policyOf(`  kprobes:
  - call: sys_read
    return: true
    returnArg: {index: 0, type: int}
    args: [{index: 0, type: int}]
    selectors: [{matchPIDs: [{operator: In, values: [` + fmt.Sprint(os.Getpid()) + "]}], matchArgs: [{index: 0, operator: InMap, values: [" + list + "]}], matchReturnArgs: [{index: 0, operator: GT, values: [\"0\"]}]}]\n")
}

// callWays are the attachments of a system call with a return.
var callWays = []Attachment{AttachFentry, AttachKprobeMulti, AttachKprobe, AttachSysEnter}

// tryWay applies a plan with one attachment, or skips what the kernel lacks.
func tryWay(t *testing.T, e *Engine, way Attachment, text string) {
	t.Helper()
	e.attach = []Attachment{way}
	err := e.Apply(mustPlan(t, text), []string{"attach"}, func([]Loaded) {})
	if isMissing(err) {
		t.Skip(err)
	}
	mustLoad(t, err)
	t.Cleanup(func() { mustApply(t, e, mustPlan(t)) })
}

// mustPipe makes a pipe, whose reading end is the caller's to wait at.
func mustPipe(tb testing.TB) (read, write int) {
	tb.Helper()
	var p [2]int
	mustNil(tb, unix.Pipe2(p[:], unix.O_CLOEXEC))
	tb.Cleanup(func() { _ = unix.Close(p[0]); _ = unix.Close(p[1]) })
	return p[0], p[1]
}

// mustReaders makes threads that wait in read until the returned function lets
// them return.
func mustReaders(tb testing.TB, fd, write, count int) (release func()) {
	tb.Helper()
	var done sync.WaitGroup
	threads := make(chan int, count)
	for range count {
		done.Go(func() {
			runtime.LockOSThread()
			threads <- unix.Gettid()
			_, err := unix.Read(fd, make([]byte, 1))
			if err != nil {
				tb.Error(err)
			}
		})
	}
	for range count {
		mustWait(tb, <-threads)
	}
	return func() {
		_, err := unix.Write(write, make([]byte, count))
		mustNil(tb, err)
		done.Wait()
	}
}

// mustWait waits until a thread of this process sleeps in a pipe's read.
func mustWait(tb testing.TB, thread int) {
	tb.Helper()
	for range 2000 {
		var call string
		if b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/syscall", thread)); err == nil {
			call, _, _ = strings.Cut(string(b), " ")
		}
		if call == fmt.Sprint(unix.SYS_READ) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	tb.Fatalf("thread %d does not wait in read", thread)
}

// TestReturnAfterChanges changes the policies while a call is under way: with
// one change its return still finds the tables of its entry, with two or with
// another program it does not, and the entry is told to be all.
func TestReturnAfterChanges(t *testing.T) {
	base, e := mustEngine(t, Options{})
	tp := mustTape(t, base)
	for _, way := range callWays {
		for _, c := range []struct {
			changes int
			want    string
			late    uint64
		}{{1, "waits return", 0}, {2, "waits none", 1}, {5, "waits none", 1}} {
			t.Run(fmt.Sprintf("%s/%d", way, c.changes), func(t *testing.T) {
				fd, write := mustPipe(t)
				tryWay(t, e, way, readsPolicy(fd))
				for range skipPatience {
					before, skipped := counter(t, e, "return_late"), counter(t, e, "skipped")
					release := mustReaders(t, fd, write, 1)
					var others []int
					for i := range c.changes {
						others = append(others, 1000+2*i, 2000+2*i, 3000+2*i, 4000+2*i)
						mustApply(t, e, mustPlan(t, readsPolicy(fd, others...)))
					}
					release()
					got, late := tp.phases(), counter(t, e, "return_late")-before
					if got == c.want && late == c.late {
						return
					}
					if !kernel.Offered().Preempts() || counter(t, e, "skipped") == skipped {
						t.Fatalf("records %q and %d late returns, want %q and %d", got, late, c.want, c.late)
					}
					t.Logf("records %q: the kernel skipped a program that was preempted", got)
					mustApply(t, e, mustPlan(t, readsPolicy(fd)))
				}
				t.Errorf("never saw a call without a skipped program")
			})
		}
	}
}

// skipPatience is how often a call is made that kernels which preempt tasks in
// programs can skip (docs/kernels.md).
const skipPatience = 5

// TestNoRoomForReturns tells events without their return where too many calls
// are under way.
func TestNoRoomForReturns(t *testing.T) {
	base, e := mustEngine(t, Options{})
	program := executabletest.Build(t).Path
	tryWay(t, e, AttachUprobe, policyOf("  uprobes:\n  - path: "+program+"\n    symbols: [greet]\n    return: true\n    returnArg: {index: 0, type: int}\n"+greetArgs))
	calls := e.shared["vd_calls"]
	for i := uint64(1); ; i++ {
		if err := calls.Update(bpf.CallKey{Task: i}, bpf.Pending{Pair: math.MaxUint64}, ebpf.UpdateNoExist); err != nil {
			break
		}
		if i > uint64(calls.MaxEntries()) {
			t.Fatal("the calls that await their return are not bounded")
		}
	}
	tp := mustTape(t, base)
	mustNil(t, exec.Command(program).Run())
	if got, want := tp.phases(), strings.TrimSpace(strings.Repeat("entry ", executabletest.Calls)); got != want {
		t.Errorf("records %q, want %q", got, want)
	}
	if n := counter(t, e, "pending_full"); n != executabletest.Calls {
		t.Errorf("%d counted, want %d", n, executabletest.Calls)
	}
}

// TestSweepCalls forgets calls that do not return: here of functions that a
// thread leaves by its end.
func TestSweepCalls(t *testing.T) {
	_, e := mustEngine(t, Options{})
	program := executabletest.Build(t).Path
	tryWay(t, e, AttachUprobe, policyOf("  uprobes:\n  - path: "+program+"\n    symbols: [greet]\n    return: true\n    returnArg: {index: 0, type: int}\n"+greetArgs))
	const now = uint64(time.Hour)
	for name, keys := range map[string][2]any{
		"vd_calls": {bpf.CallKey{Task: 1}, bpf.CallKey{Task: 2}}, "vd_pending": {uint64(1), uint64(2)},
	} {
		mustNil(t, e.shared[name].Put(keys[0], bpf.Pending{Pair: now - uint64(CallPatience) - 1}))
		mustNil(t, e.shared[name].Put(keys[1], bpf.Pending{Pair: now - uint64(CallPatience)}))
	}
	mustNil(t, e.SweepCalls(now))
	for _, name := range []string{"vd_calls", "vd_pending"} {
		var left int
		key, call := make([]byte, e.shared[name].KeySize()), bpf.Pending{}
		it := e.shared[name].Iterate()
		for it.Next(&key, &call) {
			left++
			if call.Pair != now-uint64(CallPatience) {
				t.Errorf("%s: a call of %d is left", name, call.Pair)
			}
		}
		if mustNil(t, it.Err()); left != 1 {
			t.Errorf("%s: %d calls are left, want 1", name, left)
		}
	}
}

// waiting is how many calls are under way at once: more than the kernel
// expects by itself (kernel/kprobes.c, register_kretprobe).
const waiting = 100

// TestManyReturns has many calls of one function under way. Their returns are
// all told, but for fprobe's, which are counted if not, and for what kernels
// that preempt programs skip, which is counted too.
func TestManyReturns(t *testing.T) {
	base, e := mustEngine(t, Options{})
	tp := mustTape(t, base)
	for _, way := range callWays {
		t.Run(string(way), func(t *testing.T) {
			fd, write := mustPipe(t)
			tryWay(t, e, way, readsPolicy(fd))
			missed, skipped := counter(t, e, "return_missed"), counter(t, e, "skipped")
			mustReaders(t, fd, write, waiting)()
			returns := uint64(strings.Count(tp.phases(), "return"))
			missed, skipped = counter(t, e, "return_missed")-missed, counter(t, e, "skipped")-skipped
			if way != AttachKprobeMulti {
				missed = 0
			}
			if returns != waiting && returns+missed+skipped < waiting {
				t.Errorf("%d calls, %d returns, %d counted as missed, %d as skipped", waiting, returns, missed, skipped)
			}
		})
	}
}

// TestReturnsAvoidMulti prefers fprobe for its cost, but not for returns.
func TestReturnsAvoidMulti(t *testing.T) {
	_, e := mustEngine(t, Options{})
	for _, c := range []struct {
		entry string
		want  []Attachment
	}{
		{"sys_read", []Attachment{AttachFentry, AttachKprobeMulti, AttachKprobe, AttachSysEnter}},
		{"sys_read\n    return: true\n    returnArg: {index: 0, type: int}", []Attachment{AttachFentry, AttachKprobe, AttachKprobeMulti, AttachSysEnter}},
	} {
		places, err := e.places(mustPlan(t, policyOf("  kprobes:\n  - call: "+c.entry+"\n")).Hooks[0])
		mustNil(t, err)
		var got []Attachment
		for _, p := range places {
			got = append(got, p.attachment)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.entry, got, c.want)
		}
	}
}

// TestExecByThread sees the return of an exec's function in a thread that has
// got another id within it.
func TestExecByThread(t *testing.T) {
	program, err := filepath.EvalSymlinks(lab.Proc(t))
	mustNil(t, err)
	base, e := mustEngine(t, Options{})
	tp := mustTape(t, base)
	for _, way := range []Attachment{AttachFentry, AttachKprobeMulti, AttachKprobe} {
		t.Run(string(way), func(t *testing.T) {
			tryWay(t, e, way, policyOf("  kprobes:\n  - call: begin_new_exec\n    syscall: false\n    return: true\n    returnArg: {index: 0, type: int}\n"+
				"    selectors: [{matchBinaries: [{operator: In, values: ["+program+"]}]}]\n"))
			mustNil(t, exec.Command(program, "thread-exec", "/bin/true").Run())
			if got := tp.phases(); got != "waits return" {
				t.Errorf("records %q, want those of one exec", got)
			}
		})
	}
}

// x32Call is how an x32 call is asked for (__X32_SYSCALL_BIT), sendmmsg one of
// its own numbers.
const (
	x32Call     = 0x40000000
	x32Sendmmsg = 538
)

// TestX32Calls sees a call also by its x32 number, which changes nothing here
// but where the kernel looks it up: no descriptor is -1.
func TestX32Calls(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("calls of x86-64")
	}
	base, e := mustEngine(t, Options{})
	tryWay(t, e, AttachSysEnter, policyOf(`  kprobes:
  - call: sys_ftruncate
    args: [{index: 1, type: size_t}]
    selectors: [{matchArgs: [{index: 1, operator: Equal, values: ["4242"]}]}]
`))
	tp := mustTape(t, base)
	for _, number := range []uintptr{unix.SYS_FTRUNCATE, x32Call | unix.SYS_FTRUNCATE} {
		_, _, _ = syscall.RawSyscall(number, ^uintptr(0), 4242, 0) // it fails
	}
	if got := tp.phases(); got != "entry entry" {
		t.Errorf("records %q, want two entries", got)
	}
	before := counter(t, e, "compat_syscall")
	_, _, _ = syscall.RawSyscall6(x32Call|x32Sendmmsg, ^uintptr(0), 0, 0, 0, 0, 0)
	if n := counter(t, e, "compat_syscall") - before; n == 0 {
		t.Error("a call that no hook sees is not counted")
	}
}
