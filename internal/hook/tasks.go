package hook

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"unsafe"

	"github.com/vedette-io/vedette/bpf"
)

// maxCmdline is how many bytes of an older process's arguments are read.
const maxCmdline = 256 << 10

// Tasks runs the task iterator over all processes. It gives every process
// the classes of the current policies, and calls f with a record of type
// TASK for each that was not known, its arguments added from /proc. The
// record is only valid during the call.
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
		f(withArguments(all[:size:size]))
		all = all[size:]
	}
	return nil
}

// withArguments adds the argument area of a process to its TASK record: the
// kernel lets an iterator read only the memory of its own process.
func withArguments(record []byte) []byte {
	r := (*bpf.Exec)(unsafe.Pointer(&record[0]))
	if r.Flags&uint32(bpf.ContractVdExecFlagsVD_EXEC_KTHREAD) != 0 {
		return record
	}
	cmdline, err := os.Open("/proc/" + strconv.FormatUint(uint64(r.Process.Pid), 10) + "/cmdline")
	if err != nil {
		return record // it has ended: what the kernel told is all there is
	}
	defer cmdline.Close()
	args, err := io.ReadAll(io.LimitReader(cmdline, maxCmdline))
	if err != nil || len(args) == 0 {
		return record
	}
	out := append(bytes.Clone(record), args...)
	r = (*bpf.Exec)(unsafe.Pointer(&out[0]))
	r.ArgsLen = uint32(len(args))
	r.ArgsTotal = r.ArgsLen
	r.Header.Size = uint32(len(out))
	return out
}
