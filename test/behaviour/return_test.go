// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestReturns checks return values: of which type they are told, and which of them have an event.
func TestReturns(t *testing.T) { returns.run(t) }

var returns = register(table{name: "returns", rows: append(returnRows(), []row{
	{
		name: "other threads call in between",
		spec: readSpec,
		act: func(a *actor) {
			a.pipe(77, 78)
			a.pipe(79, 80)
			var slow sync.WaitGroup
			slow.Go(func() { a.check(readOne(77) == 1, "nothing read") })
			time.Sleep(50 * time.Millisecond) // it waits in the kernel
			a.writeOne(80)
			a.check(readOne(79) == 1, "nothing read")
			a.writeOne(78)
			slow.Wait()
		},
		want: []string{"sys_read(int 79) = int 1", "sys_read(int 77) = int 1"},
	},
	{
		name: "a signal interrupts the call",
		spec: readSpec,
		act: func(a *actor) {
			a.pipe(77, 78)
			signal.Notify(make(chan os.Signal, 1), unix.SIGUSR1)
			threads := make(chan int)
			var reader sync.WaitGroup
			reader.Go(func() {
				runtime.LockOSThread()
				threads <- unix.Gettid()
				a.check(readOne(77) == 1, "nothing read")
			})
			thread := <-threads
			time.Sleep(50 * time.Millisecond) // it waits in the kernel
			a.must(unix.Tgkill(unix.Getpid(), thread, unix.SIGUSR1))
			time.Sleep(20 * time.Millisecond)
			a.writeOne(78)
			reader.Wait()
		},
		// The kernel lets the call return ERESTARTSYS and calls it again.
		want: []string{"sys_read(int 77) = int -512", "sys_read(int 77) = int 1"},
	},
	{
		name: "killed before the call returns",
		spec: readSpec,
		act: func(a *actor) {
			a.pipe(77, 78)
			b := make([]byte, 1)
			pid := forkReader(77, uintptr(address(b)))
			time.Sleep(50 * time.Millisecond)
			a.must(unix.Kill(int(pid), unix.SIGKILL))
			a.wait(int(pid))
		},
		// The kernel lets the call return before the process ends.
		want: []string{"child: sys_read(int 77) = int -512"},
	},
	{
		name: "exec of another program",
		spec: `
kprobes:
- call: sys_execve
  return: true
  returnArg: {index: 0, type: int}
  args: [{index: 0, type: string}]
  selectors: [{matchArgs: [{index: 0, operator: Equal, values: [/nonexistent, /bin/true]}]}]
`,
		act: func(a *actor) {
			missing, program := []byte("/nonexistent\x00"), []byte("/bin/true\x00")
			argv := []uint64{address(program), 0}
			a.call(unix.SYS_EXECVE, address(missing), addressOf(argv), 0)
			a.call(unix.SYS_EXECVE, address(program), addressOf(argv), 0)
			runtime.KeepAlive(argv)
		},
		want: []string{"sys_execve(string /nonexistent) = int -2", "sys_execve(string /bin/true) = int 0"},
	},
	{
		// It gets the first thread's id while the call runs.
		name: "exec by another thread than the first",
		spec: `
kprobes:
- call: sys_execve
  return: true
  returnArg: {index: 0, type: int}
  args: [{index: 0, type: string}]
  selectors: [{matchArgs: [{index: 0, operator: Equal, values: [/nonexistent, /bin/true]}]}]
`,
		act: func(a *actor) {
			done := make(chan struct{})
			go func() {
				runtime.LockOSThread()
				a.check(unix.Gettid() != unix.Getpid(), "this is the first thread")
				program := []byte("/bin/true\x00")
				argv := []uint64{address(program), 0}
				a.call(unix.SYS_EXECVE, address(program), addressOf(argv), 0)
				close(done)
			}()
			<-done
			a.fail("no exec")
		},
		want: []string{"sys_execve(string /bin/true) = int 0"},
	},
	{
		name: "an event at once from the policy's other hook entry",
		spec: `
kprobes:
- call: sys_pread64
  args: [{index: 0, type: int}]
  selectors: [{matchArgs: [{index: 0, operator: Equal, values: ["90"]}]}]
- call: sys_pread64
  return: true
  returnArg: {index: 0, type: long}
  args: [{index: 2, type: size_t}]
  selectors: [{matchArgs: [{index: 2, operator: Equal, values: ["91"]}]}]
`,
		act: func(a *actor) {
			a.pread(90, 91, 0)
		},
		want: []string{"sys_pread64(int 90)", "sys_pread64(size 91) = long -9"},
	},
}...)})

// readSpec hooks reads of the descriptors that rows use.
const readSpec = `
kprobes:
- call: sys_read
  return: true
  returnArg: {index: 0, type: int}
  args: [{index: 0, type: int}]
  selectors: [{matchArgs: [{index: 0, operator: InMap, values: ["77", "79"]}]}]
`

// readOne reads a byte, and may wait.
func readOne(fd int) int {
	var b [1]byte
	n, _, errno := syscall.Syscall(unix.SYS_READ, uintptr(fd), uintptr(address(b[:])), 1)
	if errno != 0 {
		return -int(errno)
	}
	return int(n)
}

func (a *actor) writeOne(fd int) {
	_, err := unix.Write(fd, []byte("x"))
	a.must(err)
}

// returnProbes are offsets that lseek returns, and one that is an error.
var returnProbes = []int64{0, 5, 10, 255, 256, 1 << 31, -1}

func returnRows() []row {
	var rows []row
	for _, c := range []struct{ argType, filter, want string }{
		{"int", "", "int 0|int 5|int 10|int 255|int 256|int -2147483648|int -22"},
		{"size_t", "", "size 0|size 5|size 10|size 255|size 256|size 2147483648|size 18446744073709551594"},
		{"int64", "", "long 0|long 5|long 10|long 255|long 256|long 2147483648|long -22"},
		{"uint8", "", "uint 0|uint 5|uint 10|uint 255|uint 0|uint 0|uint 234"},
		{"int64", "operator: Equal, values: ['5', '-22']", "long 5|long -22"},
		{"int64", "operator: NotEqual, values: ['5', '0', '2147483648']", "long 10|long 255|long 256|long -22"},
		{"int64", "operator: LT, values: ['0']", "long -22"},
		{"int64", "operator: GT, values: ['255']", "long 256|long 2147483648"},
		{"int64", "operator: GT, values: ['9223372036854775807']", ""},
		{"int64", "operator: InRange, values: ['5:10', '-30:-20']", "long 5|long 10|long -22"},
		{"int64", "operator: NotInRange, values: ['5:255']", "long 0|long 256|long 2147483648|long -22"},
		{"int64", "operator: InMap, values: ['10', '256']", "long 10|long 256"},
		{"int64", "operator: NotInMap, values: ['0:256']", "long 2147483648|long -22"},
		{"int64", "operator: Mask, values: ['0x100']", "long 256|long -22"},
		{"int", "operator: LT, values: ['0']", "int -2147483648|int -22"},
		{"uint8", "operator: Equal, values: ['0']", "uint 0|uint 0|uint 0"},
	} {
		selectors := `{matchArgs: [{index: 0, operator: Equal, values: ["77"]}]`
		if c.filter != "" {
			selectors += ", matchReturnArgs: [{index: 0, " + c.filter + "}]"
		}
		var want []string
		for value := range strings.SplitSeq(c.want, "|") {
			if value != "" {
				want = append(want, "sys_lseek(int 77) = "+value)
			}
		}
		rows = append(rows, row{
			name: c.argType + " " + c.filter,
			spec: fmt.Sprintf(`
kprobes:
- call: sys_lseek
  return: true
  returnArg: {index: 0, type: %s}
  args: [{index: 0, type: int}]
  selectors: [%s}]
`, c.argType, selectors),
			act: func(a *actor) {
				a.file("seek", "", 77)
				a.file("other", "", 78)
				for _, offset := range returnProbes {
					a.call(unix.SYS_LSEEK, 77, uint64(offset), unix.SEEK_SET)
					a.call(unix.SYS_LSEEK, 78, uint64(offset), unix.SEEK_SET)
				}
			},
			want: want,
		})
	}
	return rows
}
