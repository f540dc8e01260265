// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pwrite tries to write to a descriptor that is not open. Actors call it for nothing else.
func (a *actor) pwrite(content string) {
	b := []byte(content)
	a.call(unix.SYS_PWRITE64, ^uint64(0), address(b), uint64(len(b)), 0)
	runtime.KeepAlive(b)
}

// pread reads at an offset of a descriptor.
func (a *actor) pread(fd int, size int, offset uint64) {
	b := make([]byte, size)
	a.call(unix.SYS_PREAD64, uint64(fd), address(b), uint64(size), offset)
	runtime.KeepAlive(b)
}

// TestBuffers checks arguments of type char_buf, and how arguments are listed.
func TestBuffers(t *testing.T) { buffers.run(t) }

// buffer is an argument for the buffer of read and write calls.
const buffer = "{index: 1, type: char_buf, sizeArgIndex: 3}"

func pwriteSpec(args, filters string) string {
	return "kprobes:\n- call: sys_pwrite64\n  args: [" + args + "]\n" + filters
}

func writes(contents ...string) func(*actor) {
	return func(a *actor) {
		for _, content := range contents {
			a.pwrite(content)
		}
	}
}

var buffers = register(table{name: "buffers", rows: []row{
	{
		name: "write",
		spec: `
kprobes:
- call: sys_write
  args: [{index: 0, type: int}, {index: 1, type: char_buf, sizeArgIndex: 3}, {index: 2, type: size_t}]
  selectors: [{matchArgs: [{index: 0, operator: Equal, values: ["77"]}]}]
`,
		act: func(a *actor) {
			b := []byte("hello world")
			a.check(a.call(unix.SYS_WRITE, 77, address(b), 11) == -int64(unix.EBADF), "descriptor 77 is open")
			runtime.KeepAlive(b)
		},
		want: []string{"sys_write(int 77, bytes hello world, size 11)"},
	},
	{
		name: "in the order of args, filtered by the function's index",
		spec: pwriteSpec(buffer+", {index: 2, type: size_t}, {index: 0, type: int}", "  selectors: [{matchArgs: [{index: 0, operator: Equal, values: ['-1']}]}]\n"),
		act:  writes("hello"),
		want: []string{"sys_pwrite64(bytes hello, size 5, int -1)"},
	},
	{
		name: "filtered by the position in args",
		spec: pwriteSpec(buffer+", {index: 2, type: size_t}, {index: 0, type: int}", "  selectors: [{matchArgs: [{args: [1], operator: GT, values: ['4']}]}]\n"),
		act:  writes("hell", "hello"),
		want: []string{"sys_pwrite64(bytes hello, size 5, int -1)"},
	},
	{
		name: "labels",
		spec: pwriteSpec("{index: 0, type: int, label: where}, {index: 1, type: char_buf, sizeArgIndex: 3, label: what}, {index: 2, type: size_t}", ""),
		act:  writes("hello"),
		want: []string{"sys_pwrite64(where: int -1, what: bytes hello, size 5)"},
	},
	{
		name: "one argument twice, as different types",
		spec: pwriteSpec("{index: 0, type: int}, {index: 0, type: uint32}, {index: 0, type: uint8}, {index: 0, type: fd}", ""),
		act:  writes(""),
		want: []string{"sys_pwrite64(int -1, uint 4294967295, uint 255, error Bad file descriptor)"},
	},
	{
		name: "eight arguments",
		spec: pwriteSpec(strings.TrimSuffix(strings.Repeat("{index: 2, type: uint8}, ", 8), ", "), ""),
		act:  writes("abc"),
		want: []string{"sys_pwrite64(uint 3, uint 3, uint 3, uint 3, uint 3, uint 3, uint 3, uint 3)"},
	},
	{
		name: "nop is consumed but not told",
		spec: pwriteSpec("{index: 0, type: nop}, "+buffer, ""),
		act:  writes("abc"),
		want: []string{"sys_pwrite64(bytes abc)"},
	},
	{
		name: "nothing, and nothing at no address",
		spec: pwriteSpec(buffer, ""),
		act: func(a *actor) {
			a.pwrite("")
			a.call(unix.SYS_PWRITE64, ^uint64(0), 0, 0, 0)
		},
		want: []string{"sys_pwrite64(bytes )", "sys_pwrite64(bytes )"},
	},
	{
		name: "bad address",
		spec: pwriteSpec(buffer+", {index: 2, type: size_t}", ""),
		act:  func(a *actor) { a.call(unix.SYS_PWRITE64, ^uint64(0), 8, 16, 0) },
		want: []string{"sys_pwrite64(error Bad address for basic type, size 16)"},
	},
	{
		name: "without the argument of its size there are no bytes",
		spec: pwriteSpec("{index: 1, type: char_buf}", ""),
		act:  writes("abc"),
		want: []string{"sys_pwrite64(bytes )"},
	},
	{
		name: "4095 bytes, and cut",
		spec: pwriteSpec(buffer, ""),
		act:  writes(text(4095), text(4096), text(100000)),
		want: []string{"sys_pwrite64(bytes ab..cd(4095))", "sys_pwrite64(truncated bytes ab...c(4095) of 4096)", "sys_pwrite64(truncated bytes ab....(4095) of 100000)"},
	},
	{
		name: "maxData",
		spec: pwriteSpec("{index: 1, type: char_buf, sizeArgIndex: 3, maxData: true}", ""),
		act:  writes("hello", text(4096), text(4097), text(200_000), text(327_360), text(327_361)),
		want: []string{
			"sys_pwrite64(bytes hello)", "sys_pwrite64(bytes ab..cd(4096))", "sys_pwrite64(bytes ab..cd(4097))",
			"sys_pwrite64(bytes ab..cd(200000))", "sys_pwrite64(bytes ab..cd(327360))",
			"sys_pwrite64(truncated bytes ab...c(327360) of 327361)",
		},
	},
	{
		name: "bytes of any value",
		spec: pwriteSpec(buffer, ""),
		act:  writes("a\x00b\xff"),
		want: []string{"sys_pwrite64(bytes a\x00b\xff)"},
	},
	bufferFilter("Equal", "hello", "hello"),
	bufferFilter("NotEqual", "hello", "hello world", "hello\x00world", "hell", "", "world hello"),
	bufferFilter("Prefix", "hello", "hello", "hello world", "hello\x00world"),
	bufferFilter("NotPrefix", "hello", "hell", "", "world hello"),
	bufferFilter("Postfix", "hello", "hello", "world hello"),
	bufferFilter("NotPostfix", "hello", "hello world", "hello\x00world", "hell", ""),
}})

// bufferFilter filters what is written by one value.
func bufferFilter(operator, value string, want ...string) row {
	var lines []string
	for _, content := range want {
		lines = append(lines, "sys_pwrite64(bytes "+content+")")
	}
	return row{
		name: operator + " " + value,
		spec: pwriteSpec(buffer, "  selectors: [{matchArgs: [{index: 1, operator: "+operator+", values: ["+value+"]}]}]\n"),
		act:  writes("hello", "hello world", "hello\x00world", "hell", "", "world hello"),
		want: lines,
	}
}

// text has a length, begins with ab and ends with cd.
func text(n int) string { return "ab" + strings.Repeat(".", n-4) + "cd" }

// TestReturnCopy checks buffers that are filled by the call.
func TestReturnCopy(t *testing.T) { returnCopy.run(t) }

var returnCopy = register(table{name: "return-copy", rows: []row{
	preadRow("as much as was read", "", []string{
		"sys_pread64(int 77, bytes hello, size 5) = int 5",
		"sys_pread64(int 77, bytes lo world, size 100) = int 8",
	}, func(a *actor) {
		a.file("copied", "hello world", 77)
		a.pread(77, 5, 0)
		a.pread(77, 100, 3)
	}),
	preadRow("the end of the file, and an error", "", []string{
		"sys_pread64(int 77, bytes , size 100) = int 0",
		"sys_pread64(int 78, bytes , size 100) = int -9",
	}, func(a *actor) {
		a.file("read to its end", "hello", 77)
		a.pread(77, 100, 5)
		a.pread(78, 100, 5)
	}),
	preadRow("cut", "", []string{"sys_pread64(int 77, truncated bytes ab..d\n(4095) of 5000, size 5000) = int 5000"}, func(a *actor) {
		a.file("long", text(4094)+"\n"+text(905), 77)
		a.pread(77, 5000, 0)
	}),
	preadRow("maxData", ", maxData: true", []string{
		"sys_pread64(int 77, bytes ab..cd(4096), size 8192) = int 4096",
		"sys_pread64(int 78, bytes ab..cd(100000), size 200000) = int 100000",
		"sys_pread64(int 79, truncated bytes ab....(327360) of 400000, size 400000) = int 400000",
	}, func(a *actor) {
		a.file("4096", text(4096), 77)
		a.pread(77, 8192, 0)
		a.file("100000", text(100_000), 78)
		a.pread(78, 200_000, 0)
		a.file("400000", text(400_000), 79)
		a.pread(79, 400_000, 0)
	}),
	{
		name: "without return",
		spec: `
kprobes:
- call: sys_pread64
  args: [{index: 1, type: char_buf, returnCopy: true}, {index: 0, type: int}]
  selectors: [{matchArgs: [{index: 0, operator: Equal, values: ["77"]}]}]
`,
		act: func(a *actor) {
			a.file("no return", "hello", 77)
			a.pread(77, 100, 0)
			a.file("another descriptor", "hello", 78)
			a.pread(78, 100, 0)
		},
		want: []string{"sys_pread64(bytes hello, int 77)"},
	},
}})

func preadRow(name, option string, want []string, act func(*actor)) row {
	return row{
		name: name,
		spec: `
kprobes:
- call: sys_pread64
  return: true
  returnArg: {index: 0, type: int}
  args: [{index: 0, type: int}, {index: 1, type: char_buf, returnCopy: true` + option + `}, {index: 2, type: size_t}]
  selectors: [{matchArgs: [{index: 0, operator: InMap, values: ["77", "78", "79"]}]}]
`,
		act:  act,
		want: want,
	}
}
