// SPDX-License-Identifier: Apache-2.0

package event

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/api/tetragon"
)

func curl(args string) *Process { return &Process{Binary: "/usr/bin/curl", Arguments: args} }

func podCurl() *Process {
	p := curl("cilium.io")
	p.Pod = &Pod{Namespace: "kube-system", Name: "tetragon"}
	return p
}

func kprobe(function string, args ...Arg) *Event {
	return &Event{Kind: KindKprobe, Process: podCurl(), Hook: Hook{Function: function, Args: args}}
}

func tracepoint(subsystem, name string, args ...Arg) *Event {
	hook := Hook{Subsystem: subsystem, Event: name, Args: args}
	return &Event{Kind: KindTracepoint, NodeName: "n", Process: curl(""), Hook: hook}
}

func file(path string) Arg { return Arg{Kind: ArgFile, Bytes: []byte(path)} }
func str(s string) Arg     { return Arg{Kind: ArgString, Bytes: []byte(s)} }
func intArg(n int64) Arg   { return Arg{Kind: ArgInt, Int: n} }
func size(n uint64) Arg    { return Arg{Kind: ArgSize, Uint: n} }

func TestCompact(t *testing.T) {
	t.Parallel()
	sock := Arg{Kind: ArgSock, Detail: &Sock{
		Source: netip.MustParseAddr("10.0.0.1"), Destination: netip.MustParseAddr("1.1.1.1"), SourcePort: 34965, DestinationPort: 80,
	}}
	const pod = "kube-system/tetragon /usr/bin/curl"
	for _, test := range []struct {
		name string
		e    *Event
		want string
	}{
		{"exec", &Event{Kind: KindExec, NodeName: "my-node", Process: curl("cilium.io")}, "🚀 process my-node /usr/bin/curl cilium.io"},
		{"exec in pod", &Event{Kind: KindExec, NodeName: "my-node", Process: podCurl()}, "🚀 process " + pod + " cilium.io"},
		{"exec quoted", &Event{Kind: KindExec, NodeName: "my-node", Process: curl("-s cilium.io")}, `🚀 process my-node /usr/bin/curl "-s cilium.io"`},
		{"exec hostile", &Event{Kind: KindExec, NodeName: "my node", Process: curl("\x1b[2J")}, `🚀 process "my node" /usr/bin/curl "\x1b[2J"`},
		{"exec unicode", &Event{Kind: KindExec, NodeName: "n", Process: curl("größe")}, "🚀 process n /usr/bin/curl größe"},
		{"exec invalid", &Event{Kind: KindExec, NodeName: "n", Process: curl("a\xff\xfe")}, "🚀 process n /usr/bin/curl a\ufffd"},
		{"exit", &Event{Kind: KindExit, Process: podCurl(), Exit: Exit{Status: 1}}, "💥 exit    " + pod + " cilium.io 1"},
		{"exit signal", &Event{Kind: KindExit, Process: podCurl(), Exit: Exit{Signal: "SIGKILL"}}, "💥 exit    " + pod + " cilium.io SIGKILL"},
		{"throttle start", &Event{Kind: KindThrottle, Throttle: Throttle{tetragon.ThrottleType_THROTTLE_START, "session-429.scope"}}, "🧬 throttle START session-429.scope"},
		{"throttle stop", &Event{Kind: KindThrottle, Throttle: Throttle{tetragon.ThrottleType_THROTTLE_STOP, "session-429.scope"}}, "🧬 throttle STOP  session-429.scope"},
		{"loader", &Event{Kind: KindLoader, Process: podCurl(), Loader: Loader{Path: []byte("/lib/libc.so.6"), BuildID: []byte{0xab, 1}}}, "🧬 loader  " + pod + " ab01 /lib/libc.so.6"},
		{"loader without id", &Event{Kind: KindLoader, Process: podCurl(), Loader: Loader{Path: []byte("/lib/libc.so.6")}}, "🧬 loader  " + pod + " /lib/libc.so.6"},
		{"lost", &Event{Kind: KindLost, NodeName: "n", Lost: Lost{"queue", "client too slow", 7}}, `⚠ lost    n 7 events (queue: "client too slow")`},
		{"rate limit", &Event{Kind: KindRateLimit, NodeName: "n", RateLimited: 42}, `⚠ lost    n 42 events (export: "rate limit")`},

		{"unknown function", kprobe("unhandled_function"), "❓ syscall " + pod + " unhandled_function"},
		{"unknown call", kprobe("__x64_sys_lseek"), "❓ syscall " + pod + " __x64_sys_lseek"},
		{"open", kprobe("fd_install", intArg(3), file("/etc/passwd")), "📬 open    " + pod + " /etc/passwd"},
		{"open without arguments", kprobe("fd_install"), "📬 open    " + pod + " "},
		{"sys_open", kprobe("__x64_sys_open", str("/etc/passwd")), "📬\uFE0F open    " + pod + " /etc/passwd"},
		{"sys_openat", kprobe("__arm64_sys_openat", intArg(-100), str("/etc/passwd")), "📬\uFE0F openat  " + pod + " /etc/passwd"},
		{"sys_close", kprobe("__x64_sys_close", file("/etc/password")), "📪 close   " + pod + " /etc/password"},
		{"sys_write", kprobe("__x64_sys_write", file("/etc/password"), Arg{Kind: ArgBytes}, size(1234)), "📝 write   " + pod + " /etc/password 1234 bytes"},
		{"sys_read", kprobe("sys_read", file("/etc/password"), Arg{Kind: ArgBytes}, size(1234)), "📚 read    " + pod + " /etc/password 1234 bytes"},
		{"sys_mount", kprobe("sys_mount", str("/dev/sda"), str("/mnt")), "💾 mount   " + pod + " /dev/sda /mnt"},
		{"sys_pivot_root", kprobe("sys_pivot_root", str("/new"), str("/old")), "💾 pivot_root " + pod + " /new /old"},
		{"sys_setuid", kprobe("sys_setuid", intArg(0)), "🔑 setuid  " + pod + " 0"},
		{"sys_clock_settime", kprobe("sys_clock_settime"), "⏰ clock_settime " + pod},
		{"proc_exec_connector", kprobe("proc_exec_connector"), "🔧 proc_exec_connector " + pod},
		{"sys_setns", kprobe("sys_setns", intArg(3), intArg(0x40000000)), "🔧 setns   " + pod + " net"},
		{"tcp_connect", kprobe("tcp_connect", sock), "🔌 connect " + pod + " tcp 10.0.0.1:34965 -> 1.1.1.1:80"},
		{"tcp_close", kprobe("tcp_close", sock), "🧹 close   " + pod + " tcp 10.0.0.1:34965 -> 1.1.1.1:80"},
		{"tcp_sendmsg", kprobe("tcp_sendmsg", sock, size(9)), "📤 sendmsg " + pod + " tcp 10.0.0.1:34965 -> 1.1.1.1:80 bytes 9"},
		{"bpf_check", kprobe("bpf_check", Arg{Kind: ArgBPFAttr, Detail: &BPFProg{"BPF_PROG_TYPE_KPROBE", 2048, "amazing-program"}}),
			"🐝 bpf_load " + pod + " BPF_PROG_TYPE_KPROBE amazing-program instruction count 2048"},
		{"perf_event_alloc", kprobe("security_perf_event_alloc", Arg{Kind: ArgPerfEvent, Detail: &PerfEvent{Function: "commit_creds", Type: "PERF_TYPE_TRACEPOINT"}}),
			"🐝 perf_event_alloc " + pod + " PERF_TYPE_TRACEPOINT commit_creds"},
		{"bpf_map_alloc", kprobe("security_bpf_map_alloc", Arg{Kind: ArgBPFMap, Detail: &BPFMap{"BPF_MAP_TYPE_HASH", 8, 8, 1024, "amazing-map"}}),
			"🗺 bpf_map_create " + pod + " BPF_MAP_TYPE_HASH amazing-map key size 8 value size 8 max entries 1024"},
		{"file permission", kprobe("security_file_permission"), "❓ security_file_permission " + pod + " "},
		{"file permission write", kprobe("security_file_permission", file("/etc/x"), intArg(2)), "📝 write   " + pod + " /etc/x"},
		{"file permission read", kprobe("security_file_permission", file("/etc/x"), intArg(4)), "📚 read    " + pod + " /etc/x"},
		{"mmap_file", kprobe("security_mmap_file", file("/lib/x"), Arg{Kind: ArgUint, Uint: 5}), "📝 mmap-rx " + pod + " /lib/x"},
		{"path_truncate", kprobe("security_path_truncate", Arg{Kind: ArgPath, Bytes: []byte("/etc/x")}), "📝 truncate " + pod + " /etc/x"},

		{"tracepoint", tracepoint("sched", "sched_switch"), "⁉\uFE0F tracepoint n /usr/bin/curl sched sched_switch"},
		{"sys_enter", tracepoint("raw_syscalls", "sys_enter", Arg{Kind: ArgSyscallID, Uint: 257, Text: "x64"}, size(1<<64-100), size(0x1000), size(0), size(0o644), size(99), size(98)),
			"☎  syscall n /usr/bin/curl openat(int dfd=-100, const char *filename=0x1000, int flags=0, umode_t mode=420)"},
		{"sys_enter without arguments", tracepoint("raw_syscalls", "sys_enter", Arg{Kind: ArgLong, Int: 257}),
			"☎  syscall n /usr/bin/curl openat(int dfd, const char *filename, int flags, umode_t mode)"},
		{"sys_enter types", tracepoint("raw_syscalls", "sys_enter", Arg{Kind: ArgSyscallID, Uint: 8, Text: "x64"}, size(1<<32+3), size(1<<64-1), size(2)),
			"☎  syscall n /usr/bin/curl lseek(unsigned int fd=3, off_t offset=-1, unsigned int whence=2)"},
		{"sys_enter size", tracepoint("raw_syscalls", "sys_enter", Arg{Kind: ArgSyscallID, Uint: 1, Text: "x64"}, size(1), size(0xff), size(1<<40)),
			"☎  syscall n /usr/bin/curl write(unsigned int fd=1, const char *buf=0xff, size_t count=1099511627776)"},
		{"sys_enter compat", tracepoint("raw_syscalls", "sys_enter", Arg{Kind: ArgSyscallID, Uint: 1<<31 | 5}, size(16)), "☎  syscall n /usr/bin/curl open(0x10)"},
		{"sys_enter unknown", tracepoint("raw_syscalls", "sys_enter", size(9999)), "☎  syscall n /usr/bin/curl 9999()"},
		{"uprobe", &Event{Kind: KindUprobe, Process: podCurl(), Hook: Hook{Path: "/bin/bash", Symbol: "readline"}}, "🕵\uFE0F uprobe  " + pod + " /bin/bash readline"},
		{"usdt", &Event{Kind: KindUsdt, Process: podCurl(), Hook: Hook{Path: "/bin/x", Provider: "test", Name: "usdt3"}}, "🕵\uFE0F usdt    " + pod + " /bin/x test usdt3"},
		{"lsm", &Event{Kind: KindLSM, Process: podCurl(), Hook: Hook{Function: "file_open"}}, "🔒 LSM     " + pod + " file_open"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := mustCompact(t, test.e, CompactOptions{}); got != test.want {
				t.Errorf("\n got %q\nwant %q", got, test.want)
			}
			back := FromProto(ToProto(test.e))
			if got := mustCompact(t, back, CompactOptions{}); got != test.want {
				t.Errorf("after the way over the wire\n got %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestCompactOptions(t *testing.T) {
	t.Parallel()
	exec := &Event{Kind: KindExec, NodeName: "my-node", Process: curl("cilium.io")}
	stacks := kprobe("f")
	stacks.Hook.KernelStack = []StackFrame{{Offset: 5, Symbol: "__x64_sys_write"}, {Address: 0xff, Offset: 0x7f, Symbol: "do_syscall_64"}}
	stacks.Hook.UserStack = []StackFrame{{Offset: 0x1f, Symbol: "main", Module: "/bin/x"}}
	lsm := &Event{Kind: KindLSM, Process: podCurl(), Hook: Hook{Function: "file_open", IMAHash: "sha256:73ab", Args: []Arg{file("/bin/grep")}}}
	root := &Event{Kind: KindExec, NodeName: "n", Process: curl("")}
	root.Process.Caps = &Capabilities{Effective: 1 << 21}
	many := &Event{Kind: KindExec, NodeName: "n", Process: curl("")}
	many.Process.Caps = &Capabilities{Effective: (1<<41 - 1) &^ (1 << 21)}
	start := "🚀 process n /usr/bin/curl "
	for _, test := range []struct {
		name string
		e    *Event
		opts CompactOptions
		want string
	}{
		{"epoch", exec, CompactOptions{Timestamps: true}, "1970-01-01T00:00:00.000000000Z 🚀 process my-node /usr/bin/curl cilium.io"},
		{"colours", exec, CompactOptions{Color: true}, "\x1b[34m🚀 process\x1b[0m \x1b[32mmy-node\x1b[0m \x1b[35m/usr/bin/curl\x1b[0m \x1b[36mcilium.io\x1b[0m"},
		{"red signal", &Event{Kind: KindExit, NodeName: "n", Process: curl("x"), Exit: Exit{Signal: "SIGKILL"}}, CompactOptions{Color: true},
			"\x1b[34m💥 exit   \x1b[0m \x1b[32mn\x1b[0m \x1b[35m/usr/bin/curl\x1b[0m \x1b[36mx\x1b[0m \x1b[31mSIGKILL\x1b[0m"},
		{"stacks", stacks, CompactOptions{StackTraces: true},
			"❓ syscall kube-system/tetragon /usr/bin/curl f\nKernel:\n   0x0: __x64_sys_write+0x5\n   0xff: do_syscall_64+0x7f\nUser:\n   0x0: main (/bin/x+0x1f)"},
		{"no stacks", stacks, CompactOptions{}, "❓ syscall kube-system/tetragon /usr/bin/curl f"},
		{"hash", lsm, CompactOptions{ImaHash: true}, "🔒 LSM     kube-system/tetragon /usr/bin/curl file_open\n   /bin/grep sha256:73ab"},
		{"no hash", lsm, CompactOptions{}, "🔒 LSM     kube-system/tetragon /usr/bin/curl file_open"},
		{"may do everything", root, CompactOptions{}, start + strings.Repeat(" ", 120-len([]rune(start))) + " 🛑 CAP_SYS_ADMIN"},
		{"may do all but that", many, CompactOptions{}, start},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := mustCompact(t, test.e, test.opts); got != test.want {
				t.Errorf("\n got %q\nwant %q", got, test.want)
			}
		})
	}
}

// TestCompactTrailerColumn checks that colours and a line before do not move the trailer.
func TestCompactTrailerColumn(t *testing.T) {
	t.Parallel()
	e := &Event{Kind: KindExec, NodeName: "n", Process: curl("x")}
	e.Process.Creds = &Credentials{Caps: &Capabilities{Effective: 1 << 21}}
	got, err := AppendCompact([]byte("line before\n"), e, CompactOptions{Color: true})
	if err != nil {
		t.Fatal(err)
	}
	plain := string(got[len("line before\n"):])
	for _, code := range []color{red, green, yellow, blue, magenta, cyan, reset} {
		plain = strings.ReplaceAll(plain, string(code), "")
	}
	if want := mustCompact(t, e, CompactOptions{}); plain != want {
		t.Errorf("\n got %q\nwant %q", plain, want)
	}
}

func TestCompactErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		e    Event
		want error
	}{
		{Event{Kind: KindExec}, ErrNoProcess},
		{Event{Kind: KindKprobe}, ErrNoProcess},
		{Event{Kind: KindTest}, ErrNoCompactForm},
		{Event{}, ErrNoCompactForm},
	} {
		got, err := AppendCompact([]byte("kept"), &test.e, CompactOptions{Timestamps: true})
		if !errors.Is(err, test.want) || string(got) != "kept" {
			t.Errorf("%v: got %q, %v, want %v", test.e.Kind, got, err, test.want)
		}
	}
}

// TestCompactRandom checks that no event breaks the encoder or smuggles a control character through it.
func TestCompactRandom(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds {
		g := newGenerator(uint64(kind), "\x1b]0;title\a", "\u202e", "\n")
		for range 300 {
			e := g.event(kind)
			e.Hook.Function = randomFunction(g)
			got, err := AppendCompact(nil, e, CompactOptions{Timestamps: true})
			if err == nil && strings.ContainsAny(string(got), "\x1b\a\n\u202e") {
				t.Errorf("%v: control character in %q", kind, got)
			}
		}
	}
}

func randomFunction(g *generator) string {
	for function := range kprobeForms {
		if g.flip() {
			return function
		}
	}
	return g.text()
}

func mustCompact(tb testing.TB, e *Event, opts CompactOptions) string {
	tb.Helper()
	got, err := AppendCompact(nil, e, opts)
	if err != nil {
		tb.Fatal(err)
	}
	return string(got)
}
