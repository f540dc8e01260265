// SPDX-License-Identifier: Apache-2.0

package stacktrace

import (
	"encoding/binary"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/observe"
)

// Limits of the queue of events that wait for the names of their stacks.
const (
	maxQueue      = 1024
	maxQueueBytes = 32 << 20
	// maxClosing is how long the rest of the queue may take at the end; what
	// is then left goes without stacks.
	maxClosing = 2 * time.Second
)

// Options are what a [Symbolizer] is made with.
type Options struct {
	// ProcFS is where the host's /proc is mounted.
	ProcFS string
	// ExposeAddresses shows the addresses of frames.
	ExposeAddresses bool
	// Emit takes the events, in the order in which they came.
	Emit func(*event.Event)
	Log  *slog.Logger
}

// Symbolizer names the stacks of events, one after the other.
type Symbolizer struct {
	opts   Options
	kernel kernelSymbols
	user   userSymbols
	warned bool

	// An event first waits for the mappings of its process, which may end
	// soon, and then for names.
	queue, mapped chan job
	bytes         atomic.Int64
	done          sync.WaitGroup

	mu     sync.Mutex
	closed bool
	until  atomic.Int64 // when naming ends, in nanoseconds since 1970; 0: not yet
}

// job is an event that waits.
type job struct {
	event  *event.Event
	kernel []uint64
	user   *userStack // nil: no stack of user space is shown
	bytes  int64
}

// New starts a symbolizer. It reads nothing before the first event comes.
func New(opts Options) *Symbolizer {
	s := &Symbolizer{
		opts: opts, kernel: kernelSymbols{path: opts.ProcFS + "/kallsyms"}, queue: make(chan job, maxQueue), mapped: make(chan job, maxQueue),
		user: userSymbols{mappings: newMappings(opts.ProcFS), objects: newObjects()},
	}
	s.done.Go(s.mapAll)
	s.done.Go(s.nameAll)
	return s
}

// Take takes an event, which must not be used by others any more, and reports
// whether there was room for it. It does not wait.
func (s *Symbolizer) Take(e *event.Event, stacks observe.Stacks) bool {
	j := job{event: e, kernel: addresses(stacks.Kernel), user: userStackOf(e, &stacks), bytes: sizeOf(e, &stacks)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.bytes.Load()+j.bytes > maxQueueBytes {
		return false
	}
	select {
	case s.queue <- j:
		s.bytes.Add(j.bytes)
		return true
	default:
		return false
	}
}

// Prepare reads the names of the kernel's functions, if they have not been,
// so that the first event that shows a stack need not wait for them. It does
// not wait itself.
func (s *Symbolizer) Prepare() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	select {
	case s.queue <- job{}:
	default: // the events that wait will see to it
	}
}

func sizeOf(e *event.Event, stacks *observe.Stacks) int64 {
	n := len(stacks.Kernel) + len(stacks.User) + len(stacks.Files)
	for i := range e.Hook.Args {
		n += len(e.Hook.Args[i].Bytes)
	}
	return int64(n)
}

// Close emits what waits and ends.
func (s *Symbolizer) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		s.until.Store(time.Now().Add(maxClosing).UnixNano())
		close(s.queue)
	}
	s.mu.Unlock()
	s.done.Wait()
}

// mapAll reads the mappings of the processes of all events.
func (s *Symbolizer) mapAll() {
	defer close(s.mapped)
	for j := range s.queue {
		if j.user != nil && !s.late() {
			j.user.maps = s.user.mappings.of(j.user.process, j.user.addrs)
		}
		s.mapped <- j
	}
}

// nameAll names the stacks of all events, and emits them.
func (s *Symbolizer) nameAll() {
	for j := range s.mapped {
		if j.event == nil {
			s.kernel.prepare()
			s.warn()
			continue
		}
		if !s.late() {
			s.name(&j)
		}
		s.bytes.Add(-j.bytes)
		s.opts.Emit(j.event)
	}
}

// late reports whether there is no time left for names.
func (s *Symbolizer) late() bool {
	until := s.until.Load()
	return until != 0 && time.Now().UnixNano() >= until
}

// name gives an event its stacks.
func (s *Symbolizer) name(j *job) {
	h := &j.event.Hook
	if j.user != nil {
		h.UserStack = s.user.frames(h.UserStack, j.user, s.opts.ExposeAddresses)
	}
	if len(j.kernel) != 0 {
		h.KernelStack = s.kernel.frames(h.KernelStack, j.kernel, s.opts.ExposeAddresses)
		s.warn()
	}
}

// userStackOf is the stack of user space of an event, nil if it has none.
func userStackOf(e *event.Event, stacks *observe.Stacks) *userStack {
	if len(stacks.User) == 0 {
		return nil
	}
	u := &userStack{process: stacks.Process, addrs: addresses(stacks.User), files: fileFrames(stacks.Files)}
	if p := e.Process; p != nil {
		u.binary = p.Binary
		if !filepath.IsAbs(u.binary) {
			u.binary = filepath.Join(p.CWD, u.binary)
		}
	}
	return u
}

// warn tells once why the kernel's functions have no names.
func (s *Symbolizer) warn() {
	if s.kernel.err != nil && !s.warned {
		s.warned = true
		s.opts.Log.Warn("stack traces of the kernel have no names", "error", s.kernel.err)
	}
}

// addresses reads the addresses of a stack.
func addresses(content []byte) []uint64 {
	out := make([]uint64, len(content)/8)
	for i := range out {
		out[i] = binary.NativeEndian.Uint64(content[8*i:])
	}
	return out
}

// fileFrames reads the frames of a stack as places in files.
func fileFrames(content []byte) []bpf.BuildIDFrame {
	const size = int(unsafe.Sizeof(bpf.BuildIDFrame{}))
	out := make([]bpf.BuildIDFrame, len(content)/size)
	for i := range out {
		b := content[i*size:]
		out[i].Status = int32(binary.NativeEndian.Uint32(b))
		copy(out[i].BuildId[:], b[4:24])
		out[i].At = binary.NativeEndian.Uint64(b[24:])
	}
	return out
}
