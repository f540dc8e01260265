// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"encoding/binary"
	"fmt"
	"io"
	"unsafe"

	"github.com/vedette-io/vedette/bpf"
)

// Tasks runs the task iterator over all processes. It gives every process
// the classes of the current policies, and calls f with a record of type
// TASK for each that was not known. The record is only valid during the
// call; arguments are not in it, as the kernel lets an iterator read only
// the memory of its own process.
func (b *Base) Tasks(f func(record []byte)) error {
	rd, err := b.iterate.Open()
	if err != nil {
		return fmt.Errorf("task iterator: %w", err)
	}
	defer rd.Close()
	all, err := io.ReadAll(rd)
	if err != nil {
		return fmt.Errorf("task iterator: %w", err)
	}
	for len(all) >= 4 {
		size := binary.NativeEndian.Uint32(all)
		if uint64(size) > uint64(len(all)) || uintptr(size) < unsafe.Sizeof(bpf.Exec{}) {
			return fmt.Errorf("task iterator: a record of %d bytes, %d bytes left", size, len(all))
		}
		f(all[:size:size])
		all = all[size:]
	}
	return nil
}
