// SPDX-License-Identifier: Apache-2.0

package export

import (
	"context"
	"fmt"
	"sync"

	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/filter"
)

// ExportStats is what one export has done.
type ExportStats struct {
	Name string
	Stats
	// RateLimited counts the events that the rate limit has dropped.
	RateLimited uint64
}

// String returns the counts in a line for people.
func (s ExportStats) String() string {
	text := fmt.Sprintf("%d events accepted, %d written, %d lost, %d over the rate limit, %d failures",
		s.Accepted, s.Written, s.Dropped, s.RateLimited, s.Failures)
	if s.Failing != "" {
		text += "; failing: " + s.Failing
	}
	return text
}

// FanOut hands events to any number of exports. Each has a queue and a goroutine of its own, so that one that is
// slow or dead loses its own events only; what they have in common, an event's encodings and its message, is made
// once. Its methods are safe for concurrent use.
type FanOut struct {
	exporters []*Exporter

	mu      sync.Mutex
	subject filter.Subject // reused, as is encoded
	encoded encoded
}

// NewFanOut returns a fan-out to the exporters, which it closes with itself.
func NewFanOut(exporters ...*Exporter) *FanOut { return &FanOut{exporters: exporters} }

// Export hands an event to each export, see [Exporter.Export].
func (f *FanOut) Export(ev *event.Event) {
	if len(f.exporters) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subject.Reset(ev)
	defer f.subject.Reset(nil)
	f.encoded.reset()
	for _, exporter := range f.exporters {
		exporter.share(&f.subject, &f.encoded)
	}
}

// Stats returns the counts of each export so far.
func (f *FanOut) Stats() []ExportStats {
	all := make([]ExportStats, len(f.exporters))
	for i, exporter := range f.exporters {
		all[i] = ExportStats{Name: exporter.cfg.Name, Stats: exporter.writer.Stats(), RateLimited: exporter.RateLimited()}
	}
	return all
}

// CloseError is what one export ended with.
type CloseError struct {
	Name string
	Err  error
}

// Error names the export.
func (e CloseError) Error() string { return fmt.Sprintf("export %s: %v", e.Name, e.Err) }

// Close closes all exports at once, see [Exporter.Close], and returns the errors of those that could not write all.
func (f *FanOut) Close(ctx context.Context) []CloseError {
	failed := make([]error, len(f.exporters))
	var group sync.WaitGroup
	for i, exporter := range f.exporters {
		group.Go(func() { failed[i] = exporter.Close(ctx) })
	}
	group.Wait()
	var errs []CloseError
	for i, err := range failed {
		if err != nil {
			errs = append(errs, CloseError{f.exporters[i].cfg.Name, err})
		}
	}
	return errs
}
