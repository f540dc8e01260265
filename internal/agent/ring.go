package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/vedette-io/vedette/bpf"
)

// ringSource is a ring with its name for messages.
type ringSource struct {
	name string
	ring *ebpf.Map
}

// ring reads one ring buffer into a reused record.
type ring struct {
	name   string
	reader *ringbuf.Reader
	handle func([]byte)
}

func newRing(s ringSource, handle func([]byte)) (*ring, error) {
	reader, err := ringbuf.NewReader(s.ring)
	if err != nil {
		return nil, fmt.Errorf("%s ring: %w", s.name, err)
	}
	return &ring{name: s.name, reader: reader, handle: handle}, nil
}

// run reads until ctx ends.
func (r *ring) run(ctx context.Context, log *slog.Logger) {
	stop := context.AfterFunc(ctx, func() { r.reader.Close() })
	defer stop()
	var record ringbuf.Record
	for {
		err := r.reader.ReadInto(&record)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			log.Error("reading a ring failed: no more events from it", "ring", r.name, "error", err)
			return
		}
		r.handle(record.RawSample)
	}
}

// endedFollower tells whether a record is the exit of a process that had
// followed descriptors, and which.
func endedFollower(raw []byte) (uint32, bool) {
	if uintptr(len(raw)) < unsafe.Sizeof(bpf.Exit{}) {
		return 0, false
	}
	exit := (*bpf.Exit)(unsafe.Pointer(&raw[0]))
	if exit.Header.Type != uint8(bpf.ContractVdRecordTypeVD_RECORD_EXIT) {
		return 0, false
	}
	return exit.Process.Pid, exit.Flags&uint32(bpf.ContractVdProcessFlagsVD_PROCESS_FOLLOWS) != 0
}
