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
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestSelectors checks which of several selectors, entries, sections and policies act.
func TestSelectors(t *testing.T) { selectors.run(t) }

// seventy are entries of one hook, one for each descriptor number from 0 on: more than a word of 64 bits has.
func seventy() string {
	var b strings.Builder
	b.WriteString("kprobes:\n")
	for i := range 70 {
		fmt.Fprintf(&b, "- {call: sys_lseek, message: entry %02d, selectors: [{matchArgs: [{index: 0, operator: Equal, values: ['%d']}]}],"+
			" args: [{index: 0, type: int}]}\n", i, i)
	}
	return b.String()
}

// hundred are selectors of one entry, one for each descriptor number from 0 on; those after the last even one match
// any number, and are never reached.
func hundred() string {
	var b strings.Builder
	b.WriteString("kprobes:\n- call: sys_lseek\n  args: [{index: 0, type: int}]\n  selectors:\n")
	for i := range 100 {
		action := "Post"
		if i%2 == 0 {
			action = "NoPost"
		}
		fmt.Fprintf(&b, "  - {matchArgs: [{index: 0, operator: Equal, values: ['%d']}], matchActions: [{action: %s}]}\n", i, action)
	}
	return b.String()
}

var selectors = register(table{name: "selectors", rows: []row{
	{
		name: "the first that matches acts", act: seek(4, 5, 6), want: []string{"sys_lseek(int 4)", six},
		spec: filtered(`matchArgs: [{index: 0, operator: Equal, values: ["5"]}]
    matchActions: [{action: NoPost}]
  - matchArgs: [{index: 0, operator: GT, values: ["3"]}]`),
	},
	{
		name: "the second does not act where the first does", act: seek(4, 5), want: []string{"sys_lseek(int 4)", five},
		spec: filtered(`matchArgs: [{index: 0, operator: GT, values: ["3"]}]
  - matchArgs: [{index: 0, operator: Equal, values: ["5"]}]
    matchActions: [{action: Sigkill}]`),
	},
	{
		name: "all filters of a selector must match", act: seek(4, 5, 6), want: []string{five},
		spec: filtered(`matchPIDs: [{operator: In, values: [$PID]}]
    matchBinaries: [{operator: NotIn, values: [/bin/cat]}]
    matchCapabilities: [{operator: In, values: [CAP_SYS_ADMIN]}]
    matchNamespaces: [{namespace: Net, operator: In, values: [host_ns]}]
    matchArgs: [{index: 0, operator: GT, values: ["4"]}, {index: 0, operator: LT, values: ["6"]}]`),
	},
	{
		name: "an empty selector matches", act: once, want: []string{five},
		spec: filtered("{}"),
	},
	{name: "seventy entries", act: seek(0, 63, 64, 69, 70), spec: seventy(), want: []string{
		`sys_lseek(int 0) "entry 00"`, `sys_lseek(int 63) "entry 63"`, `sys_lseek(int 64) "entry 64"`, `sys_lseek(int 69) "entry 69"`,
	}},
	{name: "a hundred selectors", act: seek(0, 1, 63, 64, 65, 98, 99, 100), spec: hundred(), want: []string{
		"sys_lseek(int 1)", "sys_lseek(int 63)", "sys_lseek(int 65)", "sys_lseek(int 99)",
	}},
	{
		name: "one call twice, each with its message and tags", act: once,
		spec: `
kprobes:
- call: sys_lseek
  message: first "quoted"
  tags: [one, two]
  args: [{index: 0, type: int}]
- call: sys_lseek
  message: second
  args: [{index: 0, type: uint64}]
`,
		// The event has the message as Go quotes it; %q of that quotes once more.
		want: []string{`sys_lseek(int 5) "first \\\"quoted\\\"" ["one" "two"]`, `sys_lseek(size 5) "second"`},
	},
	{
		name: "several sections",
		spec: `
kprobes:
- call: sys_lseek
  args: [{index: 0, type: int}]
tracepoints:
- subsystem: syscalls
  event: sys_exit_rmdir
  args: [{index: 5, type: int64}]
`,
		act: func(a *actor) {
			a.lseek(5, 0)
			a.rmdir("/nonexistent")
		},
		want: []string{five, "syscalls/sys_exit_rmdir(long -2)"},
	},
	{
		name: "kprobes and fentries at one function",
		spec: `
kprobes:
- call: sys_lseek
  message: one
  args: [{index: 0, type: int}]
fentries:
- call: sys_lseek
  message: two
  args: [{index: 1, type: int}]
  return: true
  returnArg: {index: 0, type: int}
- call: sys_rmdir
`,
		act: func(a *actor) {
			a.lseek(95, 0)
			a.rmdir("/nonexistent")
		},
		want: []string{`sys_lseek(int 95) "one"`, `sys_lseek(int 0) = int -9 "two"`, "sys_rmdir()"},
	},
	{
		name: "a list of calls",
		spec: `
lists:
- name: some
  type: syscalls
  values: [sys_lseek, __x64_sys_rmdir, x64/sys_pwrite64]
kprobes:
- call: list:some
  args: [{index: 0, type: uint8}]
  selectors: [{matchPIDs: [{operator: In, values: [$PID]}]}]
`,
		act: func(a *actor) {
			a.lseek(5, 0)
			a.call(unix.SYS_RMDIR, 0)
			a.pwrite("")
			a.call(unix.SYS_CHDIR, 0)
		},
		want: []string{"sys_lseek(uint 5)", "sys_rmdir(uint 0)", "sys_pwrite64(uint 255)"},
	},
	{
		name: "a call that the kernel does not have is ignored where the policy says so", act: once, want: []string{five},
		spec: `
kprobes:
- call: sys_nonexistent
  ignore: {callNotFound: true}
- call: sys_lseek
  args: [{index: 0, type: int}]
`,
	},
	{
		name: "macros, and every host", act: seek(4, 5), want: []string{five},
		spec: `
hostSelector: {}
selectorsMacros:
  some: {matchArgs: [{index: 0, operator: Equal, values: ["5"]}]}
kprobes:
- call: sys_lseek
  args: [{index: 0, type: int}]
  selectors: [{macros: [some], matchPIDs: [{operator: In, values: [$PID]}]}]
`,
	},
}})

// TestActions checks what selectors do, and what their events say of it.
func TestActions(t *testing.T) { actions.run(t) }

// ours is a filter that spares the actors of other rows.
const ours = "matchPIDs: [{operator: In, followForks: true, values: [$PID]}]\n    "

// doing hooks lseek with actions for one descriptor number.
func doing(actions string) string {
	return filtered(ours + `matchArgs: [{index: 0, operator: Equal, values: ["5"]}]
    matchActions: [` + actions + "]")
}

// signalled calls, and has its handler run once.
func signalled(a *actor) {
	signalledBy(a, func() {
		a.lseek(4, 0)
		a.lseek(5, 0)
	})
}

// signalledBy has its handler run once by what it does.
func signalledBy(a *actor, act func()) {
	received := make(chan os.Signal, 10)
	signal.Notify(received, unix.SIGUSR1)
	act()
	select {
	case <-received:
	case <-time.After(5 * time.Second):
		a.fail("no signal")
	}
	a.check(len(received) == 0, "more than one signal")
}

var actions = register(table{name: "actions", vars: func(testing.TB, string) map[string]string {
	// A call that is killed ends with EINTR, or is refused.
	ended := "-4"
	if refuses() {
		ended = "-1"
	}
	return map[string]string{"ENDED": ended}
}, rows: []row{
	{name: "Post", spec: doing("{action: Post}"), act: seek(4, 5), want: []string{five}},
	{name: "NoPost", spec: doing("{action: NoPost}"), act: seek(4, 5)},
	{name: "Sigkill", spec: doing("{action: Sigkill}"), act: seek(4, 5, 6), want: []string{"SIGKILL " + five}, signal: unix.SIGKILL},
	{name: "Sigkill in fentries", spec: strings.Replace(doing("{action: Sigkill}"), "kprobes:", "fentries:", 1), act: seek(4, 5, 6),
		want: []string{"SIGKILL " + five}, signal: unix.SIGKILL},
	{name: "Sigkill and NoPost", spec: doing("{action: Sigkill}, {action: NoPost}"), act: seek(4, 5, 6), signal: unix.SIGKILL},
	{name: "Signal", spec: doing("{action: Signal, argSig: 10}"), act: signalled, want: []string{"SIGNAL " + five}},
	{name: "Signal that ends the process", spec: doing("{action: Signal, argSig: 15}"), act: then(seek(4, 5), waitForEnd),
		want: []string{"SIGNAL " + five}, signal: unix.SIGTERM},
	{name: "the last action is told", spec: doing("{action: Signal, argSig: 10}, {action: Post}"), act: signalled, want: []string{five}},
	{name: "Sigkill with return: the call does not return", signal: unix.SIGKILL, act: then(preadKill, waitForEnd),
		spec: `
kprobes:
- call: sys_pread64
  return: true
  returnArg: {index: 0, type: int}
  args: [{index: 0, type: fd}]
  selectors: [{matchArgs: [{index: 0, operator: Equal, values: [$DIR/killed]}], matchActions: [{action: Sigkill}]}]
`, want: []string{"SIGKILL sys_pread64(file $DIR/killed -rw-r--r--) = int $ENDED"}},
	{name: "Sigkill by a thread ends the process", spec: doing("{action: Sigkill}"), signal: unix.SIGKILL, want: []string{"SIGKILL " + five},
		act: then(func(a *actor) { go a.lseek(5, 0) }, waitForEnd)},
	{name: "Sigkill of a child leaves its parent", spec: doing("{action: Sigkill}"), want: []string{"child: SIGKILL " + five}, act: func(a *actor) {
		status := a.wait(int(fork(5, 0)))
		a.check(status.Signaled() && status.Signal() == unix.SIGKILL, "the child ended with %v", status)
	}},
	{name: "monitor", act: seek(4, 5, 6), want: []string{"SIGKILL " + five},
		spec: "options: [{name: policy-mode, value: monitor}]\n" + doing("{action: Sigkill}")},
	{name: "monitor, Signal", act: seek(4, 5, 6), want: []string{"SIGNAL " + five},
		spec: "options: [{name: policy-mode, value: monitor}]\n" + doing("{action: Signal, argSig: 15}")},
}})

func waitForEnd(*actor) { time.Sleep(5 * time.Second) }

func preadKill(a *actor) {
	a.file("killed", "secret", 77)
	b := make([]byte, 6)
	a.call(unix.SYS_PREAD64, 77, address(b), 6, 0)
	a.check(b[0] == 0, "it was read")
}

// TestRateLimit checks how many events of equal arguments there are, and for whom they are counted together.
func TestRateLimit(t *testing.T) { rateLimits.run(t) }

// limited hooks lseek with a rate limit.
func limited(fields string) string {
	return filtered(ours + "matchArgs: [{index: 0, operator: InRange, values: ['5:6']}]\n    matchActions: [{action: Post" + fields + "}]")
}

// twoThreads calls in two threads of each of two processes, twice.
func twoThreads(a *actor) {
	var other sync.WaitGroup
	a.lseek(5, 0)
	a.lseek(5, 0)
	other.Go(func() {
		runtime.LockOSThread()
		a.lseek(5, 0)
		a.lseek(5, 0)
	})
	other.Wait()
	a.wait(int(fork(5, 0)))
}

var rateLimits = register(table{name: "rate-limit", rows: []row{
	{name: "none", spec: limited(""), act: seek(5, 5, 5, 5, 5), want: []string{five, five, five, five, five}},
	{name: "global", spec: limited(", rateLimit: '5m', rateLimitScope: global"), act: seek(5, 5, 5, 5, 5), want: []string{five}},
	{name: "other arguments", spec: limited(", rateLimit: '5m', rateLimitScope: global"), act: seek(5, 6, 5, 6, 5), want: []string{five, six}},
	{name: "thread", spec: limited(", rateLimit: '5m', rateLimitScope: thread"), act: twoThreads, want: []string{five, five, "child: " + five}},
	{name: "thread is the default", spec: limited(", rateLimit: '5m'"), act: twoThreads, want: []string{five, five, "child: " + five}},
	{name: "process", spec: limited(", rateLimit: '5m', rateLimitScope: process"), act: twoThreads, want: []string{five, "child: " + five}},
	{name: "all processes", spec: limited(", rateLimit: '5m', rateLimitScope: global"), act: twoThreads, want: []string{five}},
	{name: "in time", spec: limited(", rateLimit: '1'"), want: []string{five, five}, act: func(a *actor) {
		a.lseek(5, 0)
		a.lseek(5, 0)
		time.Sleep(1100 * time.Millisecond)
		a.lseek(5, 0)
	}},
	{name: "arguments that the policy does not filter count too", want: []string{"sys_pwrite64(int -1, bytes a)", "sys_pwrite64(int -1, bytes b)"},
		spec: `
kprobes:
- call: sys_pwrite64
  args: [{index: 0, type: int}, {index: 1, type: char_buf, sizeArgIndex: 3}]
  selectors:
  - matchPIDs: [{operator: In, values: [$PID]}]
    matchActions: [{action: Post, rateLimit: 1h, rateLimitScope: process}]
`,
		act: writes("a", "a", "b", "a", "b")},
	{name: "what stood behind a value before does not count", spec: `
kprobes:
- call: sys_pwrite64
  args: [{index: 0, type: int}, {index: 1, type: char_buf, sizeArgIndex: 3}]
  selectors:
  - matchPIDs: [{operator: In, values: [$PID]}]
    matchActions: [{action: Post, rateLimit: 1h, rateLimitScope: process}]
`,
		want: []string{"sys_pwrite64(int -1, bytes ab)", "sys_pwrite64(int -1, bytes 0123456789abcdef)", "sys_pwrite64(int -1, bytes xyxyxyxyxyx)",
			"sys_pwrite64(int -1, bytes 12345678)", "sys_pwrite64(int -1, bytes 123456789)", "sys_pwrite64(int -1, bytes 1234567)"},
		act: writes("ab", "0123456789abcdef", "ab", "xyxyxyxyxyx", "ab", "12345678", "123456789", "12345678", "123456789", "1234567", "xyxyxyxyxyx", "12345678")},
	{name: "five datagrams", want: []string{"sys_sendto(bytes ping, size 4)"},
		spec: `
kprobes:
- call: sys_sendto
  args: [{index: 1, type: char_buf, sizeArgIndex: 3}, {index: 2, type: size_t}]
  selectors:
  - matchArgs: [{index: 1, operator: Equal, values: [ping]}]
    matchPIDs: [{operator: In, values: [$PID]}]
    matchActions: [{action: Post, rateLimit: "5", rateLimitScope: global}]
`,
		act: func(a *actor) {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
			a.must(err)
			for range 5 {
				a.must(unix.Sendto(fd, []byte("ping"), 0, &unix.SockaddrInet4{Port: 9468, Addr: [4]byte{127, 0, 0, 1}}))
			}
		}},
	{name: "a limit of events does not limit a kill", signal: unix.SIGKILL, want: []string{"SIGKILL " + five},
		spec: filtered(ours + `matchArgs: [{index: 0, operator: Equal, values: ["5"]}]
    matchActions: [{action: Post, rateLimit: 5m}, {action: Sigkill}]`),
		act: seek(5)},
}})
