// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/api/tetragon"
)

// objectText spells an argument that is an object of the kernel or one of its numbers.
func objectText(a *tetragon.KprobeArgument) string {
	switch v := a.Arg.(type) {
	case *tetragon.KprobeArgument_CapabilityArg:
		return fmt.Sprintf("capability %d %s", v.CapabilityArg.GetValue().GetValue(), v.CapabilityArg.Name)
	case *tetragon.KprobeArgument_BpfCmdArg:
		return v.BpfCmdArg.String()
	case *tetragon.KprobeArgument_BpfAttrArg:
		return fmt.Sprintf("bpf_attr %s %d %q", v.BpfAttrArg.ProgType, v.BpfAttrArg.InsnCnt, v.BpfAttrArg.ProgName)
	case *tetragon.KprobeArgument_BpfProgArg:
		return fmt.Sprintf("bpf_prog %s %d %q", v.BpfProgArg.ProgType, v.BpfProgArg.InsnCnt, v.BpfProgArg.ProgName)
	case *tetragon.KprobeArgument_BpfMapArg:
		m := v.BpfMapArg
		return fmt.Sprintf("bpf_map %s %d %d %d %q", m.MapType, m.KeySize, m.ValueSize, m.MaxEntries, m.MapName)
	case *tetragon.KprobeArgument_PerfEventArg:
		e := v.PerfEventArg
		return fmt.Sprintf("perf_event %s %d %q %d", e.Type, e.Config, e.KprobeFunc, e.ProbeOffset)
	case *tetragon.KprobeArgument_ModuleArg:
		text := fmt.Sprintf("module %s %v", v.ModuleArg.Name, v.ModuleArg.Tainted)
		if v.ModuleArg.SignatureOk != nil {
			text += fmt.Sprintf(" signed %t", v.ModuleArg.SignatureOk.Value)
		}
		return text
	case *tetragon.KprobeArgument_CapInheritableArg:
		return "inheritable " + v.CapInheritableArg
	case *tetragon.KprobeArgument_CapPermittedArg:
		return "permitted " + v.CapPermittedArg
	case *tetragon.KprobeArgument_CapEffectiveArg:
		return "effective " + v.CapEffectiveArg
	case *tetragon.KprobeArgument_KernelCapTArg:
		return "caps " + v.KernelCapTArg
	case *tetragon.KprobeArgument_LinuxBinprmArg:
		return "binprm " + pathText(v.LinuxBinprmArg.Path, v.LinuxBinprmArg.Flags, v.LinuxBinprmArg.Permission)
	case *tetragon.KprobeArgument_UserNsArg:
		return "user_ns " + userNSText(v.UserNsArg)
	case *tetragon.KprobeArgument_ProcessCredentialsArg:
		c := v.ProcessCredentialsArg
		return fmt.Sprintf("cred %d/%d %d/%d %d/%d %d/%d caps %d user_ns %s",
			c.Uid.GetValue(), c.Gid.GetValue(), c.Euid.GetValue(), c.Egid.GetValue(), c.Suid.GetValue(), c.Sgid.GetValue(),
			c.Fsuid.GetValue(), c.Fsgid.GetValue(), min(len(c.GetCaps().GetEffective()), 1), userNSText(c.UserNs))
	}
	return fmt.Sprintf("%v", a)
}

func userNSText(ns *tetragon.UserNamespace) string {
	return fmt.Sprintf("%d %d/%d host %t", ns.GetLevel().GetValue(), ns.GetUid().GetValue(), ns.GetGid().GetValue(), ns.GetNs().GetIsHost())
}

// segments are the struct iovec of texts, kept alive by the caller.
func segments(texts ...[]byte) []uint64 {
	var list []uint64
	for _, text := range texts {
		list = append(list, address(text), uint64(len(text)))
	}
	return list
}

// pwritev tries to write segments to a descriptor that is not open.
func (a *actor) pwritev(texts ...string) {
	var parts [][]byte
	for _, text := range texts {
		parts = append(parts, []byte(text))
	}
	list := segments(parts...)
	a.call(unix.SYS_PWRITEV, ^uint64(0), addressOf(list), uint64(len(texts)), 0, 0)
	runtime.KeepAlive(parts)
	runtime.KeepAlive(list)
}

// preadv reads into as many segments as there are sizes.
func (a *actor) preadv(fd int, sizes ...int) {
	var parts [][]byte
	for _, n := range sizes {
		parts = append(parts, make([]byte, n))
	}
	list := segments(parts...)
	a.call(unix.SYS_PREADV, uint64(fd), addressOf(list), uint64(len(sizes)), 0, 0)
	runtime.KeepAlive(parts)
	runtime.KeepAlive(list)
}

// bpf calls bpf(2) with a union bpf_attr that has a name behind its words.
func (a *actor) bpf(command int, name string, at int, words ...uint32) int64 {
	attr := make([]byte, 128)
	for i, w := range words {
		*(*uint32)(unsafe.Pointer(&attr[4*i])) = w
	}
	copy(attr[at:], name)
	n := a.call(unix.SYS_BPF, uint64(command), address(attr), uint64(len(attr)))
	runtime.KeepAlive(attr)
	return n
}

// Where a union bpf_attr has the name of a program and of a map (include/uapi/linux/bpf.h).
const (
	progNameAt = 48
	mapNameAt  = 28
)

// TestValues checks the types that system calls and tracepoints have.
func TestValues(t *testing.T) { values.run(t) }

const iovec = "{index: 1, type: char_iovec, sizeArgIndex: 3}"

func pwritevSpec(args string) string {
	return "kprobes:\n- call: sys_pwritev\n  args: [" + args + "]\n"
}

var values = register(table{name: "values", rows: []row{
	{
		name: "char_iovec",
		spec: pwritevSpec(iovec + ", {index: 0, type: int}"),
		act: func(a *actor) {
			a.pwritev("hello", "", " ", "world")
			a.pwritev()
			a.pwritev("ab", strings.Repeat(".", 4091), "cd")
			a.call(unix.SYS_PWRITEV, ^uint64(0), 8, 1, 0, 0)
			a.pwritev(strings.Split(strings.Repeat("a", 1024), "")...)
			a.pwritev(strings.Split(strings.Repeat("a", 1025), "")...)
		},
		want: []string{
			"sys_pwritev(bytes hello world, int -1)", "sys_pwritev(bytes , int -1)", "sys_pwritev(bytes ab..cd(4095), int -1)",
			"sys_pwritev(error Bad address for basic type, int -1)", "sys_pwritev(bytes aa..aa(1024), int -1)",
			"sys_pwritev(truncated bytes aa..aa(1024) of 1024, int -1)",
		},
	},
	{
		name: "char_iovec, cut",
		spec: pwritevSpec(iovec),
		act:  func(a *actor) { a.pwritev("ab", text(5000)) },
		want: []string{"sys_pwritev(truncated bytes ab....(4095) of 5002)"},
	},
	{
		name: "char_iovec with maxData",
		spec: pwritevSpec("{index: 1, type: char_iovec, sizeArgIndex: 3, maxData: true}"),
		act: func(a *actor) {
			a.pwritev("ab", text(100_000), text(99_998))
			a.pwritev("ab", text(4094))
			a.pwritev("ab", text(4093), "cd")
			a.pwritev(text(327_360), "cut")
		},
		want: []string{
			"sys_pwritev(bytes ab..cd(200000))", "sys_pwritev(bytes ab..cd(4096))", "sys_pwritev(bytes ab..cd(4097))",
			"sys_pwritev(truncated bytes ab..cd(327360) of 327363)",
		},
	},
	{
		name: "memory that ends within the buffer",
		spec: pwriteSpec("{index: 1, type: char_buf, sizeArgIndex: 3, maxData: true}",
			"  selectors: [{matchPIDs: [{operator: In, values: [$PID]}], matchActions: [{action: Sigkill}]}]\n"),
		act: func(a *actor) {
			const room = 65536 + 4096
			b, err := unix.Mmap(-1, 0, room, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
			a.must(err)
			copy(b, text(room))
			a.must(unix.Mprotect(b[65536:], unix.PROT_NONE))
			a.call(unix.SYS_PWRITE64, ^uint64(0), address(b), room, 0)
		},
		// Parts of 32 KiB behind the first 4 KiB: the third one cannot be read.
		want:   []string{"SIGKILL sys_pwrite64(truncated bytes ab....(36864) of 69632)"},
		signal: unix.SIGKILL,
	},
	{
		name: "char_iovec with returnCopy",
		spec: `
kprobes:
- call: sys_preadv
  return: true
  returnArg: {index: 0, type: int}
  args: [{index: 0, type: int}, {index: 1, type: char_iovec, sizeArgIndex: 3, returnCopy: true, maxData: true}]
  selectors: [{matchArgs: [{index: 0, operator: InMap, values: ["77", "78"]}]}]
`,
		act: func(a *actor) {
			a.file("scattered", "hello world", 77)
			a.preadv(77, 3, 100)
			a.file("scattered widely", text(50_000), 78)
			a.preadv(78, 3, 10_000, 60_000)
			a.preadv(77, 0)
		},
		want: []string{
			"sys_preadv(int 77, bytes hello world) = int 11", "sys_preadv(int 78, bytes ab..cd(50000)) = int 50000",
			"sys_preadv(int 77, bytes ) = int 0",
		},
	},
	{
		name: "bpf_cmd and bpf_attr",
		spec: `
kprobes:
- call: sys_bpf
  args: [{index: 0, type: bpf_cmd}, {index: 1, type: bpf_attr}]
  selectors:
  - matchPIDs: [{operator: In, values: [$PID]}]
    matchArgs: [{index: 0, operator: Equal, values: [BPF_PROG_LOAD]}]
`,
		act: func(a *actor) {
			a.bpf(unix.BPF_MAP_CREATE, "map", mapNameAt, 0)
			a.bpf(unix.BPF_PROG_LOAD, "program", progNameAt, unix.BPF_PROG_TYPE_KPROBE, 7)
			a.call(unix.SYS_BPF, unix.BPF_PROG_LOAD, 8, 128)
		},
		want: []string{
			`sys_bpf(BPF_PROG_LOAD, bpf_attr BPF_PROG_TYPE_KPROBE 7 "program")`,
			"sys_bpf(BPF_PROG_LOAD, error Bad address for basic type)",
		},
	},
	{
		name: "capability",
		spec: `
kprobes:
- call: sys_prctl
  args: [{index: 0, type: int}, {index: 1, type: capability}]
  selectors:
  - matchArgs: [{index: 0, operator: Equal, values: ["23"]}, {index: 1, operator: InMap, values: [CAP_SYS_ADMIN, "5:6"]}]
`,
		act: func(a *actor) {
			for _, capability := range []uint64{4, 5, 21, 22} {
				a.call(unix.SYS_PRCTL, unix.PR_CAPBSET_READ, capability)
			}
		},
		want: []string{"sys_prctl(int 23, capability 5 CAP_KILL)", "sys_prctl(int 23, capability 21 CAP_SYS_ADMIN)"},
	},
	{
		name: "const_buf",
		spec: `
tracepoints:
- subsystem: raw_syscalls
  event: sys_enter
  args: [{index: 4}, {index: 5}]
  selectors: [{matchPIDs: [{operator: In, values: [$PID]}], matchArgs: [{index: 4, operator: Equal, values: ["8"]}]}]
`,
		act:  func(a *actor) { a.call(unix.SYS_LSEEK, 7, 0, badWhence, 1, 2, 3) },
		want: []string{"raw_syscalls/sys_enter(long 8, size 7, size 0, size 4444, size 1, size 2, size 3)"},
	},
	{
		name: "const_buf of characters",
		spec: `
tracepoints:
- subsystem: signal
  event: signal_generate
  args: [{index: 4, type: int32}, {index: 7, type: const_buf}]
  selectors: [{matchPIDs: [{operator: In, values: [$PID]}], matchArgs: [{index: 4, operator: Equal, values: ["18"]}]}]
`,
		act: func(a *actor) {
			name := []byte("values\x00")
			a.call(unix.SYS_PRCTL, unix.PR_SET_NAME, address(name))
			runtime.KeepAlive(name)
			a.call(unix.SYS_TGKILL, uint64(unix.Getpid()), uint64(unix.Gettid()), uint64(unix.SIGCONT))
		},
		want: []string{"signal/signal_generate(int 18, string values)"},
	},
	{
		name: "char_iovec of a tracepoint",
		spec: "tracepoints:\n- subsystem: syscalls\n  event: sys_enter_pwritev\n  args: [{index: 6, type: char_iovec, sizeArgIndex: 8, maxData: true}]\n" +
			"  selectors: [{matchPIDs: [{operator: In, values: [$PID]}]}]\n",
		act:  func(a *actor) { a.pwritev("ab", text(9998)) },
		want: []string{"syscalls/sys_enter_pwritev(bytes ab..cd(10000))"},
	},
	fileTypeRow("FileType", []string{"fifo", "dir"}, "sys_pread64(file / prw-------)"),
	fileTypeRow("NotFileType", []string{"pipe", "socket"}, "sys_pread64(file $DIR/typed -rw-r--r--)"),
	{
		name: "a descriptor returned",
		spec: `
kprobes:
- call: sys_openat
  return: true
  returnArg: {index: 0, type: fd}
  args: [{index: 1, type: string}]
  selectors: [{matchArgs: [{index: 1, operator: Prefix, values: [$DIR/returned]}]}]
`,
		act: func(a *actor) {
			a.openatFlags(a.dir+"/returned", unix.O_CREAT)
			a.openat(a.dir + "/returned not")
		},
		want: []string{
			"sys_openat(string $DIR/returned) = file $DIR/returned -rw-------",
			"sys_openat(string $DIR/returned not) = error Bad file descriptor",
		},
	},
	{
		name: "killed, with what it would have written",
		spec: pwriteSpec("{index: 1, type: char_buf, sizeArgIndex: 3, maxData: true}",
			"  selectors: [{matchArgs: [{index: 1, operator: Prefix, values: [ab]}], matchActions: [{action: Sigkill}]}]\n"),
		act:    writes(text(200_000)),
		want:   []string{"SIGKILL sys_pwrite64(bytes ab..cd(200000))"},
		signal: unix.SIGKILL,
	},
}})

// fileTypeRow filters by the type of what is read from: a pipe, a file, a socket.
func fileTypeRow(operator string, types []string, want ...string) row {
	return row{
		name: operator,
		spec: "kprobes:\n- call: sys_pread64\n  args: [{index: 0, type: fd}]\n  selectors: [{matchPIDs: [{operator: In, values: [$PID]}], " +
			"matchArgs: [{index: 0, operator: " + operator + ", values: [" + strings.Join(types, ", ") + "]}]}]\n",
		act: func(a *actor) {
			a.pipe(70, 71)
			a.pread(70, 1, 0)
			a.file("typed", "x", 72)
			a.pread(72, 1, 0)
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			a.must(err)
			a.pread(pair[0], 1, 0)
			a.pread(99, 1, 0)
		},
		want: want,
	}
}
