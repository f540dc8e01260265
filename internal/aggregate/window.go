// SPDX-License-Identifier: Apache-2.0

package aggregate

import (
	"errors"
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/vedette-io/vedette/api/tetragon"
)

const (
	// DefaultSize is how long a window lasts unless the options say otherwise.
	DefaultSize = 15 * time.Second
	// MaxSize is the longest window.
	MaxSize = time.Hour
	// DefaultEvents is how many different events a window holds unless the options say otherwise.
	DefaultEvents = 10_000
	// MaxEvents is the most that the options can ask for.
	MaxEvents = 100_000
	// maxBytes bounds the encoded size of the events in a window, 32 MiB.
	maxBytes = 32 << 20
)

// Options say how events are joined.
type Options struct {
	// Size is how long a window lasts.
	Size time.Duration
	// Events is how many different events one holds. It ends early with more.
	Events int
}

// ParseOptions checks the options of a client; what is 0 or missing is the default.
func ParseOptions(o *tetragon.AggregationOptions) (Options, error) {
	size, events := DefaultSize, uint64(DefaultEvents)
	if given := o.GetWindowSize(); given != nil && !proto.Equal(given, &durationpb.Duration{}) {
		if err := given.CheckValid(); err != nil {
			return Options{}, fmt.Errorf("aggregation_options.window_size: %w", err)
		}
		size = given.AsDuration()
	}
	if o.GetChannelBufferSize() != 0 {
		events = o.GetChannelBufferSize()
	}
	if events > math.MaxInt32 {
		events = math.MaxInt32
	}
	options := Options{Size: size, Events: int(events)}
	if err := options.check(); err != nil {
		return Options{}, fmt.Errorf("aggregation_options.%w", err)
	}
	return options, nil
}

func (o Options) check() error {
	switch {
	case o.Size <= 0 || o.Size > MaxSize:
		return fmt.Errorf("window_size: %v: must be more than 0 and at most %v", o.Size, MaxSize)
	case o.Events <= 0 || o.Events > MaxEvents:
		return fmt.Errorf("channel_buffer_size: at most %d events are possible", MaxEvents)
	}
	return nil
}

// Window joins events until it is flushed. It is not safe for concurrent use.
type Window struct {
	options Options
	order   []*entry
	byKey   map[string]*entry
	bytes   int
}

// entry is an event and how often it happened.
type entry struct {
	first *tetragon.GetEventsResponse
	count uint64
}

// New returns an empty window.
func New(options Options) (*Window, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	return &Window{options: options, byKey: make(map[string]*entry)}, nil
}

// Size is how long the window lasts.
func (w *Window) Size() time.Duration { return w.options.Size }

// Add takes an event, which must not be changed any more. It reports whether the window is full and must be
// flushed before the next one.
func (w *Window) Add(m *tetragon.GetEventsResponse) (full bool, err error) {
	key, err := keyOf(m)
	if err != nil {
		return false, fmt.Errorf("aggregate: %w", err)
	}
	if known := w.byKey[key]; known != nil {
		known.count++
		return false, nil
	}
	e := &entry{first: m, count: 1}
	w.order = append(w.order, e)
	w.byKey[key] = e
	w.bytes += 2 * len(key) // the event and the key
	return len(w.order) >= w.options.Events || w.bytes >= maxBytes, nil
}

// Flush hands over the events in the order of their first occurrence and empties the window. Those that stand
// for several have the count of them in aggregation_info. It ends with the first error of send.
func (w *Window) Flush(send func(*tetragon.GetEventsResponse) error) error {
	order := w.order
	w.order, w.byKey, w.bytes = nil, make(map[string]*entry), 0
	for _, e := range order {
		if err := send(e.event()); err != nil {
			return err
		}
	}
	return nil
}

func (e *entry) event() *tetragon.GetEventsResponse {
	if e.count == 1 {
		return e.first
	}
	m := shallow(e.first)
	m.AggregationInfo = &tetragon.AggregationInfo{Count: e.count}
	return m
}

// shallow returns a message with the same fields, so that the envelope can be changed.
func shallow(m *tetragon.GetEventsResponse) *tetragon.GetEventsResponse {
	return &tetragon.GetEventsResponse{
		Event: m.Event, NodeName: m.NodeName, Time: m.Time, AggregationInfo: m.AggregationInfo,
		ClusterName: m.ClusterName, NodeLabels: m.NodeLabels,
	}
}

var errNoEvent = errors.New("a message without an event")

// keyOf returns what is the same of events that are joined: everything but the time, and how many references
// the process cache counts, which changes with every child.
func keyOf(m *tetragon.GetEventsResponse) (string, error) {
	if m.GetEvent() == nil {
		return "", errNoEvent
	}
	same := proto.CloneOf(m)
	same.Time = nil
	for _, p := range processesOf(same) {
		p.Refcnt = 0
	}
	key, err := proto.MarshalOptions{Deterministic: true}.Marshal(same)
	return string(key), err
}

// withProcesses is what the messages of all kinds of events with processes have.
type withProcesses interface {
	GetProcess() *tetragon.Process
	GetParent() *tetragon.Process
}

type withAncestors interface{ GetAncestors() []*tetragon.Process }

// processesOf returns the processes of an event.
func processesOf(m *tetragon.GetEventsResponse) []*tetragon.Process {
	r := m.ProtoReflect()
	field := r.WhichOneof(r.Descriptor().Oneofs().ByName("event"))
	inner := r.Get(field).Message().Interface()
	var out []*tetragon.Process
	if e, ok := inner.(withProcesses); ok {
		out = append(out, e.GetProcess(), e.GetParent())
	}
	if e, ok := inner.(withAncestors); ok {
		out = append(out, e.GetAncestors()...)
	}
	known := out[:0]
	for _, p := range out {
		if p != nil {
			known = append(known, p)
		}
	}
	return known
}
