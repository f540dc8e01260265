// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/observe"
)

// Bits of the misc field of a record's header (include/uapi/linux/perf_event.h).
const (
	miscCommExec = 1 << 13 // PERF_RECORD_MISC_COMM_EXEC
	miscBuildID  = 1 << 14 // PERF_RECORD_MISC_MMAP_BUILD_ID
)

// Sizes of parts of records, in bytes.
const (
	headerSize = 8 // struct perf_event_header
	// tailSize is that of what follows each record: pid, tid and time, for
	// sample_id_all with PERF_SAMPLE_TID and PERF_SAMPLE_TIME.
	tailSize = 16
	// mmapSize is that of a PERF_RECORD_MMAP2 before the path.
	mmapSize = 64
	// maxBuildID is the size of the longest build id.
	maxBuildID = 20
)

// sideband is a record of the kernel, decoded.
type sideband struct {
	kind    uint32 // a PERF_RECORD constant
	mapping observe.Mapping
	// exec says that a PERF_RECORD_COMM is that of an exec.
	exec bool
	lost uint64
}

// decode decodes a record with its header. It returns false for what is of
// another kind or too short. The result keeps nothing of raw.
func decode(raw []byte) (s sideband, ok bool) {
	if len(raw) < headerSize+tailSize {
		return s, false
	}
	order := binary.NativeEndian
	s.kind = order.Uint32(raw)
	misc, body := order.Uint16(raw[4:]), raw[headerSize:len(raw)-tailSize]
	tail := raw[len(raw)-tailSize:]
	m := &s.mapping
	m.PID, m.TID, m.Time = order.Uint32(tail), order.Uint32(tail[4:]), order.Uint64(tail[8:])
	switch s.kind {
	case unix.PERF_RECORD_MMAP2:
		return s, decodeMapping(m, body, misc)
	case unix.PERF_RECORD_COMM:
		s.exec = misc&miscCommExec != 0
		return s, true
	case unix.PERF_RECORD_EXIT:
		if len(body) < 16 {
			return s, false
		}
		// pid, ppid, tid, ptid: of the thread that ends, which need not be
		// the one that the tail names.
		m.PID, m.TID = order.Uint32(body), order.Uint32(body[8:])
		return s, true
	case unix.PERF_RECORD_LOST:
		if len(body) < 16 {
			return s, false
		}
		s.lost = order.Uint64(body[8:])
		return s, true
	}
	return s, false
}

// decodeMapping decodes a PERF_RECORD_MMAP2.
func decodeMapping(m *observe.Mapping, body []byte, misc uint16) bool {
	if len(body) < mmapSize {
		return false
	}
	order := binary.NativeEndian
	m.PID, m.TID = order.Uint32(body), order.Uint32(body[4:])
	m.Start, m.Size = order.Uint64(body[8:]), order.Uint64(body[16:])
	path, _, _ := bytes.Cut(body[mmapSize:], []byte{0})
	m.Path = bytes.Clone(path)
	if misc&miscBuildID != 0 {
		size := min(int(body[32]), maxBuildID)
		m.BuildID = bytes.Clone(body[36 : 36+size])
		return true
	}
	m.Device = unix.Mkdev(order.Uint32(body[32:]), order.Uint32(body[36:]))
	m.Inode = order.Uint64(body[40:])
	return true
}

// isFile reports whether a path is that of a file. Memory of no file has the
// name //anon, and what the kernel puts there itself has one in brackets. A
// file whose path cannot be told, //toolong, is a file.
func isFile(path []byte) bool {
	return len(path) > 1 && path[0] == '/' && string(path) != "//anon"
}
