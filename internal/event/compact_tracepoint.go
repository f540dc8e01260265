// SPDX-License-Identifier: Apache-2.0

package event

import (
	"strconv"
	"strings"

	"github.com/vedette-io/vedette/internal/syscalls"
)

// compatBit marks a system call of a 32-bit program in a syscall64 argument.
const compatBit = 1 << 31

func (l line) tracepoint(e *Event) line {
	h := &e.Hook
	if h.Subsystem == "raw_syscalls" && h.Event == "sys_enter" && len(h.Args) > 0 {
		return l.head(e, "☎ ", "syscall").space().begin(cyan).syscall(h.Args).end()
	}
	l = l.head(e, "⁉\uFE0F", "tracepoint").space()
	return l.paint(cyan, h.Subsystem).space().paint(cyan, h.Event)
}

// syscall appends a system call like a function call in C. The first argument is its number, the
// others are its arguments as far as the policy captured them.
func (l line) syscall(args []Arg) line {
	name, params := syscallOf(&args[0])
	if name == "" {
		l.dst = strconv.AppendInt(l.dst, args[0].integer(), 10)
	} else {
		l = l.text(name)
	}
	values := args[1:]
	if len(params) > 0 {
		// A hook sees all registers, also those that the call does not use.
		values = values[:min(len(values), len(params))]
	}
	l = l.text("(")
	for i := range max(len(params), len(values)) {
		if i > 0 {
			l = l.text(", ")
		}
		if i < len(params) {
			l = l.param(params[i])
		}
		if i < len(params) && i < len(values) {
			l = l.text("=")
		}
		if i < len(values) {
			l.dst = appendValue(l.dst, typeAt(params, i), values[i].integer())
		}
	}
	return l.text(")")
}

func (l line) param(p syscalls.Param) line {
	l = l.text(p.Type)
	if !strings.HasSuffix(p.Type, "*") {
		l = l.space()
	}
	return l.text(p.Name)
}

func typeAt(params []syscalls.Param, i int) string {
	if i >= len(params) {
		return ""
	}
	return params[i].Type
}

// appendValue appends the content of a register as its C type reads it. Pointers, and what may be an
// address or a set of flags, are hexadecimal.
func appendValue(dst []byte, ctype string, value int64) []byte {
	switch ctype {
	case "int", "pid_t", "clockid_t":
		return strconv.AppendInt(dst, int64(int32(value)), 10)
	case "long", "off_t", "loff_t":
		return strconv.AppendInt(dst, value, 10)
	case "unsigned int", "u32", "uid_t", "gid_t", "rwf_t", "umode_t":
		return strconv.AppendUint(dst, uint64(uint32(value)), 10)
	case "size_t":
		return strconv.AppendUint(dst, uint64(value), 10)
	default:
		return strconv.AppendUint(append(dst, "0x"...), uint64(value), 16)
	}
}

// syscallOf returns the name and the parameters of the system call whose number a holds, as far as
// they are known. Parameters are known for the calls of 64-bit programs.
func syscallOf(a *Arg) (string, []syscalls.Param) {
	abi, number := a.Text, uint32(a.integer())
	switch {
	case number&compatBit != 0:
		abi, number = "i386", number&^compatBit
	case abi == "":
		abi = "x64"
	}
	name, ok := syscalls.Name(abi, number)
	if !ok {
		return "", nil
	}
	if abi != "x64" && abi != "arm64" {
		return name, nil
	}
	params, _ := syscalls.Prototype(name)
	return name, params
}
