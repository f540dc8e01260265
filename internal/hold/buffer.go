// SPDX-License-Identifier: Apache-2.0

package hold

import (
	"context"
	"sync"
	"time"

	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/workload"
)

const (
	// DefaultMost is how many events are held at once unless [Options] say otherwise.
	DefaultMost = 16384
	// look is how often events are looked at that wait, beside whenever something becomes known.
	look = 100 * time.Millisecond
)

// Store is what the buffer needs of [workload.Store].
type Store interface {
	// Pending reports whether a container is one of a pod that is to become known.
	Pending(containerID string) bool
	// Workload returns what is known of a container, nil for nothing.
	Workload(containerID string) *workload.Workload
	// Want asks again for a container.
	Want(containerID string)
}

// Options are what a [Buffer] is made with.
type Options struct {
	Store Store
	// Retries is how often a container is asked for again, and Delay the time between. After Retries × Delay
	// its events are sent with what is known.
	Retries int
	Delay   time.Duration
	// Most is how many events are held at most, 0 for DefaultMost. Beyond it those of the container that
	// waits longest are sent with what is known.
	Most int
	// Emit takes the events, one at a time. An event is valid only during the call.
	Emit func(*event.Event)
}

// Stats counts what happened in a [Buffer].
type Stats struct {
	// Held is how many events wait now, Inserted counts all that had to.
	Held     int
	Inserted uint64
	// Retries counts how often a container was asked for again.
	Retries uint64
	// Late counts the events that were sent without their pod because the time was over, and Overflowed those
	// because there was no room.
	Late, Overflowed uint64
}

// Buffer hands events on. Those of a container keep their order; those of others do not wait for them.
// It is safe for concurrent use.
type Buffer struct {
	opts Options
	wake chan struct{}

	mu    sync.Mutex
	first map[string]*queue
	order []*queue // the one that waits longest first
	stats Stats
}

// queue has the events of a container that wait.
type queue struct {
	container string
	since     time.Time
	asked     int
	events    []*event.Event
}

// New returns a buffer.
func New(opts Options) *Buffer {
	if opts.Most <= 0 {
		opts.Most = DefaultMost
	}
	return &Buffer{opts: opts, wake: make(chan struct{}, 1), first: make(map[string]*queue)}
}

// Take takes an event, which need not stay valid after the call.
func (b *Buffer) Take(e *event.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.order) == 0 && !waits(e.Process) {
		b.opts.Emit(e)
		return
	}
	if e.Process == nil || e.Process.ContainerID == "" {
		b.opts.Emit(e)
		return
	}
	id := e.Process.ContainerID
	q := b.first[id]
	if q == nil && (!waits(e.Process) || !b.opts.Store.Pending(id)) {
		b.emit(e)
		return
	}
	if q == nil {
		q = &queue{container: id, since: time.Now()}
		b.first[id] = q
		b.order = append(b.order, q)
	}
	q.events = append(q.events, e.Clone())
	b.stats.Inserted++
	if b.stats.Held++; b.stats.Held > b.opts.Most {
		b.stats.Overflowed += uint64(len(b.order[0].events))
		b.send(b.order[0])
		b.order = b.order[1:]
	}
	if len(q.events) == 1 {
		b.Wake()
	}
}

// waits reports whether what is known of a process's container may not be all.
func waits(p *event.Process) bool {
	return p != nil && p.ContainerID != "" && (p.Pod == nil || p.Pod.Container == nil || p.Pod.Container.Name == "")
}

// Wake has Run look whether containers have become known.
func (b *Buffer) Wake() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Run sends events when their containers have become known, or have not in time, until ctx ends. Then it
// sends all the rest.
func (b *Buffer) Run(ctx context.Context) {
	timer := time.NewTimer(look)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			b.flush()
			return
		case <-b.wake:
		case <-timer.C:
		}
		if b.release(time.Now()) {
			timer.Reset(look)
		}
	}
}

// release sends what need not wait any more, and returns whether something still does.
func (b *Buffer) release(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.order[:0]
	for _, q := range b.order {
		switch {
		case !b.opts.Store.Pending(q.container):
			b.send(q)
		case now.Sub(q.since) >= time.Duration(b.opts.Retries)*b.opts.Delay:
			b.stats.Late += uint64(len(q.events))
			b.send(q)
		default:
			b.ask(q, now)
			kept = append(kept, q)
		}
	}
	clear(b.order[len(kept):])
	b.order = kept
	return len(kept) > 0
}

// ask asks for a container again when it is time to.
func (b *Buffer) ask(q *queue, now time.Time) {
	if due := int(now.Sub(q.since) / max(b.opts.Delay, time.Millisecond)); due > q.asked {
		q.asked = due
		b.stats.Retries++
		b.opts.Store.Want(q.container)
	}
}

func (b *Buffer) flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, q := range b.order {
		b.stats.Late += uint64(len(q.events))
		b.send(q)
	}
	b.order = nil
}

// send sends the events of a container, which the caller takes out of the order.
func (b *Buffer) send(q *queue) {
	delete(b.first, q.container)
	b.stats.Held -= len(q.events)
	for _, e := range q.events {
		b.emit(e)
	}
}

// emit sends an event with what is known now of its processes.
func (b *Buffer) emit(e *event.Event) {
	e.Process, e.Parent = b.complete(e.Process), b.complete(e.Parent)
	for i := range e.Ancestors {
		e.Ancestors[i] = b.complete(e.Ancestors[i])
	}
	b.opts.Emit(e)
}

// complete returns a process with its pod, as far as that is known now.
func (b *Buffer) complete(p *event.Process) *event.Process {
	if !waits(p) {
		return p
	}
	known := b.opts.Store.Workload(p.ContainerID)
	if known == nil {
		return p
	}
	with := *p
	with.Pod = known.Pod(p.Binary, p.Arguments, p.ContainerPID)
	return &with
}

// Stats returns the counters.
func (b *Buffer) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats
}
