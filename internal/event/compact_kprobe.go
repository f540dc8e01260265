// SPDX-License-Identifier: Apache-2.0

package event

import "strings"

// kprobeForm is how events of a kernel function are shown: sign, word and what follows the binary.
type kprobeForm struct {
	emoji, word string
	details     func(l line, h *Hook) line
}

var kprobeForms = map[string]kprobeForm{
	"fd_install":                {"📬", "open", withPath},
	"sys_open":                  {"📬\uFE0F", "open", withPath},
	"sys_openat":                {"📬\uFE0F", "openat", withPath},
	"sys_close":                 {"📪", "close", withPath},
	"sys_write":                 {"📝", "write", withPathAndBytes},
	"sys_read":                  {"📚", "read", withPathAndBytes},
	"sys_mount":                 {"💾", "mount", withTwoTexts},
	"sys_pivot_root":            {"💾", "pivot_root", withTwoTexts},
	"sys_setuid":                {"🔑", "setuid", withFirstNumber},
	"sys_clock_settime":         {"⏰", "clock_settime", nil},
	"proc_exec_connector":       {"🔧", "proc_exec_connector", nil},
	"sys_setns":                 {"🔧", "setns", withNamespace},
	"tcp_connect":               {"🔌", "connect", withConnection},
	"tcp_close":                 {"🧹", "close", withConnection},
	"tcp_sendmsg":               {"📤", "sendmsg", withConnectionAndBytes},
	"bpf_check":                 {"🐝", "bpf_load", withBPFProg},
	"security_perf_event_alloc": {"🐝", "perf_event_alloc", withPerfEvent},
	"security_bpf_map_alloc":    {"🗺", "bpf_map_create", withBPFMap},
	"security_bpf_map_create":   {"🗺", "bpf_map_create", withBPFMap},
	"security_path_truncate":    {"📝", "truncate", withPath},
	"security_file_truncate":    {"📝", "truncate", withPath},
}

// syscallPrefixes are what architectures put before the name of a system call's function.
var syscallPrefixes = []string{"__x64_", "__arm64_", "__ia32_compat_", "__ia32_"}

func (l line) kprobe(e *Event) line {
	h := &e.Hook
	function := h.Function
	for _, prefix := range syscallPrefixes {
		if rest, ok := strings.CutPrefix(function, prefix); ok && strings.HasPrefix(rest, "sys_") {
			function = rest
		}
	}
	switch function {
	case "security_file_permission":
		return l.filePermission(e)
	case "security_mmap_file":
		return l.mmapFile(e)
	}
	form, ok := kprobeForms[function]
	if !ok {
		return l.head(e, "❓", "syscall").space().paint(cyan, h.Function)
	}
	l = l.head(e, form.emoji, form.word)
	if form.details != nil {
		l = form.details(l.space(), h)
	}
	return l
}

// Bits of the mask of security_file_permission (linux/fs.h).
const (
	mayWrite = 2
	mayRead  = 4
)

func (l line) filePermission(e *Event) line {
	if len(e.Hook.Args) > 1 {
		switch e.Hook.Args[1].integer() {
		case mayWrite:
			return withPath(l.head(e, "📝", "write").space(), &e.Hook)
		case mayRead:
			return withPath(l.head(e, "📚", "read").space(), &e.Hook)
		}
	}
	return withPath(l.head(e, "❓", "security_file_permission").space(), &e.Hook)
}

// mmapFile shows which kinds of access a mapping allows (PROT_ bits of asm-generic/mman-common.h).
func (l line) mmapFile(e *Event) line {
	words := [...]string{
		"mmap", "mmap-r", "mmap-w", "mmap-rw", "mmap-x", "mmap-rx", "mmap-wx", "mmap-rwx",
	}
	word := words[0]
	if len(e.Hook.Args) > 1 {
		word = words[e.Hook.Args[1].integer()&7]
	}
	return withPath(l.head(e, "📝", word).space(), &e.Hook)
}

func withPath(l line, h *Hook) line {
	if file := firstFile(h); file != nil {
		return l.paint(cyan, text(file.Bytes))
	}
	return l
}

func withPathAndBytes(l line, h *Hook) line {
	l = withPath(l, h).space()
	if size := firstOf(h, ArgSize); size != nil {
		l = l.begin(cyan).number(size.Uint).text(" bytes").end()
	}
	return l
}

func withTwoTexts(l line, h *Hook) line {
	for i := range min(2, len(h.Args)) {
		if i > 0 {
			l = l.space()
		}
		l = l.paint(cyan, text(h.Args[i].Bytes))
	}
	return l
}

func withFirstNumber(l line, h *Hook) line {
	if len(h.Args) == 0 {
		return l
	}
	return l.begin(cyan).number(uint64(uint32(h.Args[0].integer()))).end()
}

// namespaceTypes are the CLONE_NEW flags of linux/sched.h.
var namespaceTypes = map[int64]string{
	0: "any", 0x02000000: "cgroup", 0x08000000: "ipc", 0x40000000: "net", 0x00020000: "mnt",
	0x20000000: "pid", 0x00000080: "time", 0x10000000: "user", 0x04000000: "uts",
}

func withNamespace(l line, h *Hook) line {
	if len(h.Args) < 2 {
		return l
	}
	return l.paint(cyan, namespaceTypes[h.Args[1].integer()])
}

func withConnection(l line, h *Hook) line {
	sock := firstDetail[Sock](h)
	if sock == nil {
		return l
	}
	l = l.begin(cyan).text("tcp ").address(sock.Source, sock.SourcePort).text(" -> ")
	return l.address(sock.Destination, sock.DestinationPort).end()
}

func withConnectionAndBytes(l line, h *Hook) line {
	l = withConnection(l, h)
	if size := firstOf(h, ArgSize); size != nil {
		l = l.space().begin(cyan).text("bytes ").number(size.Uint).end()
	}
	return l
}

func withBPFProg(l line, h *Hook) line {
	prog := firstDetail[BPFProg](h)
	if prog == nil {
		return l
	}
	l = l.paint(cyan, prog.Type).space().paint(cyan, prog.Name)
	return l.text(" instruction count ").begin(cyan).number(uint64(prog.Insns)).end()
}

func withPerfEvent(l line, h *Hook) line {
	perf := firstDetail[PerfEvent](h)
	if perf == nil {
		return l
	}
	return l.paint(cyan, perf.Type).space().paint(cyan, perf.Function)
}

func withBPFMap(l line, h *Hook) line {
	m := firstDetail[BPFMap](h)
	if m == nil {
		return l
	}
	l = l.paint(cyan, m.Type).space().paint(cyan, m.Name)
	l = l.text(" key size ").begin(cyan).number(uint64(m.KeySize)).end()
	l = l.text(" value size ").begin(cyan).number(uint64(m.ValueSize)).end()
	return l.text(" max entries ").begin(cyan).number(uint64(m.MaxEntries)).end()
}
