// SPDX-License-Identifier: Apache-2.0

package process

import (
	"encoding/base64"
	"strconv"

	"github.com/vedette-io/vedette/bpf"
)

// ID identifies one image of a process on this machine since it booted.
type ID struct {
	// Start is when the image began: its exec, or the fork where there was none since, in
	// nanoseconds since boot.
	Start uint64
	// PID is the id of the thread group in the host's pid namespace.
	PID uint32
}

// kernelID is the idle task's, the parent of what has no other.
var kernelID = ID{Start: 1}

// IDOf returns the id that a record has. Process 0 has one id whatever the record says.
func IDOf(p bpf.ProcessID) ID {
	if p.Pid == 0 {
		return kernelID
	}
	return ID{Start: p.Start, PID: p.Pid}
}

// AppendExecID appends the exec id of an image: base64 of "node:start:pid".
func AppendExecID(dst []byte, node string, id ID) []byte {
	var text [256]byte
	plain := append(text[:0], node...)
	plain = append(plain, ':')
	plain = strconv.AppendUint(plain, id.Start, 10)
	plain = append(plain, ':')
	plain = strconv.AppendUint(plain, uint64(id.PID), 10)
	return base64.StdEncoding.AppendEncode(dst, plain)
}
