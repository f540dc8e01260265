// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/record"
)

// forbidFunction refuses to open the file, at the function that asks the LSMs.
func forbidFunction(path string) string {
	return fmt.Sprintf(`  kprobes:
  - call: security_file_open
    syscall: false
    args: [{index: 0, type: file}]
    selectors:
    - matchArgs: [{index: 0, operator: Equal, values: [%q]}]
      matchActions: [{action: Override, argError: -%d}]
`, path, refused)
}

// forbidCall refuses to truncate the file, at the system call.
func forbidCall(path string) string {
	return fmt.Sprintf(`  kprobes:
  - call: sys_truncate
    args: [{index: 0, type: string}]
    selectors:
    - matchArgs: [{index: 0, operator: Equal, values: [%q]}]
      matchActions: [{action: Override, argError: -%d}]
`, path, refused)
}

// others are policies on the same hook that come and go: with more values,
// which only changes tables, and with other filters and arguments, for which
// another program is loaded.
func others(hook, arg string, round int) []string {
	entry := func(extra, selectors string) string {
		return "  kprobes:\n  - " + hook + "    args: [" + arg + extra + "]\n    selectors:\n" + selectors
	}
	prefix := func(i int) string {
		return fmt.Sprintf("    - matchArgs: [{index: 0, operator: Prefix, values: [\"/no/such/%d\", \"/none/%d/\"]}]\n", i, i*7)
	}
	switch round % 10 {
	case 0:
		return nil
	case 7:
		return []string{entry("", prefix(round)+"      matchPIDs: [{operator: In, values: [1]}]\n")}
	case 8:
		return []string{entry("", prefix(1)), entry("", "    - matchBinaries: [{operator: In, values: [\"/no/such\"]}]\n")}
	}
	var all []string
	for i := range round % 10 {
		all = append(all, entry("", prefix(i+round)))
	}
	return all
}

// changes is how often the policies change; VEDETTE_LONG asks for more.
func changes() int {
	if os.Getenv("VEDETTE_LONG") != "" {
		return 1000
	}
	return 60
}

// TestSwapWithoutGap changes the policies of a hook over and over, while
// threads on every CPU try what one policy, which stays, forbids. None gets
// through, and each try is one event.
func TestSwapWithoutGap(t *testing.T) {
	for _, c := range []struct {
		name   string
		forbid func(path string) string
		hook   string
		arg    string
	}{
		{"open", forbidFunction, "call: security_file_open\n    syscall: false\n", "{index: 0, type: file}"},
		{"truncate", forbidCall, "call: sys_truncate\n", "{index: 0, type: string}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := mustStart(t)
			path := mustContent(t)
			forbid := c.forbid(path)
			k.mustApply(t, forbid)
			events := k.countEvents(t)
			tries := mustKeepTrying(t, c.name, path)
			for round := range changes() {
				k.mustApply(t, append([]string{forbid}, others(c.hook, c.arg, round)...)...)
			}
			n, through := tries.stop(t)
			k.mustBeSkipped(t, through)
			if n == 0 {
				t.Fatal("nothing was tried")
			}
			k.mustMatch(t, n, events)
			k.mustLift(t)
		})
	}
}

var errGotThrough = errors.New("got through")

// tried are the ways to do what is forbidden, by a process of their own: the
// one that loads policies is spared.
var tried = map[string]func(path string) error{
	"open": func(path string) error {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = errors.Join(errGotThrough, unix.Close(fd))
		}
		return err
	},
	"truncate": func(path string) error {
		err := unix.Truncate(path, 0)
		if err == nil {
			err = errGotThrough
		}
		return err
	},
}

// pause leaves the events time to be read, for none may be lost, and the
// policies time to change.
const pause = time.Millisecond

// keepTrying tries on every CPU until its input ends, and prints how often it
// was refused and how often it got through.
func keepTrying(try func() error) error {
	stop := make(chan struct{})
	var tries sync.WaitGroup
	var count, through atomic.Uint64
	var failed atomic.Pointer[error]
	for range runtime.NumCPU() {
		tries.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				switch err := try(); {
				case errors.Is(err, refused):
					count.Add(1)
				case errors.Is(err, errGotThrough):
					through.Add(1)
				default:
					failed.Store(&err)
					return
				}
				time.Sleep(pause)
			}
		})
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	close(stop)
	tries.Wait()
	if e := failed.Load(); e != nil {
		return fmt.Errorf("after %d tries: %w", count.Load(), *e)
	}
	fmt.Println(count.Load(), through.Load())
	return err
}

// trying is a process that tries something until it is stopped.
type trying struct {
	cmd     *exec.Cmd
	stdin   io.Closer
	printed bytes.Buffer
}

func mustKeepTrying(t *testing.T, way, path string) *trying {
	t.Helper()
	y := &trying{cmd: exec.Command(os.Args[0], way)}
	y.cmd.Env = append(os.Environ(), readerVariable+"="+path)
	y.cmd.Stdout, y.cmd.Stderr = &y.printed, os.Stderr
	stdin, err := y.cmd.StdinPipe()
	mustNil(t, err)
	y.stdin = stdin
	mustNil(t, y.cmd.Start())
	t.Cleanup(func() { _ = y.stdin.Close() })
	return y
}

// stop ends the tries and returns how many were refused, and how many got
// through.
func (y *trying) stop(t *testing.T) (tries, through uint64) {
	t.Helper()
	mustNil(t, y.stdin.Close())
	mustNil(t, y.cmd.Wait())
	_, err := fmt.Sscan(y.printed.String(), &tries, &through)
	mustNil(t, err)
	return tries, through
}

// mustBeSkipped fails the test if more got through than the kernel has told
// to have skipped: where tasks preempt each other in programs, it skips a
// trampoline's program that a preempted task is in (docs/kernels.md). LSM
// programs are not skipped.
func (k *kernelSide) mustBeSkipped(t *testing.T, through uint64) {
	t.Helper()
	counters, err := k.engine.KernelCounters()
	mustNil(t, err)
	for _, c := range counters {
		if c.Name == "skipped" && through <= c.Count {
			if through > 0 {
				t.Logf("%d got through, the kernel has skipped %d runs of programs", through, c.Count)
			}
			return
		}
	}
	t.Errorf("%d got through", through)
}

// countEvents counts what comes through the ring of enforced matches.
func (k *kernelSide) countEvents(t *testing.T) *atomic.Uint64 {
	t.Helper()
	reader, err := ringbuf.NewReader(k.base.Evidence())
	mustNil(t, err)
	var n atomic.Uint64
	var done sync.WaitGroup
	done.Go(func() {
		var d record.Decoder
		var raw ringbuf.Record
		var r record.Record
		for {
			if err := reader.ReadInto(&raw); err != nil {
				return
			}
			if d.Decode(raw.RawSample, &r) == nil && r.Type == record.TypeHook {
				n.Add(1)
			}
		}
	})
	t.Cleanup(func() {
		mustNil(t, reader.Close())
		done.Wait()
	})
	return &n
}

// mustMatch compares the tries with what was counted and told.
func (k *kernelSide) mustMatch(t *testing.T, tries uint64, events *atomic.Uint64) {
	t.Helper()
	if got := k.counters().Override; got != tries {
		t.Errorf("%d tries, %d overrides counted", tries, got)
	}
	deadline := time.Now().Add(5 * time.Second)
	for events.Load() < tries && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if got := events.Load(); got != tries {
		t.Errorf("%d tries, %d events", tries, got)
	}
	t.Logf("%d tries over %d changes, %d events", tries, changes(), events.Load())
}
