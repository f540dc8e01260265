// SPDX-License-Identifier: Apache-2.0

package export

import (
	"sync"
	"time"
)

const (
	// DefaultBuffer is the default of [Config.Buffer], 4 MiB.
	DefaultBuffer = 4 << 20
	// DefaultMaxWait is the default of [Config.MaxWait].
	DefaultMaxWait = 50 * time.Millisecond
	// initialBuffer is the capacity a buffer starts with; it grows as far as it is needed.
	initialBuffer = 64 << 10
	// lossRoom is the space kept for the report of a gap.
	lossRoom = 1 << 10
)

// Causes of loss that are not errors of the file.
const (
	causeFull    = "the export is written too slowly"
	causeTooLong = "longer than the export can take"
	causeClosed  = "the export is closed"
)

// buffer is two areas of lines: producers append to one while the writer empties the other. Nothing is
// allocated once both have grown to what the load needs.
type buffer struct {
	limit int
	// room is the space in bytes kept for the report of a gap.
	room    int
	maxWait time.Duration
	// longest is the longest line in bytes that is taken; 0 for what has room.
	longest int
	// gap appends the report of a loss as one line without its newline; it may be nil.
	gap func(dst []byte, cause string, count uint64) []byte
	// wake tells the writer that there is something to write, space tells a producer that there is room.
	wake, space chan struct{}

	producer sync.Mutex // one producer at a time; guards timer
	timer    *time.Timer

	mu     sync.Mutex
	active []byte
	closed bool
	// stuck is set while waiting for room is in vain: after one wait until the writer takes the lines.
	stuck bool
	// failing is why the writer cannot write, empty when it can.
	failing string
	// unreported events are missing at the end of active, for cause.
	unreported uint64
	cause      string
	accepted   uint64
	dropped    uint64
}

func newBuffer(limit int, maxWait time.Duration, gap func([]byte, string, uint64) []byte) *buffer {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &buffer{
		limit: limit, room: lossRoom, maxWait: maxWait, gap: gap, timer: timer,
		wake: make(chan struct{}, 1), space: make(chan struct{}, 1),
		active: make([]byte, 0, initialBuffer),
	}
}

// put appends a line. It waits at most maxWait for room and says whether the line was taken.
func (b *buffer) put(line []byte) bool {
	b.producer.Lock()
	defer b.producer.Unlock()
	taken, wait := b.tryPut(line)
	if taken || !wait {
		return taken
	}
	if b.maxWait < 0 {
		b.giveUp()
		return false
	}
	b.timer.Reset(b.maxWait)
	defer b.timer.Stop()
	for {
		select {
		case <-b.space:
			if taken, wait := b.tryPut(line); taken || !wait {
				return taken
			}
		case <-b.timer.C:
			b.giveUp()
			return false
		}
	}
}

// tryPut appends a line if there is room for it, and else says whether waiting may help. A line for
// which it does not is counted as lost.
func (b *buffer) tryPut(line []byte) (taken, wait bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		b.drop(causeClosed)
	case len(line)+1+b.room > b.limit || b.longest > 0 && len(line) > b.longest:
		b.drop(causeTooLong)
	case len(b.active)+len(line)+1+b.room <= b.limit:
		b.append(line)
		return true, false
	case b.failing != "":
		b.drop(b.failing)
	case b.stuck:
		b.drop(causeFull)
	default:
		return false, true
	}
	return false, false
}

func (b *buffer) append(line []byte) {
	if len(b.active) == 0 {
		signal(b.wake)
	}
	b.reportGap()
	b.active = append(append(b.active, line...), '\n')
	b.accepted++
}

// reportGap writes the loss so far to where it happened. Room for it is always kept.
func (b *buffer) reportGap() {
	if b.unreported == 0 || b.gap == nil {
		return
	}
	before := len(b.active)
	b.active = b.gap(b.active, b.cause, b.unreported)
	if len(b.active) > before {
		b.active = append(b.active, '\n')
	}
	b.unreported = 0
}

func (b *buffer) giveUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stuck = true
	b.drop(causeFull)
}

func (b *buffer) drop(cause string) {
	b.unreported++
	b.dropped++
	b.cause = cause
}

// take exchanges the lines for an empty area. The report of a loss that no line has followed yet is
// among them.
func (b *buffer) take(empty []byte) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reportGap()
	lines := b.active
	b.active = empty[:0]
	b.stuck = false
	signal(b.space)
	return lines
}

// fail makes producers drop instead of wait; an empty cause ends that.
func (b *buffer) fail(cause string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failing = cause
}

// discard gives up the lines of the buffer and n more that were taken from it, and returns their number.
func (b *buffer) discard(n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n += countLines(b.active)
	b.active = b.active[:0]
	b.dropped += uint64(n)
	b.cause = b.failing
	return n
}

// close makes put refuse every further line.
func (b *buffer) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

// losses returns how many lines were dropped so far, and the last cause.
func (b *buffer) losses() (uint64, string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dropped, b.cause
}

// signal sets the flag that a channel of capacity 1 stands for.
func signal(flag chan struct{}) {
	select {
	case flag <- struct{}{}:
	default:
	}
}
