// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// dataPages is how many pages the data of one CPU's ring has: room for some
// hundred mappings.
const dataPages = 16

// buildIDBit is build_id of struct perf_event_attr (since Linux 5.12).
const buildIDBit = 1 << 34

// ring is what the kernel tells of one CPU.
type ring struct {
	fd   int
	mem  []byte
	page *unix.PerfEventMmapPage
	data []byte
	// record is a record that goes round the end of the data.
	record []byte
}

// openRing begins to read a CPU.
func openRing(cpu int, buildIDs bool) (*ring, error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_DUMMY, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Sample_type: unix.PERF_SAMPLE_TID | unix.PERF_SAMPLE_TIME,
		Bits: unix.PerfBitMmap | unix.PerfBitMmap2 | unix.PerfBitComm | unix.PerfBitCommExec |
			unix.PerfBitSampleIDAll | unix.PerfBitUseClockID | unix.PerfBitWatermark,
		Clockid: unix.CLOCK_BOOTTIME,
		// Nobody waits for the ring.
		Wakeup: uint32(dataPages * os.Getpagesize()),
	}
	if buildIDs {
		attr.Bits |= buildIDBit
	}
	fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("perf event on CPU %d: %w", cpu, err)
	}
	mem, err := unix.Mmap(fd, 0, (1+dataPages)*os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ring of perf events of CPU %d: %w", cpu, err), unix.Close(fd))
	}
	return &ring{fd: fd, mem: mem, page: (*unix.PerfEventMmapPage)(unsafe.Pointer(&mem[0])), data: mem[os.Getpagesize():]}, nil
}

// drain calls take with each record that is there. The record is valid during
// the call.
func (r *ring) drain(take func([]byte)) {
	head := atomic.LoadUint64(&r.page.Data_head)
	tail := r.page.Data_tail
	for head-tail >= headerSize {
		// Records are multiples of 8 bytes long: a header is never in two parts.
		size := uint64(binary.NativeEndian.Uint16(r.data[tail%uint64(len(r.data))+6:]))
		if size < headerSize || size > head-tail {
			break
		}
		take(r.at(tail, size))
		tail += size
	}
	atomic.StoreUint64(&r.page.Data_tail, head)
}

// at returns the record of that size at a place.
func (r *ring) at(place, size uint64) []byte {
	begin := place % uint64(len(r.data))
	if begin+size <= uint64(len(r.data)) {
		return r.data[begin : begin+size]
	}
	r.record = append(append(r.record[:0], r.data[begin:]...), r.data[:size-(uint64(len(r.data))-begin)]...)
	return r.record
}

// close ends the reading.
func (r *ring) close() error {
	return errors.Join(unix.Munmap(r.mem), unix.Close(r.fd))
}
