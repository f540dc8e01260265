// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/filter"
)

const (
	// DefaultQueue is how many events wait for a subscriber at most (--event-queue-size).
	DefaultQueue = 10_000
	// DefaultQueueBytes bounds the encoded size of the events that wait for a subscriber, 32 MiB.
	DefaultQueueBytes = 32 << 20
	// DefaultMaxSubscribers is how many subscribers there can be.
	DefaultMaxSubscribers = 128
)

var (
	// ErrClosed is returned when the hub, or the subscription, has been closed and the queue is empty.
	ErrClosed = errors.New("the event stream is closed")
	// ErrTooMany is returned when there are as many subscribers as there can be.
	ErrTooMany = errors.New("too many subscribers")
)

// Config says how a [Hub] works. The zero value of every field is its default.
type Config struct {
	// NodeName and ClusterName are those of the reports of losses.
	NodeName, ClusterName string
	// Queue and QueueBytes bound the queue of a subscription that does not say otherwise.
	Queue, QueueBytes int
	// MaxSubscribers bounds their number.
	MaxSubscribers int
}

// Stats counts what a [Hub] has done.
type Stats struct {
	// Subscribers is their present number.
	Subscribers int
	// Delivered and Dropped count events, once for each subscriber they were put into the queue of, or
	// lost for because the queue was full.
	Delivered, Dropped uint64
}

// Hub hands events to subscribers. Its methods are safe for concurrent use.
type Hub struct {
	cfg Config

	mu          sync.Mutex // guards closed and changes of subscribers
	closed      bool
	subscribers atomic.Pointer[[]*Subscription] // never changed in place

	publishing sync.Mutex
	subject    filter.Subject // reused

	delivered, dropped atomic.Uint64
}

// NewHub returns a hub without subscribers.
func NewHub(cfg Config) *Hub {
	if cfg.Queue <= 0 {
		cfg.Queue = DefaultQueue
	}
	if cfg.QueueBytes <= 0 {
		cfg.QueueBytes = DefaultQueueBytes
	}
	if cfg.MaxSubscribers <= 0 {
		cfg.MaxSubscribers = DefaultMaxSubscribers
	}
	h := &Hub{cfg: cfg}
	h.subscribers.Store(new([]*Subscription))
	return h
}

// Options say what a subscriber wants.
type Options struct {
	// Filter selects events; nil selects all.
	Filter *filter.Set
	// Fields removes fields from them; nil removes none.
	Fields *filter.FieldFilters
	// Queue and QueueBytes bound the queue; 0 means as the hub is configured.
	Queue, QueueBytes int
}

// Subscribe begins a subscription to the events published from now on. It ends with ctx, or with
// [Subscription.Close].
func (h *Hub) Subscribe(ctx context.Context, options Options) (*Subscription, error) {
	if options.Queue <= 0 {
		options.Queue = h.cfg.Queue
	}
	if options.QueueBytes <= 0 {
		options.QueueBytes = h.cfg.QueueBytes
	}
	s := newSubscription(h, options)
	if err := h.attach(s); err != nil {
		return nil, err
	}
	s.stop = context.AfterFunc(ctx, s.leave)
	return s, nil
}

func (h *Hub) attach(s *Subscription) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	present := *h.subscribers.Load()
	if h.closed {
		return ErrClosed
	}
	if len(present) >= h.cfg.MaxSubscribers {
		return fmt.Errorf("%w: there are %d already", ErrTooMany, len(present))
	}
	subscribers := append(slices.Clone(present), s)
	h.subscribers.Store(&subscribers)
	return nil
}

func (h *Hub) detach(s *Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	subscribers := slices.DeleteFunc(slices.Clone(*h.subscribers.Load()), func(other *Subscription) bool { return other == s })
	h.subscribers.Store(&subscribers)
}

// Publish hands an event to the subscribers that want it. The event need not stay valid after the call.
// Publish does not wait for anybody; with no subscribers it does nothing.
func (h *Hub) Publish(e *event.Event) {
	subscribers := *h.subscribers.Load()
	if len(subscribers) == 0 {
		return
	}
	h.publishing.Lock()
	defer h.publishing.Unlock()
	h.subject.Reset(e)
	defer h.subject.Reset(nil)
	size := -1
	for _, s := range subscribers {
		if s.options.Filter != nil && !s.options.Filter.Match(&h.subject) {
			continue
		}
		if !s.hasRoom() { // spares the conversion of what is dropped anyway
			h.dropped.Add(1)
			continue
		}
		if size < 0 {
			size = proto.Size(h.subject.Message())
		}
		if s.push(item{message: h.subject.Message(), size: size}) {
			h.delivered.Add(1)
		} else {
			h.dropped.Add(1)
		}
	}
}

// Stats returns the counts so far.
func (h *Hub) Stats() Stats {
	return Stats{
		Subscribers: len(*h.subscribers.Load()),
		Delivered:   h.delivered.Load(),
		Dropped:     h.dropped.Load(),
	}
}

// Close ends all subscriptions: each still receives what is in its queue, and then [ErrClosed].
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	subscribers := *h.subscribers.Load()
	h.mu.Unlock()
	for _, s := range subscribers {
		s.end()
	}
}

// lossReport returns the event that stands for n events lost in the queue of a subscriber.
func (h *Hub) lossReport(n uint64) *event.Event {
	return &event.Event{
		Kind: event.KindLost, Time: time.Now().UnixNano(),
		NodeName: h.cfg.NodeName, ClusterName: h.cfg.ClusterName,
		Lost: event.Lost{Stage: "queue", Cause: "the subscriber reads too slowly", Count: n},
	}
}
