// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"context"
	"sync"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/filter"
)

// Subscription is the queue of one subscriber. Next is called by one goroutine at a time.
type Subscription struct {
	hub     *Hub
	options Options
	// silent subscribers have denied reports of losses.
	silent bool
	stop   func() bool
	// ready is set when there may be something for Next.
	ready chan struct{}

	mu    sync.Mutex
	queue ring
	bytes int
	// lost events are missing at the end of the queue.
	lost    uint64
	dropped uint64
	ended   bool
}

// item is an event in a queue.
type item struct {
	message *tetragon.GetEventsResponse
	size    int // encoded, in bytes
	// lost events are missing before this one.
	lost uint64
}

func newSubscription(h *Hub, options Options) *Subscription {
	silent := options.Filter != nil && !options.Filter.Match(filter.NewSubject(&event.Event{Kind: event.KindLost}))
	return &Subscription{hub: h, options: options, silent: silent, ready: make(chan struct{}, 1)}
}

// Next returns the next event, waiting until there is one. It returns the error of ctx when that is done
// first, and [ErrClosed] when the subscription has ended and its queue is empty.
func (s *Subscription) Next(ctx context.Context) (*tetragon.GetEventsResponse, error) {
	for {
		next, ended := s.pop()
		switch {
		case next.lost > 0:
			return event.ToProto(s.hub.lossReport(next.lost)), nil
		case next.message != nil:
			return s.options.Fields.Apply(next.message), nil
		case ended:
			return nil, ErrClosed
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Dropped returns how many events were lost because the queue was full.
func (s *Subscription) Dropped() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// Close ends the subscription at once.
func (s *Subscription) Close() {
	s.stop()
	s.leave()
}

// leave ends the subscription and gives up its queue.
func (s *Subscription) leave() {
	s.hub.detach(s)
	s.mu.Lock()
	s.queue, s.bytes, s.lost = ring{}, 0, 0
	s.mu.Unlock()
	s.end()
}

// Finish ends the subscription, but what is in its queue can still be received.
func (s *Subscription) Finish() {
	s.hub.detach(s)
	s.end()
}

// end refuses further events; Next returns what is in the queue.
func (s *Subscription) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.wake()
}

// hasRoom says whether another event may be put into the queue, and if not counts it as lost.
func (s *Subscription) hasRoom() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hasRoomFor(1)
}

func (s *Subscription) hasRoomFor(size int) bool {
	// A single event is never too large for an empty queue.
	if s.queue.len() < s.options.Queue && (s.queue.len() == 0 || s.bytes+size <= s.options.QueueBytes) {
		return true
	}
	s.dropped++
	if !s.silent {
		s.lost++
	}
	return false
}

func (s *Subscription) push(i item) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return true // nobody waits for it any more
	}
	if !s.hasRoomFor(i.size) {
		return false
	}
	i.lost, s.lost = s.lost, 0
	s.queue.push(i)
	s.bytes += i.size
	s.wake()
	return true
}

// pop takes an event off the queue. An item with a number of lost events stands for their report; the
// event that follows it stays in the queue.
func (s *Subscription) pop() (next item, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.queue.first()
	switch {
	case first == nil && s.lost > 0:
		next.lost, s.lost = s.lost, 0
	case first == nil:
		return item{}, s.ended
	case first.lost > 0:
		next.lost, first.lost = first.lost, 0
	default:
		next = s.queue.pop()
		s.bytes -= next.size
	}
	return next, false
}

func (s *Subscription) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}
