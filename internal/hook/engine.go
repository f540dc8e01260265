// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"

	"github.com/cilium/ebpf"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/syscalls"
)

// maxHooks bounds the numbers of hooks, which begin with 1: it is the size of
// the arrays of programs at kprobe_multi.
const maxHooks = 8192

// EngineOptions are the parts of an [Engine] that are not its own. The zero
// value of a field means its default.
type EngineOptions struct {
	// Tracefs is where the formats of tracepoints are, nil for none.
	Tracefs *kernel.Tracefs
	// Attach are the attachments to use, in this order, for hooks that could
	// use one of them; other hooks take what they always take.
	Attach []Attachment
	// Offer is what the kernel offers: by default the running one's.
	Offer *kernel.Offer
	// Log gets what goes wrong after a plan has come into force. By default
	// that is [slog.Default].
	Log *slog.Logger
}

// Engine keeps the kernel's programs in step with a plan. Its methods may be
// called from any goroutine; changes happen one after the other.
type Engine struct {
	base    *Base
	spec    *ebpf.CollectionSpec
	shared  map[string]*ebpf.Map
	abi     kernel.SyscallABI
	tracefs *kernel.Tracefs
	offer   *kernel.Offer
	attach  []Attachment
	log     *slog.Logger
	// zeroCounters are the counters of a rule that has done nothing, for
	// every CPU.
	zeroCounters []bpf.RuleCounters

	mu    sync.Mutex
	hooks map[compile.HookKey]*installed
	ids   map[compile.HookKey]uint32
	// idTaken are the numbers in ids. They are given in turn: records and
	// returns of a hook that is gone are not to meet another one soon.
	idTaken [maxHooks]bool
	lastID  uint32
	// unusable are places of hooks in force that were found not to work.
	unusable map[placeKey]error
	next     uint32 // generation
	process  processClasses
	dispatch dispatcher
	multi    multi
	guards   guards
	enforcer enforcement
	runs     barrier
	totals   map[RuleKey]Counters
	// skipped are the skipped runs of programs that have been given up.
	skipped uint64
	// missed are the returns that posts missed that have been given up.
	missed uint64
	// files are the programs that are open while a plan is put into force.
	files programFiles
}

// installed is a hook in force.
type installed struct {
	hook    *compile.Hook
	id      uint32
	place   place
	post    *post
	program *program
}

// Loaded is a hook whose program is about to act, or acts.
type Loaded struct {
	Hook           *compile.Hook
	ID, Generation uint32
	Attachment     Attachment
	// Caveat is what a user must know of how the hook's policies are
	// enforced on this kernel, mostly empty.
	Caveat string
	// Offset is where a uprobe is in its file, in bytes.
	Offset uint64
}

// NewEngine prepares hooks on top of a base, which it does not own.
func NewEngine(base *Base, opts EngineOptions) (*Engine, error) {
	abi, err := kernel.NativeABI()
	if err != nil {
		return nil, err
	}
	spec, err := bpf.LoadHook()
	if err != nil {
		return nil, fmt.Errorf("hook programs: %w", err)
	}
	if err := adaptCallbacks(spec); err != nil {
		return nil, fmt.Errorf("hook programs: %w", err)
	}
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, fmt.Errorf("hook programs: %w", err)
	}
	e := &Engine{
		base: base, spec: spec, abi: abi, tracefs: opts.Tracefs, offer: opts.Offer, attach: opts.Attach, log: opts.Log,
		shared: map[string]*ebpf.Map{}, zeroCounters: make([]bpf.RuleCounters, cpus),
		hooks: map[compile.HookKey]*installed{}, ids: map[compile.HookKey]uint32{}, unusable: map[placeKey]error{}, totals: map[RuleKey]Counters{},
	}
	if e.offer == nil {
		e.offer = kernel.Offered()
	}
	if e.log == nil {
		e.log = slog.Default()
	}
	e.process.base, e.process.wait, e.guards.engine = base, e.runs.wait, e
	e.enforcer.engine = e
	e.multi.engine = e
	if err := errors.Join(e.runs.open(), e.makeShared()); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// makeShared makes the maps that all hooks share and takes those of the base.
func (e *Engine) makeShared() error {
	e.spec.Maps["vd_hook_scratch"].MaxEntries = scratchEntries(bpf.ContractVdLimitVD_SCRATCH_LEVELS)
	for name, m := range e.base.shared {
		e.shared[name] = m
	}
	setAllocation(e.spec, e.base.allocatesSafely)
	makeLazy(e.spec, e.base.full)
	e.base.replacements(e.spec)
	for name, s := range e.spec.Maps {
		if ownMaps[name] || e.shared[name] != nil || strings.HasPrefix(name, ".") {
			continue
		}
		m, err := ebpf.NewMap(s)
		if err != nil {
			return fmt.Errorf("map %s: %w", name, err)
		}
		e.shared[name] = m
	}
	return nil
}

// newCollection loads an object's programs with maps that exist already.
func (e *Engine) newCollection(spec *ebpf.CollectionSpec, maps map[string]*ebpf.Map) (*ebpf.Collection, error) {
	return ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
		MapReplacements: maps, Programs: e.base.programs, Cache: e.offer.TypeCache(),
	})
}

// abiConfig is the ABI as the programs of a kind of hooks take it.
func (e *Engine) abiConfig(kind compile.HookKind) bpf.SyscallABI {
	abi := bpf.SyscallABI{
		Args: e.abi.Args, Number: e.abi.Number, CompatStatus: e.abi.CompatStatus,
		Fcntl:  callNumber(e.abi.Name, "fcntl"),
		Params: e.abi.Params, Result: e.abi.Result, Stack: e.abi.Stack, Popped: e.abi.Popped,
		KernelBit: e.abi.KernelBit, X32Bit: e.abi.X32Bit,
	}
	if kind == compile.HookCompatSyscall {
		abi.Args, abi.Compat = e.abi.CompatArgs, 1
	}
	return abi
}

// noCall is the number of no system call.
const noCall = ^uint32(0)

// callNumber is the number of a system call; an ABI need not have it.
func callNumber(abi, name string) uint32 {
	if nr, ok := syscalls.Number(abi, name); ok {
		return nr
	}
	return noCall
}

func (e *Engine) formatOf(name string) (*kernel.Format, error) {
	if e.tracefs == nil {
		return nil, fmt.Errorf("tracepoint %q: %w", name, &kernel.MissingError{Feature: "tracefs", Option: "CONFIG_FTRACE"})
	}
	subsystem, event, ok := strings.Cut(name, "/")
	if !ok {
		return nil, fmt.Errorf("tracepoint %q: no subsystem", name)
	}
	return e.tracefs.Format(subsystem, event)
}

// sameRules reports whether two compilations of a hook are the same: only the number of the policy that a group belongs to may differ.
func sameRules(a, b *compile.Hook) bool {
	x, y := rulesOf(a), rulesOf(b)
	return reflect.DeepEqual(&x, &y)
}

// rulesOf is a hook without what says whose it is and how it is attached.
func rulesOf(h *compile.Hook) compile.Hook {
	out := *h
	out.Groups, out.Many, out.NoMulti = anonymous(h.Groups), false, false
	return out
}

func anonymous(groups []compile.Group) []compile.Group {
	out := make([]compile.Group, len(groups))
	for i, g := range groups {
		g.Policy = 0
		out[i] = g
	}
	return out
}

func (e *Engine) idOf(key compile.HookKey) (uint32, error) {
	if id, ok := e.ids[key]; ok {
		return id, nil
	}
	for id := e.lastID%(maxHooks-1) + 1; len(e.ids) < maxHooks-1; id = id%(maxHooks-1) + 1 {
		if !e.idTaken[id] {
			e.ids[key], e.idTaken[id], e.lastID = id, true, id
			return id, nil
		}
	}
	return 0, fmt.Errorf("there are %d hooks already, the most that are supported", maxHooks-1)
}

// forgetIDs frees the numbers of hooks that are not kept, but for those that
// the dispatchers of kprobe_multi can still meet.
func (e *Engine) forgetIDs(keep map[compile.HookKey]*installed) {
	for key, id := range e.ids {
		if keep[key] == nil && !e.multi.holds(key) {
			delete(e.ids, key)
			e.idTaken[id] = false
		}
	}
}

// Close takes all hooks out of force and gives everything up but the base.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, h := range e.hooks {
		errs = append(errs, h.post.close())
	}
	for p := range e.users() {
		e.closeProgram(p)
	}
	errs = append(errs, e.dispatch.close(), e.multi.closeUnused(nil), e.enforcer.close(), e.guards.close(), e.runs.close())
	e.hooks = map[compile.HookKey]*installed{}
	for name, m := range e.shared {
		if e.base.shared[name] == nil {
			errs = append(errs, m.Close())
		}
	}
	return errors.Join(errs...)
}
