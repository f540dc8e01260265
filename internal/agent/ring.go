// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/bpf"
)

// rings reads the two rings as one stream, in the order of time as far as
// the records are there: the exec of a process before its kill, and its kill
// before its exit, although they come through different rings.
type rings struct {
	bulk, evidence ring
	epoll, wake    int // descriptors
	handle         func([]byte)
}

// ring is one ring buffer with the record at its head, if it has been read.
type ring struct {
	reader *ringbuf.Reader
	record ringbuf.Record
	full   bool
}

func newRings(bulk, evidence *ebpf.Map, handle func([]byte)) (*rings, error) {
	r := &rings{handle: handle, epoll: -1, wake: -1}
	if err := r.open(bulk, evidence); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *rings) open(bulk, evidence *ebpf.Map) error {
	var err error
	if r.bulk.reader, err = newReader(bulk); err != nil {
		return fmt.Errorf("bulk ring: %w", err)
	}
	if r.evidence.reader, err = newReader(evidence); err != nil {
		return fmt.Errorf("evidence ring: %w", err)
	}
	if r.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("rings: epoll: %w", err)
	}
	if r.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("rings: eventfd: %w", err)
	}
	for _, fd := range []int{bulk.FD(), evidence.FD(), r.wake} {
		if err := unix.EpollCtl(r.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			return fmt.Errorf("rings: epoll: %w", err)
		}
	}
	return nil
}

// newReader returns a reader that never waits.
func newReader(m *ebpf.Map) (*ringbuf.Reader, error) {
	reader, err := ringbuf.NewReader(m)
	if err != nil {
		return nil, err
	}
	reader.SetDeadline(time.Unix(1, 0))
	return reader, nil
}

func (r *rings) close() error {
	var errs []error
	for _, reader := range []*ringbuf.Reader{r.bulk.reader, r.evidence.reader} {
		if reader != nil {
			errs = append(errs, reader.Close())
		}
	}
	for _, fd := range []int{r.epoll, r.wake} {
		if fd >= 0 {
			errs = append(errs, unix.Close(fd))
		}
	}
	return errors.Join(errs...)
}

// run reads until ctx ends or a ring cannot be read.
func (r *rings) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, r.interrupt)
	defer stop()
	for ctx.Err() == nil {
		progress, err := r.drain(ctx)
		if err == nil && !progress {
			err = r.wait()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *rings) interrupt() {
	// The counter cannot overflow: this is called once.
	_, _ = unix.Write(r.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

// gather is how long records gather in a ring before they are read, in
// milliseconds. The kernel wakes the reader only for the first of them: on a
// busy machine waking it for each would cost the watched processes more than
// making the record.
const gather = 10

// wait waits until a ring has something to read or run is to end, and lets
// more come.
func (r *rings) wait() error {
	var events [3]unix.EpollEvent
	_, err := unix.EpollWait(r.epoll, events[:], -1)
	if err == nil {
		_, err = unix.Poll([]unix.PollFd{{Fd: int32(r.wake), Events: unix.POLLIN}}, gather)
	}
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait: %w", err)
	}
	return nil
}

// drain handles what is there, and returns whether there was anything.
func (r *rings) drain(ctx context.Context) (bool, error) {
	progress := false
	for ctx.Err() == nil {
		next, err := r.next()
		if err != nil || next == nil {
			return progress, err
		}
		progress = true
		r.handle(next.record.RawSample)
		next.full = false
	}
	return progress, nil
}

// next returns the ring whose head is to be handled next, nil if both are
// empty. A ring that was found empty before the other was read is looked at
// again: what was written before that record must not come after it.
func (r *rings) next() (*ring, error) {
	if err := errors.Join(r.evidence.fill(), r.bulk.fill()); err != nil {
		return nil, err
	}
	switch {
	case !r.bulk.full && !r.evidence.full:
		return nil, nil
	case !r.evidence.full:
		if err := r.evidence.fill(); err != nil {
			return nil, err
		}
	case !r.bulk.full:
		if err := r.bulk.fill(); err != nil {
			return nil, err
		}
	}
	if !r.bulk.full || r.evidence.full && r.evidence.time() < r.bulk.time() {
		return &r.evidence, nil
	}
	return &r.bulk, nil
}

// fill reads the record at the head unless it has been, or there is none.
func (r *ring) fill() error {
	if r.full || r.reader.AvailableBytes() == 0 {
		return nil
	}
	err := r.reader.ReadInto(&r.record)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil // it is still being written
	}
	if err != nil {
		return err
	}
	r.full = true
	return nil
}

// time is when the record at the head was made, in nanoseconds since boot.
func (r *ring) time() uint64 { return timeOf(r.record.RawSample) }

// timeOf is when a record was made, in nanoseconds since boot.
func timeOf(raw []byte) uint64 {
	if uintptr(len(raw)) < unsafe.Sizeof(bpf.Header{}) {
		return 0
	}
	return (*bpf.Header)(unsafe.Pointer(&raw[0])).Time
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
