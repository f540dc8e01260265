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
	attempt *attempt
	old     *installed // nil for a new hook
	next    *installed
	shape   shape
	owners  []string
	// rewrite is what must be written before next acts, nil if nothing is.
	rewrite *rewrite
	// freshPost says that next does not share its dispatcher with old.
	freshPost bool
}

// rewrite is new rules for a program: for a fresh one, or for the half of its
// tables that is not in force. Several hooks can have the program.
type rewrite struct {
	program *program
	fresh   bool
	tables  *tables
	at      half
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
	if len(plan.Hooks) >= maxHooks {
		return fmt.Errorf("all policies together have %d hooks, the limit is %d", len(plan.Hooks), maxHooks-1)
	}
	var processGeneration uint32
	err := e.undisturbed(func() (err error) {
		processGeneration, err = e.process.prepare(plan.Process)
		return err
	})
	if err != nil {
		return err
	}
	changes, err := e.changes(plan, policies, processGeneration)
	if err != nil {
		return e.discard(changes, err)
	}
	if err := e.undisturbed(func() error { return e.writeTables(changes) }); err != nil {
		return e.discard(changes, err)
	}
	if err := e.guards.open(changes); err != nil {
		return e.discard(changes, err)
	}
	if err := e.enforcer.open(plan.Enforcers, changes); err != nil {
		return e.discard(changes, err)
	}
	announce(loadedOf(changes))
	if err := e.undisturbed(func() error { return activate(changes) }); err != nil {
		return e.discard(changes, err)
	}
	e.process.commit(plan.Process, processGeneration)
	if err := e.undisturbed(func() error { return e.commit(changes, plan.Enforcers) }); err != nil {
		// The plan is in force all the same.
		e.log.Warn("what policies have left behind is not all cleaned up", "error", err)
	}
	return nil
}

// changes prepares what a plan wants of all hooks. Nothing acts yet.
func (e *Engine) changes(plan *compile.Plan, policies []string, processGeneration uint32) ([]*change, error) {
	changes := make([]*change, 0, len(plan.Hooks))
	for _, h := range plan.Hooks {
		c, err := e.change(h, ownersOf(h, policies), processGeneration)
		if err != nil {
			return changes, fmt.Errorf("hook %q: %w", h.Key.Name, err)
		}
		changes = append(changes, c)
	}
	if err := e.retreat(changes, e.multi.join(changes)); err != nil {
		return changes, err
	}
	return changes, e.retreat(changes, e.share(changes, processGeneration))
}

func (e *Engine) tablesOf(h *compile.Hook, owners []string, processGeneration uint32) *tables {
	e.next++
	return &tables{hook: h, generation: e.next, processGeneration: processGeneration, owners: owners}
}

// changeAt changes a hook whose dispatcher stays.
func (e *Engine) changeAt(a *attempt, old *installed, p place) (*change, error) {
	next := *old
	next.hook, next.place = a.hook, p
	c := &change{attempt: a, old: old, next: &next, owners: a.owners}
	var err error
	if c.shape, err = e.shapeAt(a.hook, old.id, p); err != nil || p.attachment == AttachKprobeMulti {
		return c, err
	}
	now := old.program.tables()
	fits := c.shape == old.program.shape
	if fits && now.processGeneration == a.processGeneration && slices.Equal(now.owners, a.owners) && sameRules(now.hook, a.hook) {
		return c, nil
	}
	c.rewrite = &rewrite{program: old.program, tables: e.tablesOf(a.hook, a.owners, a.processGeneration), at: old.program.current.other()}
	if fits {
		return c, nil
	}
	if needsReturns(c.shape, p) {
		if err := e.seeReturns(old.post); err != nil {
			return nil, err
		}
	}
	if next.program, err = e.load(a.hook, c.shape, old.program.returnSlot^1); err != nil {
		return nil, fmt.Errorf("%s: %w", string(p.attachment), err)
	}
	c.rewrite.program, c.rewrite.fresh, c.rewrite.at = next.program, true, 0
	return c, nil
}

// needsReturns reports whether a hook's returns must be seen.
func needsReturns(s shape, p place) bool {
	return s.hasReturn || len(p.guards) != 0 && p.endsVerdicts()
}

// install prepares a hook at a place where it does not stand yet: its program
// and a dispatcher, which leads nowhere. At kprobe_multi both are found for
// all hooks together, later.
func (e *Engine) install(a *attempt, old *installed, p place) (*change, error) {
	s, err := e.shapeAt(a.hook, a.id, p)
	if err != nil {
		return nil, err
	}
	next := &installed{hook: a.hook, id: a.id, place: p}
	c := &change{attempt: a, old: old, next: next, shape: s, owners: a.owners, freshPost: true}
	if p.attachment == AttachKprobeMulti {
		next.post = &post{place: p, id: a.id, entry: a.id}
		return c, nil
	}
	if next.program, err = e.load(a.hook, s, e.returnBase(a.hook.Key, p)); err != nil {
		return nil, err
	}
	if next.post, err = e.stand(a.hook.Key, a.id, p, needsReturns(s, p)); err != nil {
		next.program.close()
		return nil, err
	}
	c.rewrite = &rewrite{program: next.program, fresh: true, tables: e.tablesOf(a.hook, a.owners, a.processGeneration)}
	return c, nil
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
		if h.Key.Kind == compile.HookRawTracepoint {
			format = numberFormat
		}
		slots, err := fieldSlots(h.Slots, format)
		return layout{slots: slots, rawArgs: rawArgs(h.Slots)}, err
	}
	slots := withAddressSizes(h)
	return layout{slots: rawSlots(slots), rawArgs: rawArgs(slots)}, nil
}

// rewritesOf are the rewrites of changes, each once.
func rewritesOf(changes []*change) []*rewrite {
	var all []*rewrite
	seen := map[*rewrite]bool{}
	for _, c := range changes {
		if c.rewrite != nil && !seen[c.rewrite] {
			seen[c.rewrite], all = true, append(all, c.rewrite)
		}
	}
	return all
}

// writeTables fills the halves that the changes need. Halves that hold older
// tables are taken out of use first, and given the time in which every run
// that has begun with them ends.
func (e *Engine) writeTables(changes []*change) error {
	var reused []*rewrite
	var held []*tables
	rewrites := rewritesOf(changes)
	for _, r := range rewrites {
		if r.fresh || r.program.written[r.at] == nil {
			continue
		}
		reused, held = append(reused, r), append(held, r.program.halves[r.at])
		if err := r.program.retire(r.at); err != nil {
			return err
		}
	}
	if len(reused) != 0 {
		if err := e.runs.wait(); err != nil {
			return err
		}
	}
	for i, r := range reused {
		if held[i] != nil {
			r.program.retain(r.at, held[i], e.addTotal)
		}
	}
	for _, r := range rewrites {
		if err := r.program.write(r.at, r.tables); err != nil {
			return err
		}
		if r.fresh {
			r.program.current = r.at
		}
	}
	return nil
}

// step is one store that makes a change act, and the one that undoes it.
type step struct {
	do, undo func() error
}

// activate lets the changes act. If one cannot, what acted before acts again.
func activate(changes []*change) error {
	steps := stepsOf(changes)
	for i, s := range steps {
		err := s.do()
		if err == nil {
			continue
		}
		for _, done := range slices.Backward(steps[:i+1]) {
			err = errors.Join(err, done.undo())
		}
		return err
	}
	return nil
}

// stepsOf are the steps of changes: first tables are switched, and then hooks
// are led to other programs, which have their rules by then.
func stepsOf(changes []*change) []step {
	var steps []step
	for _, r := range rewritesOf(changes) {
		if !r.fresh {
			steps = append(steps, step{
				func() error { return r.program.use(r.at) },
				func() error { return r.program.use(r.at.other()) },
			})
		}
	}
	for _, c := range changes {
		if c.leads() {
			steps = append(steps, step{c.lead, c.unlead})
		}
	}
	return steps
}

// leads reports whether the hook is led to another program.
func (c *change) leads() bool { return c.freshPost || c.next.program != c.old.program }

func (c *change) lead() error {
	if err := c.next.post.lead(c.next.program); err != nil {
		return err
	}
	if c.freshPost && c.old != nil {
		// The attachment itself changes: for a moment both act, so that none is missed.
		return c.old.post.dismiss()
	}
	return nil
}

func (c *change) unlead() error {
	if c.old != nil {
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
	}
	for _, r := range rewritesOf(changes) {
		if r.fresh {
			e.closeProgram(r.program)
		}
	}
	err = errors.Join(err, e.enforcer.settle(e.enforcer.inForce), e.dispatch.closeUnused(e.hooks), e.multi.closeUnused(e.hooks), e.guards.closeUnused(e.hooks))
	e.forgetIDs(e.hooks)
	return err
}

// commit makes the changes those in force, and gives up what they replace.
// Its errors are of cleaning up only.
func (e *Engine) commit(changes []*change, enforcers []compile.Enforcer) error {
	next := make(map[compile.HookKey]*installed, len(changes))
	var gone []*installed // what is given up, or parts of it
	for _, c := range changes {
		next[c.next.hook.Key] = c.next
		if c.old != nil && c.leads() {
			gone = append(gone, c.old)
		}
	}
	errs := []error{e.multi.forgetRetired()}
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
	errs = append(errs, e.enforcer.settle(enforcers), e.dispatch.closeUnused(next), e.multi.closeUnused(next), e.guards.closeUnused(next))
	e.forgetIDs(next)
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
	kept := map[*program]bool{}
	for _, h := range next {
		kept[h.program] = true
	}
	for _, old := range gone {
		now := next[old.hook.Key]
		if !kept[old.program] {
			kept[old.program] = true // others may have shared it
			e.retainAll(old.program)
			e.closeProgram(old.program)
		}
		if now == nil || now.post != old.post {
			if old.post.coll != nil {
				e.skipped += skippedRuns(old.post.coll)
				e.missed += old.post.missedReturns()
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
		if c.rewrite != nil {
			generation = c.rewrite.tables.generation
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
