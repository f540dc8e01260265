// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/test/compat"
)

// TestCompatCalls checks hooks on 32-bit system calls, which the actor makes as a 64-bit program does that wants to
// get around the others.
func TestCompatCalls(t *testing.T) {
	if has, err := kernel.Offered().HasSymbol("do_fast_syscall_32"); err != nil || !has {
		t.Skipf("no 32-bit calls here: %v", err)
	}
	compatCalls.run(t)
}

// Numbers of i386 calls.
const (
	compatRead    = 3
	compatCreat   = 8 // that of lseek on x86-64
	compatLseek   = 19
	compatWritev  = 146
	compatOpenat  = 295
	compatConnect = 362
	compatGetuid  = 24
)

// high is what a 64-bit program may leave in the upper halves of registers: a 32-bit call does not see it.
const high = 0xdeadbeef << 32

// compatly lets the actor make 32-bit calls with memory for their arguments.
func compatly(act func(*actor, *compat.Memory)) func(*actor) {
	return func(a *actor) {
		m, err := compat.NewMemory()
		a.must(err)
		act(a, m)
		a.must(m.Close())
	}
}

// compatCall makes a 32-bit call and returns its result, negative on an error.
func (a *actor) compatCall(number uint64, args ...uint64) int64 {
	n, _ := compat.Call(number, args...)
	return int64(n)
}

// compatSegments is a list of struct compat_iovec.
func compatSegments(m *compat.Memory, texts ...string) uint64 {
	var list []byte
	for _, text := range texts {
		list = binary.LittleEndian.AppendUint32(list, uint32(m.Put([]byte(text))))
		list = binary.LittleEndian.AppendUint32(list, uint32(len(text)))
	}
	return m.Put(list)
}

// seeks calls lseek by both tables.
func seeks(a *actor) {
	a.lseek(5, 1)
	a.compatCall(compatLseek, 5|high, ^uint64(0), badWhence)
}

const seekArgs = "  args: [{index: 0, type: int}, {index: 1, type: int32}, {index: 2, type: uint32}]\n  selectors:\n  - " + ours +
	"matchArgs: [{index: 2, operator: Equal, values: [\"4444\"]}]\n"

var compatCalls = register(table{name: "compat", rows: []row{
	{name: "only 32-bit calls", spec: "kprobes:\n- call: __ia32_sys_lseek\n" + seekArgs, act: seeks,
		want: []string{"__ia32_sys_lseek(int 5, int -1, uint 4444)"}},
	{name: "only 64-bit calls", spec: "kprobes:\n- call: sys_lseek\n" + seekArgs, act: seeks,
		want: []string{"sys_lseek(int 5, int 1, uint 4444)"}},
	{name: "both by a list", spec: "lists: [{name: both, type: syscalls, values: [sys_lseek, i386/sys_lseek]}]\nkprobes:\n- call: list:both\n" + seekArgs, act: seeks,
		want: []string{"sys_lseek(int 5, int 1, uint 4444)", "__ia32_sys_lseek(int 5, int -1, uint 4444)"}},
	{name: "the same number is another call", spec: "kprobes:\n- call: __ia32_sys_lseek\n" + seekArgs + "- call: sys_lseek\n" + seekArgs,
		act: func(a *actor) { a.compatCall(compatCreat, 5, 0, badWhence) }},
	{name: "the kernel's own name", spec: "kprobes:\n- call: __ia32_compat_sys_lseek\n" + seekArgs, act: seeks,
		want: []string{"__ia32_compat_sys_lseek(int 5, int -1, uint 4444)"}},
	{name: "strings and returns", spec: `
kprobes:
- call: __ia32_sys_openat
  args: [{index: 1, type: string}, {index: 2, type: int}]
  return: true
  returnArg: {index: 0, type: int}
  selectors: [{matchArgs: [{index: 1, operator: Prefix, values: ["$DIR/"]}]}]
`, act: compatly(func(a *actor, m *compat.Memory) {
		a.compatCall(compatOpenat, at, m.PutString(a.dir+"/none")|high, unix.O_RDONLY)
		a.compatCall(compatOpenat, at, m.PutString("/nonexistent"), unix.O_RDONLY)
		a.openat(a.dir + "/none")
	}), want: []string{"__ia32_sys_openat(string $DIR/none, int 0) = int -2"}},
	{name: "scattered buffers", spec: `
kprobes:
- call: __ia32_sys_writev
  args: [{index: 0, type: int}, {index: 1, type: char_iovec, sizeArgIndex: 3}]
  selectors: [{matchArgs: [{index: 0, operator: Equal, values: ["77"]}]}]
`, act: compatly(func(a *actor, m *compat.Memory) {
		a.compatCall(compatWritev, 77, compatSegments(m, "one ", "two ", "three"), 3)
		a.compatCall(compatWritev, 78, compatSegments(m, "one ", "three"), 2)
	}), want: []string{"__ia32_sys_writev(int 77, bytes one two three)"}},
	{name: "a buffer that the call fills", spec: `
kprobes:
- call: __ia32_sys_read
  args: [{index: 0, type: int}, {index: 1, type: char_buf, returnCopy: true}, {index: 2, type: size_t}]
  return: true
  returnArg: {index: 0, type: size_t}
  selectors: [{matchArgs: [{index: 2, operator: Equal, values: ["77"]}]}]
`, act: compatly(func(a *actor, m *compat.Memory) {
		a.file("filled", "content", 9)
		a.compatCall(compatRead, 9, m.Put(make([]byte, 77)), 77|high)
	}), want: []string{"__ia32_sys_read(int 9, bytes content, size 77) = size 7"}},
	{name: "socket addresses", spec: `
kprobes:
- call: __ia32_sys_connect
  args: [{index: 1, type: sockaddr}]
  selectors: [{matchArgs: [{index: 1, operator: DAddr, values: ["127.0.0.1"]}, {index: 1, operator: DPort, values: ["4444"]}]}]
`, act: compatly(func(a *actor, m *compat.Memory) {
		a.compatCall(compatConnect, ^uint64(0), m.Put([]byte{unix.AF_INET, 0, 4444 >> 8, 4444 & 0xff, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}), 16)
	}), want: []string{"__ia32_sys_connect(sockaddr AF_INET 127.0.0.1:4444)"}},
	{name: "a call whose function has another name", spec: "kprobes:\n- call: __ia32_sys_getuid16\n  selectors:\n  - " + ours + "matchActions: [{action: Post}]\n",
		act: func(a *actor) { a.compatCall(compatGetuid) }, want: []string{"__ia32_sys_getuid16()"}},
	{name: "Sigkill", spec: "kprobes:\n- call: __ia32_sys_lseek\n" + seekArgs + "    matchActions: [{action: Sigkill}]\n",
		act: func(a *actor) { seeks(a); waitForEnd(a) }, signal: unix.SIGKILL, want: []string{"SIGKILL __ia32_sys_lseek(int 5, int -1, uint 4444)"}},
	{name: "numbers in a list", spec: `
lists: [{name: compat, type: syscalls, values: [i386/sys_lseek]}]
tracepoints:
- subsystem: raw_syscalls
  event: sys_enter
  args: [{index: 4, type: syscall64}]
  selectors:
  - ` + ours + `matchArgs: [{index: 4, operator: InMap, values: ["list:compat"]}]
`, act: seeks, want: []string{"raw_syscalls/sys_enter(syscall 2147483667 i386)"}},
}})
