// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/vedette-io/vedette/internal/compile"
)

// change is what a new plan does to one hook.
type change struct {
	old  *installed // nil for a new hook
	next *installed
	// write are the tables that must be written before next acts, nil if
	// nothing changes; at is the half of next's program where they go.
	write *tables
	at    half
	// freshPost and freshProgram say what next does not share with old.
	freshPost, freshProgram bool
}

// Apply makes a plan the one in force. All programs are loaded and all tables
// written before the first of them acts; if one cannot be, nothing changes
// and the error names its hook. announce is called with all hooks of the plan
// before any new one acts, so that their records can be understood. policies
// names the plan's policies for the counters.
func (e *Engine) Apply(plan *compile.Plan, policies []string, announce func([]Loaded)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.files.close()
	processGeneration, err := e.process.prepare(plan.Process)
	if err != nil {
		return err
	}
	var changes []*change
	for _, h := range plan.Hooks {
		c, err := e.change(h, ownersOf(h, policies), processGeneration)
		if err != nil {
			return e.discard(changes, fmt.Errorf("hook %q: %w", h.Key.Name, err))
		}
		changes = append(changes, c)
	}
	if err := e.writeTables(changes); err != nil {
		return e.discard(changes, err)
	}
	if err := e.guards.open(changes); err != nil {
		return e.discard(changes, err)
	}
	announce(loadedOf(changes))
	if err := e.activate(changes); err != nil {
		return e.discard(changes, err)
	}
	e.process.commit(plan.Process, processGeneration)
	if err := e.commit(changes); err != nil {
		// The plan is in force all the same.
		e.log.Warn("what policies have left behind is not all cleaned up", "error", err)
	}
	return nil
}

// change prepares what a plan wants of one hook. Nothing acts yet.
func (e *Engine) change(h *compile.Hook, owners []string, processGeneration uint32) (*change, error) {
	places, err := e.places(h)
	if err != nil {
		return nil, err
	}
	old := e.hooks[h.Key]
	id, err := e.idOf(h.Key)
	if err != nil {
		return nil, err
	}
	var failed attachErrors
	for _, c := range places {
		if err := e.unusable[c.key(h)]; err != nil {
			failed.add(c.attachment, err)
			continue
		}
		p, err := c.settle()
		if err != nil {
			failed.add(c.attachment, err)
			continue
		}
		if old != nil && p.attachment == old.post.place.attachment && p.function == old.post.place.function && (old.post.place.hashes || !p.hashes) {
			return e.changeAt(old, p, h, owners, processGeneration)
		}
		next, err := e.install(h, id, p)
		if err != nil {
			err = c.explain(err)
			failed.add(p.attachment, err)
			if old != nil {
				// It will not be better with the next change of the hook's policies.
				e.unusable[c.key(h)] = err
			}
			continue
		}
		return &change{
			old: old, next: next, write: e.tablesOf(h, owners, processGeneration), freshPost: true, freshProgram: true,
		}, nil
	}
	return nil, &failed
}

func (e *Engine) tablesOf(h *compile.Hook, owners []string, processGeneration uint32) *tables {
	e.next++
	return &tables{hook: h, generation: e.next, processGeneration: processGeneration, owners: owners}
}

// changeAt changes a hook whose dispatcher stays.
func (e *Engine) changeAt(old *installed, p place, h *compile.Hook, owners []string, processGeneration uint32) (*change, error) {
	next := *old
	next.hook, next.place = h, p
	c := &change{old: old, next: &next}
	s, err := e.shapeAt(h, old.id, p)
	if err != nil {
		return nil, err
	}
	now := old.program.tables()
	if s == old.program.shape && now.processGeneration == processGeneration && slices.Equal(now.owners, owners) && sameRules(now.hook, h) {
		return c, nil
	}
	c.write = e.tablesOf(h, owners, processGeneration)
	if s == old.program.shape {
		c.at = old.program.current.other()
		return c, nil
	}
	if needsReturns(s, p) {
		if err := e.seeReturns(old.post); err != nil {
			return nil, err
		}
	}
	if next.program, err = e.load(h, s, old.program.returnSlot^1); err != nil {
		return nil, fmt.Errorf("%s: %w", string(p.attachment), err)
	}
	c.freshProgram = true
	return c, nil
}

// needsReturns reports whether a hook's returns must be seen.
func needsReturns(s shape, p place) bool {
	return s.hasReturn || len(p.guards) != 0 && p.endsVerdicts()
}

// install loads a hook's program and puts a dispatcher at its place, which
// leads nowhere yet.
func (e *Engine) install(h *compile.Hook, id uint32, p place) (*installed, error) {
	s, err := e.shapeAt(h, id, p)
	if err != nil {
		return nil, err
	}
	prog, err := e.load(h, s, id*2)
	if err != nil {
		return nil, err
	}
	t, err := e.stand(h.Key, id, p, needsReturns(s, p))
	if err != nil {
		prog.close()
		return nil, err
	}
	return &installed{hook: h, id: id, place: p, post: t, program: prog}, nil
}

// shapeAt is the shape of a hook's program at a place.
func (e *Engine) shapeAt(h *compile.Hook, id uint32, p place) (shape, error) {
	l, err := e.layoutAt(h, p)
	if err != nil {
		return shape{}, err
	}
	if l.writes, err = e.writesOf(h, p.target, l.slots); err != nil {
		return shape{}, err
	}
	return shapeOf(h, id, p, l)
}

// layoutAt is how a hook's program gets its arguments at a place.
func (e *Engine) layoutAt(h *compile.Hook, p place) (layout, error) {
	switch {
	case h.Key.Kind == compile.HookUSDT:
		return e.probeLayout(h, p.target)
	case p.attachment == AttachTracepoint:
		format, err := e.formatOf(p.function)
		if err != nil {
			return layout{}, err
		}
		slots, err := fieldSlots(h.Slots, format)
		return layout{slots: slots, rawArgs: rawArgs(h.Slots)}, err
	}
	return layout{slots: rawSlots(h.Slots), rawArgs: rawArgs(h.Slots)}, nil
}

// writeTables fills the halves that the changes need. Halves that hold older
// tables are taken out of use first, and given the time in which every run
// that has begun with them ends.
func (e *Engine) writeTables(changes []*change) error {
	var reused []*change
	var held []*tables
	for _, c := range changes {
		p := c.next.program
		if c.write == nil || c.freshProgram || p.written[c.at] == nil {
			continue
		}
		reused, held = append(reused, c), append(held, p.halves[c.at])
		if err := p.retire(c.at); err != nil {
			return err
		}
	}
	if len(reused) != 0 {
		if err := e.runs.wait(); err != nil {
			return err
		}
	}
	for i, c := range reused {
		if held[i] != nil {
			c.next.program.retain(c.at, held[i], e.addTotal)
		}
	}
	for _, c := range changes {
		if c.write == nil {
			continue
		}
		if err := c.next.program.write(c.at, c.write); err != nil {
			return err
		}
		if c.freshProgram {
			c.next.program.current = c.at
		}
	}
	return nil
}

// activate lets the changes act. If one cannot, what acted before acts again.
func (e *Engine) activate(changes []*change) error {
	for i, c := range changes {
		err := c.activate()
		if err == nil {
			continue
		}
		for _, done := range changes[:i+1] {
			err = errors.Join(err, done.revert())
		}
		return err
	}
	return nil
}

// activate is the one store that makes a change act.
func (c *change) activate() error {
	switch {
	case c.write == nil:
		return nil
	case !c.freshProgram:
		return c.next.program.use(c.at)
	}
	if err := c.next.post.lead(c.next.program); err != nil {
		return err
	}
	if c.freshPost && c.old != nil {
		// The attachment itself changes: for a moment both act, so that none is missed.
		return c.old.post.dismiss()
	}
	return nil
}

// revert undoes activate.
func (c *change) revert() error {
	switch {
	case c.write == nil:
		return nil
	case !c.freshProgram:
		return c.next.program.use(c.at.other())
	case c.old != nil:
		return c.old.post.lead(c.old.program)
	}
	return c.next.post.dismiss()
}

// discard gives up what changes have made that do not come to act.
func (e *Engine) discard(changes []*change, err error) error {
	for _, c := range changes {
		if c.freshPost {
			err = errors.Join(err, c.next.post.close())
		}
		if c.freshProgram {
			c.next.program.close()
		}
	}
	e.forgetIDs(e.hooks)
	return errors.Join(err, e.dispatch.closeUnused(e.hooks), e.guards.closeUnused(e.hooks))
}

// commit makes the changes those in force, and gives up what they replace.
// Its errors are of cleaning up only.
func (e *Engine) commit(changes []*change) error {
	next := make(map[compile.HookKey]*installed, len(changes))
	var gone []*installed // what is given up, or parts of it
	for _, c := range changes {
		next[c.next.hook.Key] = c.next
		if c.old != nil && (c.freshProgram || c.freshPost) {
			gone = append(gone, c.old)
		}
	}
	var errs []error
	for key, old := range e.hooks {
		if next[key] == nil {
			gone = append(gone, old)
			errs = append(errs, old.post.dismiss())
		}
	}
	if len(gone) != 0 {
		errs = append(errs, e.giveUp(gone, next))
	}
	for key := range e.unusable {
		if next[key.hook] == nil {
			delete(e.unusable, key)
		}
	}
	e.hooks = next
	e.forgetIDs(next)
	errs = append(errs, e.dispatch.closeUnused(next), e.guards.closeUnused(next))
	return errors.Join(errs...)
}

// giveUp closes what no hook needs any more, after the runs and the verdicts
// that still need it.
func (e *Engine) giveUp(gone []*installed, next map[compile.HookKey]*installed) error {
	errs := []error{e.runs.wait()}
	guarded := map[uint32]bool{}
	for _, old := range gone {
		now := next[old.hook.Key]
		if len(old.place.guards) != 0 && (now == nil || len(now.place.guards) == 0) {
			guarded[old.id] = true
		}
	}
	if len(guarded) != 0 {
		errs = append(errs, e.guards.settle(guarded))
	}
	for _, old := range gone {
		now := next[old.hook.Key]
		if now == nil || now.program != old.program {
			e.retainAll(old.program)
			old.program.close()
		}
		if now == nil || now.post != old.post {
			if old.post.coll != nil {
				e.skipped += skippedRuns(old.post.coll)
			}
			errs = append(errs, old.post.close())
		}
	}
	return errors.Join(errs...)
}

func loadedOf(changes []*change) []Loaded {
	out := make([]Loaded, 0, len(changes))
	for _, c := range changes {
		generation := uint32(0)
		if c.write != nil {
			generation = c.write.generation
		} else {
			generation = c.next.program.tables().generation
		}
		out = append(out, Loaded{
			Hook: c.next.hook, ID: c.next.id, Generation: generation,
			Attachment: c.next.place.attachment, Caveat: c.next.place.caveat, Offset: c.next.place.offset(),
		})
	}
	slices.SortFunc(out, func(a, b Loaded) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
