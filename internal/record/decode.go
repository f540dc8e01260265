// SPDX-License-Identifier: Apache-2.0

package record

import (
	"fmt"
	"unsafe"

	"github.com/vedette-io/vedette/bpf"
)

// Error says why a record could not be decoded.
type Error struct {
	// Type is the type of the record, 0 if its header could not be read.
	Type Type
	// What is wrong.
	What string
	// Offset is the byte of the record at which it is wrong.
	Offset int
}

// Error returns the type of the record, what is wrong with it and where.
func (e *Error) Error() string {
	if e.Type == 0 {
		return fmt.Sprintf("record at byte %d: %s", e.Offset, e.What)
	}
	return fmt.Sprintf("%s record at byte %d: %s", e.Type, e.Offset, e.What)
}

// Decoder decodes records and counts them. It is not safe for concurrent use.
type Decoder struct {
	// Records and Corrupt count what Decode accepted and refused.
	Records, Corrupt uint64
}

// Decode decodes the record at the beginning of raw into r; what raw has beyond the size that the
// record states of itself is not looked at. It returns an [*Error] if the record is corrupt. Then
// r.Header is that of the record, or zero if it is itself what is corrupt, and the rest of r is
// unspecified.
func (d *Decoder) Decode(raw []byte, r *Record) error {
	if err := decode(raw, r); err != nil {
		err.Type = r.Type
		d.Corrupt++
		return err
	}
	d.Records++
	return nil
}

func decode(raw []byte, r *Record) *Error {
	r.Type, r.Header = 0, bpf.Header{}
	if !load(&r.Header, raw) {
		return &Error{What: "header is cut off", Offset: len(raw)}
	}
	r.Type = Type(r.Header.Type)
	size := uint64(r.Header.Size)
	if size > uint64(len(raw)) {
		r.Header = bpf.Header{}
		return &Error{What: fmt.Sprintf("size %d exceeds the %d bytes that there are", size, len(raw))}
	}
	raw = raw[:size:size]
	switch r.Type {
	case TypeFork:
		return whole(&r.Fork, raw)
	case TypeExec, TypeTask:
		return decodeExec(raw, &r.Exec)
	case TypeExecData:
		return decodeExecData(raw, &r.ExecData)
	case TypeExit:
		return whole(&r.Exit, raw)
	case TypeHook:
		return decodeHook(raw, &r.Hook)
	case TypeHookData:
		return decodeHookData(raw, &r.HookData)
	}
	r.Header = bpf.Header{}
	return &Error{What: "unknown type", Offset: int(unsafe.Offsetof(r.Header.Type))}
}

func decodeExec(raw []byte, e *Exec) *Error {
	if err := whole(&e.Exec, raw); err != nil {
		return err
	}
	c := cutter{raw: raw, at: int(unsafe.Sizeof(e.Exec))}
	e.Filename = c.cut(uint32(e.FilenameLen), "filename")
	e.Exe = c.cut(uint32(e.ExeLen), "exe")
	e.CWD = c.cut(uint32(e.CwdLen), "cwd")
	e.Cgroup = c.cut(uint32(e.CgroupLen), "cgroup")
	e.Args = c.cut(e.ArgsLen, "args")
	return c.err
}

func decodeExecData(raw []byte, e *ExecData) *Error {
	if err := whole(&e.ExecData, raw); err != nil {
		return err
	}
	c := cutter{raw: raw, at: int(unsafe.Sizeof(e.ExecData))}
	e.Data = c.cut(e.Len, "data")
	return c.err
}

func decodeHookData(raw []byte, h *HookData) *Error {
	if err := whole(&h.HookData, raw); err != nil {
		return err
	}
	if h.Slot >= MaxSlots {
		return &Error{What: fmt.Sprintf("slot %d", h.Slot), Offset: int(unsafe.Offsetof(h.Slot))}
	}
	h.Data = raw[unsafe.Sizeof(h.HookData):]
	return nil
}

func decodeHook(raw []byte, h *Hook) *Error {
	if err := whole(&h.HookRecord, raw); err != nil {
		return err
	}
	if phase := Phase(h.Phase); phase < PhaseEntry || phase > PhaseNoReturn {
		return &Error{What: fmt.Sprintf("unknown phase %d", phase), Offset: int(unsafe.Offsetof(h.HookRecord.Phase))}
	}
	if h.Words > MaxWords {
		return &Error{What: fmt.Sprintf("vector of %d words", h.Words), Offset: int(unsafe.Offsetof(h.HookRecord.Words))}
	}
	if h.N_values > maxValues {
		return &Error{What: fmt.Sprintf("%d values", h.N_values), Offset: int(unsafe.Offsetof(h.N_values))}
	}
	c := cutter{raw: raw, at: int(unsafe.Sizeof(h.HookRecord))}
	vector := c.cut(uint32(h.Words)*8, "vector")
	if c.err != nil {
		return c.err
	}
	copy(bytesOf(&h.vector), vector)
	h.values = raw[c.at:]
	return checkValues(raw, c.at, int(h.N_values))
}

// checkValues lets Values rely on what it finds.
func checkValues(raw []byte, at, n int) *Error {
	for i := range n {
		_, size, what := nextValue(raw[at:])
		if size == 0 {
			return &Error{What: fmt.Sprintf("value %d: %s", i, what), Offset: at}
		}
		at += size
	}
	return nil
}

// cutter cuts the strings off that follow the fixed part of a record.
type cutter struct {
	raw []byte
	at  int
	err *Error
}

func (c *cutter) cut(n uint32, what string) []byte {
	if c.err != nil {
		return nil
	}
	if uint64(n) > uint64(len(c.raw)-c.at) {
		c.err = &Error{
			What:   fmt.Sprintf("%s of %d bytes exceeds the record, which has %d left", what, n, len(c.raw)-c.at),
			Offset: c.at,
		}
		return nil
	}
	end := c.at + int(n)
	part := c.raw[c.at:end:end]
	c.at = end
	return part
}

// whole loads the fixed part of a record.
func whole[T any](dst *T, raw []byte) *Error {
	if !load(dst, raw) {
		return &Error{What: fmt.Sprintf("%d bytes where at least %d are needed", len(raw), unsafe.Sizeof(*dst)), Offset: len(raw)}
	}
	return nil
}

// load copies a structure of the contract out of raw, which need not be aligned. It reports
// whether raw was long enough.
func load[T any](dst *T, raw []byte) bool {
	to := bytesOf(dst)
	return len(raw) >= len(to) && copy(to, raw) == len(to)
}

// bytesOf is for structures without pointers and padding only, as all of the contract are.
func bytesOf[T any](v *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
}
