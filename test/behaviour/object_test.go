// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestObjects checks the types that functions of the kernel have.
func TestObjects(t *testing.T) { objects.run(t) }

// objectSpec hooks a function for the actor only.
func objectSpec(call, args, filters string) string {
	return "kprobes:\n- call: " + call + "\n  syscall: false\n  args: [" + args + "]\n" +
		"  selectors: [{matchPIDs: [{operator: In, values: [$PID]}]" + filters + "}]\n"
}

// capset sets the effective and inheritable capabilities; the permitted ones are all.
func (a *actor) capset(effective, inheritable uint32) {
	header := []uint32{unix.LINUX_CAPABILITY_VERSION_3, 0}
	data := []uint32{effective, ^uint32(0), inheritable, 0, 0, 0}
	a.call(unix.SYS_CAPSET, uint64(uintptr(unsafe.Pointer(&header[0]))), uint64(uintptr(unsafe.Pointer(&data[0]))))
	runtime.KeepAlive(header)
	runtime.KeepAlive(data)
}

// returnZero is a BPF program, gpl its license. Their addresses are those that a call gets.
var (
	returnZero = []uint64{0xb7, 0x95} // r0 = 0; exit
	gpl        = []byte("GPL\x00")
)

const hostNS = "0 0/0 host true"

var objects = register(table{name: "objects", needs: hookableFunctions, rows: []row{
	{
		name: "cred, user_namespace and capability",
		spec: objectSpec("cap_capable", "{index: 0, type: cred}, {index: 1, type: user_namespace}, {index: 2, type: capability}",
			", matchArgs: [{index: 2, operator: Equal, values: [CAP_SYS_BOOT]}]"),
		act:  func(a *actor) { a.call(unix.SYS_REBOOT, 0, 0, 0, 0) },
		want: []string{"cap_capable(cred 0/0 0/0 0/0 0/0 caps 1 user_ns " + hostNS + ", user_ns " + hostNS + ", capability 22 CAP_SYS_BOOT)"},
	},
	{
		name: "credentials committed",
		spec: objectSpec("commit_creds", "{index: 0, type: cred}", ""),
		act: func(a *actor) {
			a.call(unix.SYS_SETRESGID, 1, 2, 3)
			a.call(unix.SYS_SETRESUID, 4, 5, 6)
		},
		want: []string{
			"commit_creds(cred 0/1 0/2 0/3 0/2 caps 1 user_ns " + hostNS + ")",
			"commit_creds(cred 4/1 5/2 6/3 5/2 caps 0 user_ns " + hostNS + ")",
		},
	},
	{
		name: "credentials returned",
		spec: "kprobes:\n- call: prepare_creds\n  syscall: false\n  return: true\n  returnArg: {index: 0, type: cred}\n" +
			"  selectors: [{matchPIDs: [{operator: In, values: [$PID]}]}]\n",
		act:  func(a *actor) { a.call(unix.SYS_SETGID, 0) },
		want: []string{"prepare_creds() = cred 0/0 0/0 0/0 0/0 caps 1 user_ns " + hostNS},
	},
	{
		name: "sets of capabilities",
		spec: objectSpec("security_capset", "{index: 2, type: cap_effective}, {index: 3, type: cap_inheritable}, {index: 3, type: kernel_cap_t}",
			", matchArgs: [{index: 2, operator: Equal, values: ['CAP_CHOWN,KILL', '0x3']}]"),
		act: func(a *actor) {
			a.capset(1<<unix.CAP_CHOWN|1<<unix.CAP_KILL, 1)
			a.capset(7, 1)
			a.capset(3, 5)
		},
		want: []string{
			"security_capset(effective 0000000000000021, inheritable 0000000000000001, caps 0000000000000001)",
			"security_capset(effective 0000000000000003, inheritable 0000000000000005, caps 0000000000000005)",
		},
	},
	{
		name: "CapabilitiesGained",
		spec: objectSpec("security_capset", "{index: 2, type: cap_effective}, {index: 3, type: cap_inheritable}",
			", matchArgs: [{args: [1, 0], operator: CapabilitiesGained}]"),
		act: func(a *actor) {
			a.capset(1, 1)
			a.capset(1, 3)
			a.capset(6, 3)
		},
		want: []string{"security_capset(effective 0000000000000006, inheritable 0000000000000003)"},
	},
	{
		name: "linux_binprm",
		spec: objectSpec("security_bprm_check", "{index: 0, type: linux_binprm}",
			", matchArgs: [{index: 0, operator: Postfix, values: [/link]}, {index: 0, operator: FileType, values: [reg]}]"),
		act: func(a *actor) {
			a.must(os.WriteFile(a.dir+"/link", []byte("\x7fnot a program"), 0o755))
			a.check(unix.Exec(a.dir+"/link", []string{"link"}, nil) == unix.ENOEXEC, "it is a program")
		},
		want: []string{"security_bprm_check(binprm $DIR/link -rwxr-xr-x)"},
	},
	{
		name: "dentry",
		spec: objectSpec("security_inode_unlink", "{index: 1, type: dentry}",
			", matchArgs: [{index: 1, operator: Postfix, values: [/unlinked]}, {index: 1, operator: NotFileType, values: [dir]}]"),
		act: func(a *actor) {
			a.file("unlinked", "x", 70)
			a.must(unix.Unlink(a.dir + "/unlinked"))
		},
		want: []string{"security_inode_unlink(path $WITHIN/unlinked -rw-r--r--)"},
	},
	{
		name: "kiocb and iov_iter",
		spec: objectSpec("generic_write_checks", "{index: 0, type: kiocb}, {index: 1, type: iov_iter, maxData: true}",
			", matchArgs: [{index: 0, operator: Prefix, values: [$DIR/iterated]}]"),
		act: func(a *actor) {
			a.file("iterated", "", 70)
			_, err := unix.Write(70, []byte("hello"))
			a.must(err)
			_, err = unix.Writev(70, [][]byte{[]byte("hello"), []byte(" "), []byte("world")})
			a.must(err)
			_, err = unix.Write(70, []byte(text(200_000)))
			a.must(err)
			_, err = unix.Writev(70, [][]byte{[]byte("ab"), []byte(text(60_000)), []byte(text(340_000))})
			a.must(err)
		},
		want: []string{
			"generic_write_checks(file $DIR/iterated -rw-r--r--, bytes )", // the file is made by writing nothing
			"generic_write_checks(file $DIR/iterated -rw-r--r--, bytes hello)",
			"generic_write_checks(file $DIR/iterated -rw-r--r--, bytes hello world)",
			"generic_write_checks(file $DIR/iterated -rw-r--r--, bytes ab..cd(200000))",
			"generic_write_checks(file $DIR/iterated -rw-r--r--, truncated bytes ab....(327360) of 400002)",
		},
	},
	{
		name: "bpf_map and bpf_prog",
		spec: objectSpec("security_bpf_map", "{index: 0, type: bpf_map}", "") +
			strings.TrimPrefix(objectSpec("security_bpf_prog", "{index: 0, type: bpf_prog}", ""), "kprobes:\n") +
			strings.TrimPrefix(objectSpec("security_bpf", "{index: 0, type: bpf_cmd}, {index: 1, type: bpf_attr}",
				", matchArgs: [{index: 0, operator: Equal, values: [BPF_PROG_LOAD]}]"), "kprobes:\n"),
		act: func(a *actor) {
			a.check(a.bpf(unix.BPF_MAP_CREATE, "objects", mapNameAt, unix.BPF_MAP_TYPE_HASH, 4, 8, 16) >= 0, "no map")
			at, l := addressOf(returnZero), address(gpl)
			// While a signal is pending, as the Go runtime sends them, the kernel does not verify.
			all := &unix.Sigset_t{Val: [16]uint64{^uint64(0)}}
			a.must(unix.PthreadSigmask(unix.SIG_BLOCK, all, nil))
			n := a.bpf(unix.BPF_PROG_LOAD, "objects", progNameAt, unix.BPF_PROG_TYPE_SOCKET_FILTER, 2,
				uint32(at), uint32(at>>32), uint32(l), uint32(l>>32))
			a.check(n >= 0, "no program: %d", n)
		},
		want: []string{
			`security_bpf_map(bpf_map BPF_MAP_TYPE_HASH 4 8 16 "objects")`,
			`security_bpf(BPF_PROG_LOAD, bpf_attr BPF_PROG_TYPE_SOCKET_FILTER 2 "objects")`,
			`security_bpf_prog(bpf_prog BPF_PROG_TYPE_SOCKET_FILTER 2 "objects")`,
		},
	},
	{
		name: "perf_event",
		spec: objectSpec("security_perf_event_alloc", "{index: 0, type: perf_event}", ""),
		act: func(a *actor) {
			_, err := unix.PerfEventOpen(&unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_PAGE_FAULTS}, 0, -1, -1, 0)
			a.must(err)
			a.file("probed", "nobody runs this", 70)
			path := append([]byte(a.dir+"/probed"), 0)
			probe := &unix.PerfEventAttr{Type: uprobeType(a), Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Ext1: address(path), Ext2: 4}
			_, err = unix.PerfEventOpen(probe, -1, 0, -1, 0)
			a.must(err)
			runtime.KeepAlive(path)
		},
		want: []string{
			`security_perf_event_alloc(perf_event PERF_TYPE_SOFTWARE 2 "" 0)`, `security_perf_event_alloc(perf_event $UPROBE 0 "$DIR/probed" 4)`,
		},
	},
	{
		name: "net_device",
		spec: objectSpec("dev_set_mtu", "{index: 0, type: net_device}, {index: 1, type: int}",
			", matchArgs: [{index: 0, operator: Equal, values: [lo]}]"),
		act: func(a *actor) {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
			a.must(err)
			request, err := unix.NewIfreq("lo")
			a.must(err)
			request.SetUint32(65535)
			a.must(unix.IoctlIfreq(fd, unix.SIOCSIFMTU, request))
		},
		want: []string{"dev_set_mtu(string lo, int 65535)"},
	},
}, vars: func(tb testing.TB, dir string) map[string]string {
	within := dir
	if tmp, root := device(tb, "/tmp"), device(tb, "/"); tmp != root {
		within = strings.TrimPrefix(dir, "/tmp") // a mount of its own
	}
	number, err := os.ReadFile(uprobeTypeFile)
	if err != nil {
		number = []byte("0") // the test is skipped
	}
	return map[string]string{"WITHIN": within, "UPROBE": strings.TrimSpace(string(number))}
}})

// device is the device of the file system that a path is in.
func device(tb testing.TB, path string) uint64 {
	tb.Helper()
	var s unix.Stat_t
	if err := unix.Stat(path, &s); err != nil {
		tb.Fatal(err)
	}
	return s.Dev
}

// uprobeTypeFile says which type perf events on uprobes have.
const uprobeTypeFile = "/sys/bus/event_source/devices/uprobe/type"

func uprobeType(a *actor) uint32 {
	text, err := os.ReadFile(uprobeTypeFile)
	a.must(err)
	var n uint32
	for _, digit := range strings.TrimSpace(string(text)) {
		n = 10*n + uint32(digit-'0')
	}
	return n
}

// TestModules checks the types of modules, where there is one to load.
func TestModules(t *testing.T) { modules.run(t) }

// testModule is a module that fits the kernel and needs no other one.
const testModule = "/test.ko"

var modules = register(table{name: "modules", needs: loadableModule, rows: []row{
	{
		name: "module",
		spec: objectSpec("do_init_module", "{index: 0, type: module}", ""),
		act:  loadModule,
		want: []string{"do_init_module(module crc_itu_t [])"},
	},
}})

// TestLoadInfo checks what is known while a module is loaded. Before 5.19 no function that has it is a symbol.
func TestLoadInfo(t *testing.T) { loadInfos.run(t) }

var loadInfos = register(table{name: "load-infos", needs: loadableModule, rows: []row{
	{
		name: "load_info",
		spec: objectSpec("add_kallsyms", "{index: 1, type: load_info}, {index: 0, type: module}", ""),
		act:  loadModule,
		want: []string{"add_kallsyms(module crc_itu_t [] signed true, module crc_itu_t [])"},
	},
}})

func loadModule(a *actor) {
	fd, err := unix.Open(testModule, unix.O_RDONLY, 0)
	a.must(err)
	a.must(unix.FinitModule(fd, "", 0))
	a.must(unix.DeleteModule("crc_itu_t", 0))
}
