// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"hash/maphash"
	"math"
	"sync"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/lru"
	"github.com/vedette-io/vedette/internal/process"
	"github.com/vedette-io/vedette/internal/record"
)

// DefaultReturns is how many calls can await their return unless [Options] say otherwise.
const DefaultReturns = 4096

// Options are what an [Observer] is made with.
type Options struct {
	// Tree is the process tree, which the observer fills. Others may use it in Emit only.
	Tree *process.Tree
	// Clock turns the kernel's times into wall clock time.
	Clock *process.Clock
	// NodeName and ClusterName are shown by every event.
	NodeName, ClusterName string
	// NodeLabels returns the labels of the node that every event shows. It is nil where they are not known.
	NodeLabels func() event.Labels
	// Ancestors are the kinds of events that list the ancestors of their process.
	Ancestors []event.Kind
	// Returns is how many calls can await their return, 0 for DefaultReturns.
	Returns int
	// Symbolize takes a copy of an event, complete but for its stack traces, which [Observer.Resume]
	// is to be given with them. It must not wait: it returns false where there is no room, and the
	// event goes without. It is nil where no stacks are shown.
	Symbolize func(*event.Event, Stacks) bool
	// BuildID takes a copy of an event of a mapped file, complete but for the build id, which the kernel
	// did not tell; [Observer.Resume] is to be given it. It must not wait: it returns false where there
	// is no room, and the event goes without. It is nil where build ids are not read.
	BuildID func(*event.Event, Mapping) bool
	// Request takes what an event asks user space for. It must not wait, and counts itself what it
	// does not do. It is nil where nothing may be asked for.
	Request func(Request)
	// Emit takes the events. An event is valid only during the call, and Emit must not call the
	// observer.
	Emit func(*event.Event)
}

// Observer makes events out of records. It is safe for concurrent use, but records must come in the
// order of their ring.
type Observer struct {
	opts      Options
	ancestors map[event.Kind]bool

	mu       sync.Mutex
	now      uint64 // the latest time seen, in nanoseconds since boot
	ticked   uint64
	decoder  record.Decoder
	sequence record.Sequence
	plans    map[planKey]*plan
	tasks    tasks
	calls    calls
	early    early
	buffers  buffers
	mappings mappings
	loss     loss
	stats    Stats

	// rec is the record at hand, half the other half of a call, held one that has waited. again decodes
	// the latter two.
	rec, half, held record.Record
	again           record.Decoder
	call            call
	// cookies makes the cookies of sockets.
	cookies maphash.Seed
	ev      event.Event
}

// New returns an observer.
func New(opts Options) *Observer {
	if opts.Returns <= 0 {
		opts.Returns = DefaultReturns
	}
	o := &Observer{
		opts:      opts,
		ancestors: make(map[event.Kind]bool),
		plans:     make(map[planKey]*plan),
		buffers:   newBuffers(),
		cookies:   maphash.MakeSeed(),
		mappings:  mappings{recent: lru.New[mappedFile, struct{}](maxRecent), told: make(map[string]uint64)},
	}
	o.calls = newCalls(opts.Returns, o.emitAlone)
	for _, kind := range opts.Ancestors {
		o.ancestors[kind] = true
	}
	return o
}

// Handle takes one record of the kernel and emits the events that follow from it. A corrupt record is
// counted and told by a lost event.
func (o *Observer) Handle(raw []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.decoder.Decode(raw, &o.rec)
	o.loss.gaps(&o.rec.Header, o.sequence.Observe(&o.rec.Header))
	if err != nil {
		o.loss.add(lossDecode, "corrupt: "+err.Error(), 1)
		return
	}
	if o.rec.Type != record.TypeTask {
		o.emitTasks()
	}
	o.mappingsBefore(o.rec.Header.Time)
	o.dispatch(raw)
	o.advance(o.rec.Header.Time)
}

func (o *Observer) dispatch(raw []byte) {
	switch o.rec.Type {
	case record.TypeFork:
		o.emitEarly(o.opts.Tree.Fork(&o.rec.Fork).ID())
	case record.TypeExec:
		o.handleExec()
	case record.TypeExecData:
		o.opts.Tree.ExecData(&o.rec.ExecData)
	case record.TypeExit:
		o.handleExit()
	case record.TypeTask:
		o.tasks.add(o.opts.Tree.Task(&o.rec.Exec))
	case record.TypeHook:
		o.handleHook(&o.rec.Hook, raw)
	case record.TypeHookData:
		o.handleHookData(&o.rec.HookData)
	}
}

// Tick tells the time in nanoseconds since boot. It is to be called about once a second, and after
// the last record of the processes older than the agent, so that what waits does not wait for a
// record.
func (o *Observer) Tick(now uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.emitTasks()
	o.now = max(o.now, now)
	o.tick()
}

// End emits what still waits, when no record comes any more.
func (o *Observer) End() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls.dropBefore(math.MaxUint64)
	o.tick()
}

const second = 1e9

func (o *Observer) advance(now uint64) {
	o.now = max(o.now, now)
	if o.now >= o.ticked+second {
		o.tick()
	}
}

func (o *Observer) tick() {
	o.ticked = o.now
	o.opts.Tree.Advance(o.now)
	o.forgetPlans()
	o.calls.dropBefore(o.now - min(o.now, callPatience))
	o.emitLate()
	o.expireData()
	o.calls.report(&o.loss)
	o.emitLoss()
}

// KernelCounters takes the counters of the kernel side (enum vd_counter), summed over the CPUs since
// they were loaded.
func (o *Observer) KernelCounters(counters [bpf.ContractVdCounterVD_COUNTERS]uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.loss.kernel(counters)
}

func (o *Observer) handleExec() {
	p := o.opts.Tree.Exec(&o.rec.Exec)
	o.emitExec(p, o.rec.Header.Time)
	o.emitEarly(p.ID())
	o.mappingsOf(p.ID().PID)
}

func (o *Observer) emitExec(p *process.Process, time uint64) {
	o.begin(event.KindExec, time)
	o.ev.Process = o.opts.Tree.ExecInfo(p)
	o.addLineage(p, o.ancestors[event.KindExec])
	o.emit()
}

func (o *Observer) handleExit() {
	exit := &o.rec.Exit
	o.mappingsOf(exit.Process.Pid)
	p, first := o.opts.Tree.Exit(exit)
	if p != nil && !first {
		return
	}
	o.begin(event.KindExit, exit.Header.Time)
	o.ev.Exit = event.Exit{
		Signal: signalNames[exit.Code&0x7f],
		Status: exit.Code >> 8 & 0xff,
		Time:   o.ev.Time,
	}
	o.addProcess(p, process.IDOf(exit.Process), exit.Tid, o.ancestors[event.KindExit])
	o.emit()
}

// begin empties the event and fills in what all kinds have.
func (o *Observer) begin(kind event.Kind, time uint64) {
	o.ev.Reset()
	o.ev.Kind = kind
	o.ev.Time = o.opts.Clock.Wall(time)
	o.ev.NodeName = o.opts.NodeName
	o.ev.ClusterName = o.opts.ClusterName
	if o.opts.NodeLabels != nil {
		o.ev.NodeLabels = o.opts.NodeLabels()
	}
}

// addProcess fills in the process, which may be nil if it is not known, and the thread.
func (o *Observer) addProcess(p *process.Process, id process.ID, tid uint32, ancestors bool) {
	if p == nil {
		o.stats.UnknownProcesses++
		o.ev.Process = o.opts.Tree.UnknownInfo(id)
		return
	}
	o.ev.Process = o.opts.Tree.Info(p)
	if tid != id.PID {
		o.ev.TID = tid
	}
	o.addLineage(p, ancestors)
}

func (o *Observer) addLineage(p *process.Process, ancestors bool) {
	if parent := o.opts.Tree.Parent(p); parent != nil {
		o.ev.Parent = o.opts.Tree.Info(parent)
	}
	if ancestors {
		o.ev.Ancestors = o.opts.Tree.AppendAncestors(o.ev.Ancestors, p)
	}
}

func (o *Observer) emit() {
	o.stats.Events++
	o.opts.Emit(&o.ev)
}
