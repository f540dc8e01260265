// SPDX-License-Identifier: Apache-2.0

package record

import (
	"unsafe"

	"github.com/vedette-io/vedette/bpf"
)

// AppendFork appends a fork record. Size and type of the header are filled in.
func AppendFork(dst []byte, f *bpf.Fork) []byte {
	fixed := *f
	return appendRecord(dst, &fixed, TypeFork)
}

// AppendExit appends an exit record. Size and type of the header are filled in.
func AppendExit(dst []byte, e *bpf.Exit) []byte {
	fixed := *e
	return appendRecord(dst, &fixed, TypeExit)
}

// AppendExec appends an exec record. Size and type of the header and the lengths of the strings are
// filled in; a string longer than its length field can say is cut.
func AppendExec(dst []byte, e *Exec) []byte { return appendExec(dst, e, TypeExec) }

// AppendTask appends the record of a process older than the agent, as [AppendExec] does.
func AppendTask(dst []byte, e *Exec) []byte { return appendExec(dst, e, TypeTask) }

func appendExec(dst []byte, e *Exec, t Type) []byte {
	fixed := e.Exec
	filename, exe, cwd, cgroup := short(e.Filename), short(e.Exe), short(e.CWD), short(e.Cgroup)
	fixed.FilenameLen = uint16(len(filename))
	fixed.ExeLen = uint16(len(exe))
	fixed.CwdLen = uint16(len(cwd))
	fixed.CgroupLen = uint16(len(cgroup))
	fixed.ArgsLen = uint32(len(e.Args))
	return appendRecord(dst, &fixed, t, filename, exe, cwd, cgroup, e.Args)
}

// AppendExecData appends a part of an argument area. Size and type of the header and the length of
// the part are filled in.
func AppendExecData(dst []byte, e *ExecData) []byte {
	fixed := e.ExecData
	fixed.Len = uint32(len(e.Data))
	return appendRecord(dst, &fixed, TypeExecData, e.Data)
}

// AppendHookData appends a part of a buffer. Size and type of the header are
// filled in.
func AppendHookData(dst []byte, h *HookData) []byte {
	fixed := h.HookData
	return appendRecord(dst, &fixed, TypeHookData, h.Data)
}

// AppendHook appends a hook record with a rule vector of at most [MaxWords] words and at most
// [MaxSlots]+1 values. Size and type of the header and the two counts are filled in.
func AppendHook(dst []byte, h *bpf.HookRecord, vector []uint64, values []Value) []byte {
	fixed := *h
	fixed.Words = uint8(len(vector))
	fixed.N_values = uint8(len(values))
	start := len(dst)
	dst = appendRecord(dst, &fixed, TypeHook)
	for i := range vector {
		dst = append(dst, bytesOf(&vector[i])...)
	}
	for i := range values {
		dst = appendValue(dst, &values[i])
	}
	return setSize(dst, start)
}

func appendValue(dst []byte, v *Value) []byte {
	fixed := bpf.Value{
		Type:   uint8(v.Type),
		Slot:   v.Slot,
		Status: uint16(v.Status),
		Len:    uint32(len(v.Content)),
		Num:    v.Num,
	}
	dst = append(dst, bytesOf(&fixed)...)
	dst = append(dst, v.Content...)
	return append(dst, make([]byte, align(len(v.Content))-len(v.Content))...)
}

func appendRecord[T any](dst []byte, fixed *T, t Type, parts ...[]byte) []byte {
	start := len(dst)
	dst = append(dst, bytesOf(fixed)...)
	dst[start+int(unsafe.Offsetof(bpf.Header{}.Type))] = uint8(t)
	for _, part := range parts {
		dst = append(dst, part...)
	}
	return setSize(dst, start)
}

// setSize sets the size of the record that begins at start and ends with dst.
func setSize(dst []byte, start int) []byte {
	size := uint32(len(dst) - start)
	copy(dst[start:], bytesOf(&size))
	return dst
}

func short(s []byte) []byte { return s[:min(len(s), 1<<16-1)] }
