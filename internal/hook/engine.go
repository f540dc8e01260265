// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/syscalls"
)

// maxHooks is how many hooks there can be at once: the size of vd_active, and
// half that of vd_return_programs.
const maxHooks = 2048

// Engine keeps the kernel's programs in step with a plan. Its methods may be
// called from any goroutine; changes happen one after the other.
type Engine struct {
	base    *Base
	spec    *ebpf.CollectionSpec
	shared  map[string]*ebpf.Map
	lazy    map[string]uint32 // full sizes of the shared maps that nothing has used yet
	abi     kernel.SyscallABI
	tracefs *kernel.Tracefs

	mu       sync.Mutex
	hooks    map[compile.HookKey]*program
	ids      map[compile.HookKey]uint32
	next     uint32 // generation
	process  processClasses
	dispatch dispatcher
	totals   map[RuleKey]Counters
}

// Loaded is a hook whose program is about to act, or acts.
type Loaded struct {
	Hook           *compile.Hook
	ID, Generation uint32
	Attachment     Attachment
}

// NewEngine prepares hooks on top of a base, which it does not own. tracefs
// may be nil; then there are no tracepoints by format.
func NewEngine(base *Base, tracefs *kernel.Tracefs) (*Engine, error) {
	abi, err := kernel.NativeABI()
	if err != nil {
		return nil, err
	}
	spec, err := bpf.LoadHook()
	if err != nil {
		return nil, fmt.Errorf("hook programs: %w", err)
	}
	e := &Engine{
		base: base, spec: spec, abi: abi, tracefs: tracefs, shared: map[string]*ebpf.Map{}, lazy: map[string]uint32{},
		hooks: map[compile.HookKey]*program{}, ids: map[compile.HookKey]uint32{}, totals: map[RuleKey]Counters{},
	}
	e.process.base = base
	if err := e.makeShared(); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// makeShared makes the maps that all hooks share and takes those of the base.
func (e *Engine) makeShared() error {
	e.spec.Maps["vd_hook_scratch"].MaxEntries = scratchEntries()
	setAllocation(e.spec, e.base.allocatesSafely)
	for name, m := range e.base.shared {
		e.shared[name] = m
		if s, ok := e.spec.Maps[name]; ok {
			s.MaxEntries, s.Flags = m.MaxEntries(), m.Flags()
		}
	}
	for name, s := range e.spec.Maps {
		if ownMaps[name] || e.shared[name] != nil || strings.HasPrefix(name, ".") {
			continue
		}
		e.lazySize(name, s)
		m, err := ebpf.NewMap(s)
		if err != nil {
			return fmt.Errorf("map %s: %w", name, err)
		}
		e.shared[name] = m
	}
	return nil
}

func (e *Engine) abiConfig() bpf.SyscallABI {
	return bpf.SyscallABI{
		Args: e.abi.Args, Number: e.abi.Number, CompatStatus: e.abi.CompatStatus,
		Fcntl: callNumber(e.abi.Name, "fcntl"), Dup2: callNumber(e.abi.Name, "dup2"),
	}
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

// Apply makes a plan the one in force. All programs are loaded before the
// first of them acts; if one cannot be, nothing changes and the error names
// its hook. announce is called with all hooks of the plan before any new one
// acts, so that their records can be understood. policies names the plan's
// policies for the counters.
func (e *Engine) Apply(plan *compile.Plan, policies []string, announce func([]Loaded)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	processGeneration, err := e.process.prepare(plan.Process)
	if err != nil {
		return err
	}
	next := make(map[compile.HookKey]*program, len(plan.Hooks))
	var fresh []*program
	discard := func(err error) error {
		for _, p := range fresh {
			err = errors.Join(err, p.close())
		}
		e.forgetIDs(e.hooks)
		return errors.Join(err, e.dispatch.closeUnused(e.hooks))
	}
	for _, h := range plan.Hooks {
		owners := ownersOf(h, policies)
		if old := e.hooks[h.Key]; old != nil && old.target.processGeneration == processGeneration &&
			slices.Equal(old.owners, owners) && sameProgram(old.hook, h) {
			kept := *old
			kept.hook = h
			next[h.Key] = &kept
			continue
		}
		p, err := e.loadNext(h, processGeneration, owners)
		if err != nil {
			return discard(err)
		}
		fresh = append(fresh, p)
		next[h.Key] = p
	}
	if err := e.attach(fresh); err != nil {
		return discard(err)
	}
	announce(loadedOf(next))
	if err := e.activateAll(fresh); err != nil {
		return discard(err)
	}
	e.process.commit(plan.Process, processGeneration)
	return e.flip(next)
}

// activateAll lets the fresh programs act in place of the old ones, one store
// each. If one cannot be, the old ones act again.
func (e *Engine) activateAll(fresh []*program) error {
	for i, p := range fresh {
		err := e.activate(p)
		if err == nil {
			continue
		}
		for _, done := range fresh[:i] {
			if old := e.hooks[done.hook.Key]; old != nil {
				err = errors.Join(err, e.activate(old))
			} else {
				err = errors.Join(err, e.deactivate(done))
			}
		}
		return err
	}
	return nil
}

// loadNext loads a hook's next generation.
func (e *Engine) loadNext(h *compile.Hook, processGeneration uint32, owners []string) (*program, error) {
	id, err := e.idOf(h.Key)
	if err != nil {
		return nil, err
	}
	e.next++
	return e.load(h, target{
		id: id, generation: e.next, processGeneration: processGeneration,
		returnSlot: e.returnSlot(h.Key, id),
	}, owners)
}

// returnSlot is the one of a hook's two slots for return programs that its
// program in force does not use: calls under way return to the old one.
func (e *Engine) returnSlot(key compile.HookKey, id uint32) uint32 {
	if old := e.hooks[key]; old != nil && old.target.returnSlot == id*2 {
		return id*2 + 1
	}
	return id * 2
}

// sameProgram reports whether two compilations of a hook need the same
// program: only the number of the policy that a group belongs to may differ.
func sameProgram(a, b *compile.Hook) bool {
	x, y := *a, *b
	x.Groups, y.Groups = anonymous(a.Groups), anonymous(b.Groups)
	return reflect.DeepEqual(&x, &y)
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
	used := map[uint32]bool{}
	for _, id := range e.ids {
		used[id] = true
	}
	for id := uint32(1); id < maxHooks; id++ {
		if !used[id] {
			e.ids[key] = id
			return id, nil
		}
	}
	return 0, fmt.Errorf("hook %q: there are %d hooks already, the most that are supported", key.Name, maxHooks-1)
}

func (e *Engine) forgetIDs(keep map[compile.HookKey]*program) {
	for key := range e.ids {
		if keep[key] == nil {
			delete(e.ids, key)
		}
	}
}

func loadedOf(hooks map[compile.HookKey]*program) []Loaded {
	out := make([]Loaded, 0, len(hooks))
	for _, p := range hooks {
		out = append(out, Loaded{Hook: p.hook, ID: p.target.id, Generation: p.target.generation, Attachment: p.attachment})
	}
	return out
}

// attach attaches programs that have a place of their own. They stay dormant
// until their generation is the active one.
func (e *Engine) attach(fresh []*program) error {
	for _, p := range fresh {
		var err error
		switch p.attachment {
		case AttachSysEnter:
			err = e.dispatch.open(e, p.hook.HasReturn)
		case AttachSysExit:
			p.link, err = link.AttachTracing(link.TracingOptions{Program: p.coll.Programs[progFDInstall]})
		case AttachTracepoint:
			p.link, err = e.attachTracepoint(p)
		case AttachRawTracepoint:
			p.link, err = link.AttachRawTracepoint(link.RawTracepointOptions{
				Name: p.hook.Key.Name, Program: p.coll.Programs[progRawTracepoint],
			})
		}
		if err != nil {
			return fmt.Errorf("hook %q: attach: %w", p.hook.Key.Name, err)
		}
	}
	return nil
}

func (e *Engine) attachTracepoint(p *program) (io.Closer, error) {
	format, err := e.formatOf(p.hook.Key.Name)
	if err != nil {
		return nil, err
	}
	return attachPerfTracepoint(format.ID, p.coll.Programs[progTracepoint])
}

// flip makes the programs that act now those in force, and gives the old ones
// up. Its errors are of cleaning up only.
func (e *Engine) flip(next map[compile.HookKey]*program) error {
	var errs []error
	old := e.hooks
	for key, p := range old {
		now := next[key]
		if now != nil && now.target.generation == p.target.generation {
			continue
		}
		e.retain(p)
		if now == nil {
			errs = append(errs, e.deactivate(p))
		}
		errs = append(errs, p.close())
	}
	e.hooks = next
	e.forgetIDs(next)
	errs = append(errs, e.dispatch.closeUnused(next))
	return errors.Join(errs...)
}

// activate is the one store that makes a program the acting one.
func (e *Engine) activate(p *program) error {
	if p.attachment != AttachSysEnter {
		return wrapStore(p, e.shared["vd_active"].Put(p.target.id, p.target.generation))
	}
	if ret := p.coll.Programs[progReturn]; ret != nil {
		if err := e.dispatch.returns.Put(p.target.returnSlot, ret); err != nil {
			return wrapStore(p, err)
		}
	}
	return wrapStore(p, e.dispatch.enters.Put(p.syscall, p.coll.Programs[progEnter]))
}

// deactivate takes a hook that is in no policy any more out of force.
func (e *Engine) deactivate(p *program) error {
	if p.attachment != AttachSysEnter {
		return wrapStore(p, e.shared["vd_active"].Put(p.target.id, uint32(0)))
	}
	err := e.dispatch.enters.Delete(p.syscall)
	for slot := p.target.id * 2; slot <= p.target.id*2+1; slot++ {
		if e2 := e.dispatch.returns.Delete(slot); e2 != nil && !errors.Is(e2, ebpf.ErrKeyNotExist) {
			err = errors.Join(err, e2)
		}
	}
	return wrapStore(p, err)
}

func wrapStore(p *program, err error) error {
	if err != nil {
		return fmt.Errorf("hook %q: switch: %w", p.hook.Key.Name, err)
	}
	return nil
}

// Close takes all hooks out of force and gives everything up but the base.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	errs = append(errs, e.dispatch.close())
	for _, p := range e.hooks {
		errs = append(errs, p.close())
	}
	e.hooks = map[compile.HookKey]*program{}
	for name, m := range e.shared {
		if e.base.shared[name] == nil {
			errs = append(errs, m.Close())
		}
	}
	return errors.Join(errs...)
}
