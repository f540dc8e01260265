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
	return event.AppendJSON(dst, s.loss(cause, count))
}

func (s Source) loss(cause string, count uint64) *event.Event {
	const longest = 128 // bytes; as JSON one of them takes up to six
	if len(cause) > longest {
		cause = cause[:longest]
	}
	e := s.event(event.KindLost)
	e.Lost = event.Lost{Stage: "export", Cause: cause, Count: count}
	return e
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
	// Name names the export in statistics and messages.
	Name string
	// Format is how events are encoded.
	Format Format

	// header is put before each event, nil for nothing.
	header *syslog
}

// Exporter writes events in a format. Its methods are safe for concurrent use.
type Exporter struct {
	cfg    ExporterConfig
	writer *Writer

	mu      sync.Mutex
	subject filter.Subject // reused, as are the next three
	encoded encoded        // of events that belong to this export alone
	pruned  encoded        // of events without the fields that are filtered out
	message []byte         // with the header
	limit   *rateLimit     // nil: none

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
	e.encoded.reset()
	e.export(&e.subject, &e.encoded)
}

// share is Export for an event whose message and encodings are shared with other exports.
func (e *Exporter) share(subject *filter.Subject, encoded *encoded) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.export(subject, encoded)
}

func (e *Exporter) export(subject *filter.Subject, encoded *encoded) {
	if e.cfg.Filter != nil && !e.cfg.Filter.Match(subject) {
		return
	}
	ev := subject.Event()
	if e.limit != nil && ev.Kind != event.KindLost && !e.limit.allow(time.Now()) {
		e.limited.Add(1)
		return
	}
	if rest := e.withoutFields(subject); rest != ev {
		e.pruned.reset()
		ev, encoded = rest, &e.pruned
	}
	e.write(ev, encoded)
}

// withoutFields returns the event without the fields that are filtered out, the event itself in the common case
// that none are.
func (e *Exporter) withoutFields(subject *filter.Subject) *event.Event {
	if e.cfg.Fields == nil {
		return subject.Event()
	}
	message := subject.Message()
	if pruned := e.cfg.Fields.Apply(message); pruned != message {
		return event.FromProto(pruned)
	}
	return subject.Event()
}

func (e *Exporter) write(ev *event.Event, encoded *encoded) {
	line := encoded.line(e.cfg.Format, ev)
	if e.cfg.header != nil {
		e.message = append(e.cfg.header.appendHeader(e.message[:0], ev), line...)
		line = e.message
	}
	e.writer.Write(line)
}

// gap returns the [Config.Gap] of an export.
func (c ExporterConfig) gap() func(dst []byte, cause string, count uint64) []byte {
	return func(dst []byte, cause string, count uint64) []byte {
		loss := c.Source.loss(cause, count)
		if c.header != nil {
			dst = c.header.appendHeader(dst, loss)
		}
		return appendEvent[c.Format](dst, loss)
	}
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
		e.encoded.reset()
		e.write(info, &e.encoded)
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
