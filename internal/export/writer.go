// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// housekeeping is how often a failed write is tried again, and the age and the name of the file are
	// looked at.
	housekeeping = time.Second
	// gather is how long lines are gathered before they are written together. It costs every event that
	// much delay, and saves two system calls for each but the first.
	gather = time.Millisecond
	// logInterval is the time between two log lines about losses.
	logInterval = time.Minute
)

// Config says where and how a [Writer] writes.
type Config struct {
	// Filename is the path of the file; "-" and "/dev/stdout" are the standard output. What is not a
	// regular file is never rotated.
	Filename string
	// Perm is the mode of files made, 0600 when 0. Existing ones keep theirs.
	Perm fs.FileMode
	// Compress says whether rotated files are compressed with gzip.
	Compress bool
	// Params can be changed later with [Writer.SetParams].
	Params Params
	// Buffer is the size in bytes of each of the two buffers, [DefaultBuffer] when 0.
	Buffer int
	// MaxWait is how long [Writer.Write] waits for room in the buffer, [DefaultMaxWait] when 0. After one
	// wait in vain it does not wait until the file has taken something. A negative one is no wait at all.
	MaxWait time.Duration
	// Gap appends the line that reports a loss at its place in the file, without a newline and of at most
	// 1,000 bytes. When nil, losses are not reported in the file.
	Gap func(dst []byte, cause string, count uint64) []byte
	// OnLost is told, about once a second while events are being lost, how many more were and why the
	// last of them. It must not call the Writer. It may be nil.
	OnLost func(cause string, count uint64)
	// gapRoom is how long Gap's line can be, where it is longer.
	gapRoom int
	// Log takes at most one line a minute about losses; [slog.Default] when nil.
	Log *slog.Logger
}

// Stats counts what a [Writer] has done.
type Stats struct {
	// Accepted and Dropped count the lines given to Write; Written and Bytes what reached the file, reports
	// of losses included.
	Accepted, Dropped, Written, Bytes uint64
	// Rotations counts new files begun because of size or age, Failures failed attempts to write.
	Rotations, Failures uint64
	// Failing is the error that the last attempt ended with, empty when it went well.
	Failing string
}

// destination takes the lines of a [Writer]. It belongs to the writer's goroutine.
type destination interface {
	// writeLines takes lines, each of which ends in a newline, and returns how many bytes of whole lines it
	// has taken.
	writeLines(lines []byte, maxSize int64) (int, error)
	// keep does what is due once a second while there is no error.
	keep(rotation time.Duration) error
	// abort makes a call of writeLines that is waiting end with an error, where it can. It is called by other
	// goroutines and says whether it could.
	abort() bool
	close()
	// what names it in messages.
	what() string
}

// Writer writes lines to a rotated file, or to whoever listens at an address. Its methods are safe for concurrent use.
type Writer struct {
	cfg    Config
	params atomic.Pointer[Params]
	buffer *buffer
	out    destination
	keeper *keeper // nil where nothing is rotated
	tick   time.Duration
	now    func() time.Time
	// longest is the longest time between two attempts after a failure; 0 for a tick.
	longest time.Duration

	closing chan struct{}
	done    chan struct{}
	once    sync.Once

	written, bytes, rotations, failures atomic.Uint64

	// The rest belongs to the goroutine.

	pending []byte // taken from the buffer; the first offset bytes are in the file
	offset  int
	lastErr error
	// unwritten lines are left when the file failed to the end.
	unwritten int
	told      uint64    // losses that OnLost knows
	logged    uint64    // losses that the log knows
	logTime   time.Time // of the last log line about losses
	// failTime is when a failure was logged, and failLogged says that its end is still to be logged.
	failTime   time.Time
	failLogged bool
	// retry is when to try again after a failure, and pause how long that was.
	retry time.Time
	pause time.Duration
}

// Open opens the file and starts the goroutine that writes to it. An error names what is wrong with
// the configuration, or why the file cannot be opened.
func Open(cfg Config) (*Writer, error) { return open(cfg, openFile, time.Now, housekeeping) }

func open(cfg Config, openFile openFunc, now func() time.Time, tick time.Duration) (*Writer, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	if cfg.Filename == "" {
		return nil, errors.New("open export file: no file name")
	}
	backups := newBackups(cfg.Filename)
	file := &rotatingFile{path: cfg.Filename, perm: cfg.Perm, open: openFile, now: now, backups: backups}
	if err := file.ready(); err != nil {
		return nil, fmt.Errorf("open export file: %w", err)
	}
	w := newWriter(cfg, file, now, tick)
	if file.regular {
		w.keeper = keepBackups(backups, cfg.Compress, &w.params, cfg.Log)
	}
	file.rotated = w.rotated
	go w.run()
	return w, nil
}

// newWriter returns a writer whose goroutine is still to be started.
func newWriter(cfg Config, out destination, now func() time.Time, tick time.Duration) *Writer {
	w := &Writer{
		cfg: cfg, tick: tick, now: now, out: out,
		buffer:  newBuffer(cfg.Buffer, cfg.MaxWait, cfg.Gap),
		pending: make([]byte, 0, initialBuffer),
		closing: make(chan struct{}), done: make(chan struct{}),
	}
	w.buffer.room = max(w.buffer.room, cfg.gapRoom)
	w.params.Store(&cfg.Params)
	return w
}

func (c *Config) complete() error {
	if c.Perm == 0 {
		c.Perm = 0o600
	}
	if c.Buffer == 0 {
		c.Buffer = DefaultBuffer
	}
	if c.Buffer <= lossRoom {
		return fmt.Errorf("open export file: buffer of %d bytes: must be more than %d", c.Buffer, lossRoom)
	}
	if c.MaxWait == 0 {
		c.MaxWait = DefaultMaxWait
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c.Params.Validate()
}

// Write copies a line, given without its newline, into the buffer and says whether it was accepted. It
// never waits for the file, only for room in the buffer, and not longer than Config.MaxWait.
func (w *Writer) Write(line []byte) bool { return w.buffer.put(line) }

// Params returns the present settings.
func (w *Writer) Params() Params { return *w.params.Load() }

// SetParams changes the settings from the next write on.
func (w *Writer) SetParams(p Params) error {
	if err := p.Validate(); err != nil {
		return err
	}
	w.params.Store(&p)
	if w.keeper != nil {
		w.keeper.trigger()
	}
	return nil
}

// Stats returns the counts so far.
func (w *Writer) Stats() Stats {
	w.buffer.mu.Lock()
	defer w.buffer.mu.Unlock()
	return Stats{
		Accepted: w.buffer.accepted, Dropped: w.buffer.dropped,
		Written: w.written.Load(), Bytes: w.bytes.Load(),
		Rotations: w.rotations.Load(), Failures: w.failures.Load(), Failing: w.buffer.failing,
	}
}

// Close writes what is buffered and closes the file. It returns an error that says how many events were
// not written when the file fails, or when ctx is done first; a write that hangs in the kernel is
// then left behind.
func (w *Writer) Close(ctx context.Context) error {
	w.once.Do(func() {
		w.buffer.close()
		close(w.closing)
	})
	if w.keeper != nil {
		defer w.keeper.stop()
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		if !w.out.abort() {
			stats := w.Stats()
			return fmt.Errorf("close %s: %d lines not written: %w", w.out.what(), stats.Accepted-min(stats.Written, stats.Accepted), ctx.Err())
		}
		<-w.done
	}
	if w.lastErr != nil {
		return fmt.Errorf("close %s: %d lines not written: %w", w.out.what(), w.unwritten, w.lastErr)
	}
	return nil
}

func (w *Writer) run() {
	defer close(w.done)
	defer w.out.close()
	ticker := time.NewTicker(w.tick)
	defer ticker.Stop()
	for {
		select {
		case <-w.buffer.wake:
			if w.lastErr == nil { // else the next tick tries again
				time.Sleep(gather)
				w.drain()
			}
		case <-ticker.C:
			w.housekeep()
		case <-w.closing:
			w.finish()
			return
		}
	}
}

func (w *Writer) housekeep() {
	if w.lastErr == nil {
		w.settle(w.out.keep(w.Params().RotationInterval))
	}
	if w.lastErr == nil || !w.now().Before(w.retry) {
		w.drain()
	}
	w.reportLosses(false)
}

// finish writes what is left. What cannot be written is lost like what was never accepted.
func (w *Writer) finish() {
	w.drain()
	if w.lastErr != nil {
		w.unwritten = w.buffer.discard(countLines(w.pending[w.offset:]))
	}
	w.reportLosses(true)
}

// drain writes all there is.
func (w *Writer) drain() {
	for {
		if w.offset == len(w.pending) {
			w.pending, w.offset = w.buffer.take(w.pending), 0
		}
		if len(w.pending) == 0 {
			return
		}
		if err := w.writePending(); err != nil {
			return
		}
	}
}

func (w *Writer) writePending() error {
	lines := w.pending[w.offset:]
	n, err := w.out.writeLines(lines, w.Params().MaxSize)
	w.offset += n
	w.written.Add(uint64(countLines(lines[:n])))
	w.bytes.Add(uint64(n))
	w.settle(err)
	return err
}

// settle notes that the file fails or, with a nil error after a failure, that it works again. A file that
// keeps going from one to the other is logged once a minute.
func (w *Writer) settle(err error) {
	switch {
	case err != nil:
		w.failures.Add(1)
		w.buffer.fail(err.Error())
		w.pause = min(max(2*w.pause, w.tick), w.longest)
		w.retry = w.now().Add(w.pause)
		if now := w.now(); w.lastErr == nil && now.Sub(w.failTime) >= logInterval {
			w.cfg.Log.Error(w.out.what()+" fails, events are kept while the buffer lasts", "error", err)
			w.failTime, w.failLogged = now, true
		}
	case w.lastErr != nil:
		w.buffer.fail("")
		w.pause = 0
		if w.failLogged {
			w.cfg.Log.Info(w.out.what() + " is written again")
			w.failLogged = false
		}
	}
	w.lastErr = err
}

// reportLosses tells OnLost what is new, and the log at most once a minute unless it is the last time.
func (w *Writer) reportLosses(last bool) {
	dropped, cause := w.buffer.losses()
	if n := dropped - w.told; n > 0 && w.cfg.OnLost != nil {
		w.cfg.OnLost(cause, n)
	}
	w.told = dropped
	now := w.now()
	if n := dropped - w.logged; n > 0 && (last || now.Sub(w.logTime) >= logInterval) {
		w.cfg.Log.Warn("events lost before the "+w.out.what(), "events", n, "cause", cause)
		w.logged, w.logTime = dropped, now
	}
}

func (w *Writer) rotated() {
	w.rotations.Add(1)
	w.keeper.trigger()
}

func countLines(lines []byte) int { return bytes.Count(lines, newline) }
