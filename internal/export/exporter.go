// SPDX-License-Identifier: Apache-2.0

package export

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/filter"
)

// rateReport is how often the events dropped by the rate limit are reported.
const rateReport = time.Minute

// Unlimited is the rate limit that drops nothing, as any negative one.
const Unlimited = -1

// Source names the node that reports of the export itself come from.
type Source struct{ NodeName, ClusterName string }

// Gap appends the compatible JSON of a loss report of the stage "export". It is made for [Config.Gap].
func (s Source) Gap(dst []byte, cause string, count uint64) []byte {
	const longest = 128 // bytes; as JSON one of them takes up to six
	if len(cause) > longest {
		cause = cause[:longest]
	}
	e := s.event(event.KindLost)
	e.Lost = event.Lost{Stage: "export", Cause: cause, Count: count}
	return event.AppendJSON(dst, e)
}

func (s Source) event(kind event.Kind) *event.Event {
	return &event.Event{Kind: kind, Time: time.Now().UnixNano(), NodeName: s.NodeName, ClusterName: s.ClusterName}
}

// ExporterConfig says what an [Exporter] exports.
type ExporterConfig struct {
	Source Source
	// Filter selects events; nil selects all.
	Filter *filter.Set
	// Fields removes fields from them; nil removes none.
	Fields *filter.FieldFilters
	// RateLimit is how many events a minute are exported at most; [Unlimited] and all negative numbers
	// mean no limit. Reports of losses are exported always.
	RateLimit int
}

// Exporter encodes events as JSON lines. Its methods are safe for concurrent use.
type Exporter struct {
	cfg    ExporterConfig
	writer *Writer

	mu      sync.Mutex
	subject filter.Subject // reused, as is line
	line    []byte
	limit   *rateLimit // nil: none

	limited atomic.Uint64
	cancel  context.CancelFunc
	done    chan struct{} // nil when there is no goroutine
}

// NewExporter returns an exporter that writes to w, which it closes with itself.
func NewExporter(w *Writer, cfg ExporterConfig) *Exporter {
	e := &Exporter{cfg: cfg, writer: w, cancel: func() {}}
	if cfg.RateLimit >= 0 {
		e.limit = newRateLimit(cfg.RateLimit, time.Now())
		var ctx context.Context
		ctx, e.cancel = context.WithCancel(context.Background())
		e.done = make(chan struct{})
		go e.reportLimited(ctx, rateReport)
	}
	return e
}

// Export writes an event if it passes the filters and the rate limit. The event need not stay valid after
// the call. What the writer does not take, it counts and reports.
func (e *Exporter) Export(ev *event.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.subject.Reset(ev)
	defer e.subject.Reset(nil)
	if e.cfg.Filter != nil && !e.cfg.Filter.Match(&e.subject) {
		return
	}
	if e.limit != nil && ev.Kind != event.KindLost && !e.limit.allow(time.Now()) {
		e.limited.Add(1)
		return
	}
	e.write(e.withoutFields(ev))
}

// withoutFields returns the event without the fields that are filtered out, ev itself in the common case
// that none are.
func (e *Exporter) withoutFields(ev *event.Event) *event.Event {
	if e.cfg.Fields == nil {
		return ev
	}
	message := e.subject.Message()
	if pruned := e.cfg.Fields.Apply(message); pruned != message {
		return event.FromProto(pruned)
	}
	return ev
}

func (e *Exporter) write(ev *event.Event) {
	e.line = event.AppendJSON(e.line[:0], ev)
	e.writer.Write(e.line)
}

// RateLimited returns how many events the rate limit has dropped.
func (e *Exporter) RateLimited() uint64 { return e.limited.Load() }

func (e *Exporter) reportLimited(ctx context.Context, interval time.Duration) {
	defer close(e.done)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			e.writeLimited()
		case <-ctx.Done():
			e.writeLimited()
			return
		}
	}
}

// writeLimited writes the rate_limit_info event, if anything has been dropped since the last one.
func (e *Exporter) writeLimited() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := e.limit.takeDropped(); n > 0 {
		info := e.cfg.Source.event(event.KindRateLimit)
		info.RateLimited = n
		e.write(info)
	}
}

// Close reports what the rate limit has dropped and closes the writer, see [Writer.Close].
func (e *Exporter) Close(ctx context.Context) error {
	e.cancel()
	if e.done != nil {
		<-e.done
	}
	return e.writer.Close(ctx)
}
