// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
)

// multi is what stands at all functions that are hooked by kprobe_multi: one
// pair of dispatchers, and for the functions of a change of plans one link.
type multi struct {
	engine           *Engine
	coll             *ebpf.Collection
	entries, returns *ebpf.Map
	links            []*multiLink
	// slots are the keys of returns that programs have.
	slots map[uint32]bool
	// retired are those of programs that the last plan has given up.
	retired []uint32
}

// multiLink is one link. A function stays attached by it, and leads nowhere
// where no plan wants it any more, until none of them is wanted.
type multiLink struct {
	link    link.Link
	returns bool
	hooks   map[compile.HookKey]bool
}

// load makes the dispatchers.
func (m *multi) load() error {
	if m.coll != nil {
		return nil
	}
	if err := m.engine.provide(bpf.HookConfig{Features: uint32(bpf.ContractVdHookFeatureVD_FEATURE_FRAMES)}); err != nil {
		return err
	}
	spec, err := bpf.LoadMulti()
	if err != nil {
		return fmt.Errorf("dispatchers: %w", err)
	}
	spec.Maps["vd_multi_entries"].MaxEntries, spec.Maps["vd_multi_returns"].MaxEntries = maxHooks, maxHooks
	abi := m.engine.abi
	if err := errors.Join(spec.Variables["vd_stack"].Set(abi.Stack), spec.Variables["vd_popped"].Set(abi.Popped)); err != nil {
		return fmt.Errorf("dispatchers: %w", err)
	}
	if m.coll, err = m.engine.newCollection(spec, m.engine.base.replacements(spec)); err != nil {
		return fmt.Errorf("dispatchers: %w", err)
	}
	m.entries, m.returns = m.coll.Maps["vd_multi_entries"], m.coll.Maps["vd_multi_returns"]
	m.slots = map[uint32]bool{}
	return nil
}

// attached reports whether a link has the function of a hook.
func (m *multi) attached(key compile.HookKey, returns bool) bool {
	return slices.ContainsFunc(m.links, func(l *multiLink) bool { return l.returns == returns && l.hooks[key] })
}

// holds reports whether the number of a hook is in the cookies of a link.
func (m *multi) holds(key compile.HookKey) bool {
	return m.attached(key, false) || m.attached(key, true)
}

// join sees to it that the functions of all changes at kprobe_multi are
// attached. It returns those that cannot be. Returns come before entries: no
// entry is to wait for a return that is not seen.
func (m *multi) join(changes []*change) map[*change]error {
	var all []*change
	for _, c := range changes {
		if c.next.place.attachment == AttachKprobeMulti {
			all = append(all, c)
		}
	}
	failed := map[*change]error{}
	for _, returns := range []bool{true, false} {
		var missing []*change
		for _, c := range all {
			wanted := !returns || needsReturns(c.shape, c.next.place)
			if wanted && failed[c] == nil && !m.attached(c.next.hook.Key, returns) {
				missing = append(missing, c)
			}
		}
		m.attach(missing, returns, failed)
	}
	for _, c := range all {
		c.next.post.entries, c.next.post.returns = m.entries, m.returns
	}
	return failed
}

// attach attaches functions by one link. Those that cannot be are put into failed.
func (m *multi) attach(changes []*change, returns bool, failed map[*change]error) {
	if len(changes) == 0 {
		return
	}
	slices.SortFunc(changes, func(a, b *change) int { return cmp.Compare(a.next.place.function, b.next.place.function) })
	l, err := m.open(changes, returns)
	if err != nil {
		changes = m.without(changes, returns, failed)
		l, err = m.open(changes, returns)
	}
	if err == nil && l.blameTwins(changes, failed) {
		err = l.link.Close()
		changes = filter(changes, failed)
		if err == nil {
			l, err = m.open(changes, returns)
		}
	}
	if err != nil {
		blame(changes, err, failed)
		return
	}
	m.links = append(m.links, l)
}

// blameTwins blames functions that are at the same address as another one:
// the kernel tells only one of their cookies. Before 6.6 it does not tell
// addresses either.
func (l *multiLink) blameTwins(changes []*change, failed map[*change]error) bool {
	info, err := l.link.Info()
	if err != nil {
		return false
	}
	addresses, ok := info.KprobeMulti().Addresses()
	if !ok {
		return false
	}
	byCookie := make(map[uint64]*change, len(changes))
	for _, c := range changes {
		byCookie[c.next.cookie()] = c
	}
	found := false
	first := make(map[uint64]*change, len(addresses))
	for _, a := range addresses {
		c, other := byCookie[a.Cookie], first[a.Address]
		switch {
		case a.Address == 0 || c == nil:
		case other == nil:
			first[a.Address] = c
		default:
			failed[c] = fmt.Errorf("is the same function as %s", other.next.place.function)
			found = true
		}
	}
	return found
}

// blame says that functions cannot be attached.
func blame(changes []*change, err error, failed map[*change]error) {
	for _, c := range changes {
		failed[c] = err
	}
}

// without returns the functions that can be attached; the others are put
// into failed.
func (m *multi) without(changes []*change, returns bool, failed map[*change]error) []*change {
	feature := kernel.FeatureKprobeMulti
	if returns {
		feature = kernel.FeatureKretprobeMulti
	}
	if err := m.engine.offer.Check(feature); err != nil {
		blame(changes, err, failed)
		return nil
	}
	for _, c := range changes {
		// What the kernel's own lists say takes no attempt.
		if err := m.engine.offer.CheckKprobeMulti(c.next.place.function); err != nil {
			failed[c] = err
		}
	}
	changes = filter(changes, failed)
	m.search(changes, returns, failed)
	return filter(changes, failed)
}

// filter returns the changes that have not failed.
func filter(changes []*change, failed map[*change]error) []*change {
	return slices.DeleteFunc(slices.Clone(changes), func(c *change) bool { return failed[c] != nil })
}

// search finds the functions at fault by halves.
func (m *multi) search(changes []*change, returns bool, failed map[*change]error) {
	if len(changes) == 0 {
		return
	}
	l, err := m.open(changes, returns)
	switch {
	case err == nil:
		// The dispatchers lead nowhere from it: it was only tried.
		if err := l.link.Close(); err != nil {
			m.engine.log.Warn("a link that was tried cannot be closed", "error", err)
		}
	case len(changes) == 1:
		failed[changes[0]] = err
	default:
		m.search(changes[:len(changes)/2], returns, failed)
		m.search(changes[len(changes)/2:], returns, failed)
	}
}

// open makes one link for functions, sorted by their names: Linux 5.18 looks
// for them in that order, and would give the cookies of the given one.
func (m *multi) open(changes []*change, returns bool) (*multiLink, error) {
	if len(changes) == 0 {
		return nil, errors.New("no function is left to attach")
	}
	if err := m.load(); err != nil {
		return nil, err
	}
	var opts link.KprobeMultiOptions
	l := &multiLink{returns: returns, hooks: make(map[compile.HookKey]bool, len(changes))}
	for _, c := range changes {
		opts.Symbols = append(opts.Symbols, c.next.place.function)
		opts.Cookies = append(opts.Cookies, c.next.cookie())
		l.hooks[c.next.hook.Key] = true
	}
	var err error
	if returns {
		l.link, err = link.KretprobeMulti(m.coll.Programs["vd_at_multi_return"], opts)
	} else {
		l.link, err = link.KprobeMulti(m.coll.Programs["vd_at_multi"], opts)
	}
	if err != nil {
		return nil, fmt.Errorf("attach: %w", err)
	}
	return l, nil
}

// cookie tells the dispatchers at which hook they run.
func (h *installed) cookie() uint64 {
	c := uint64(h.id)
	if h.place.wrapper {
		c |= uint64(bpf.ContractVdCookieVD_COOKIE_WRAPPER)
	}
	return c
}

// takeSlot finds a key for a program's return.
func (m *multi) takeSlot() (uint32, error) {
	for slot := range uint32(maxHooks) {
		if !m.slots[slot] {
			m.slots[slot] = true
			return slot, nil
		}
	}
	return 0, fmt.Errorf("there are %d programs of returns already, the most that are supported", maxHooks)
}

// retireSlot gives up the key of a program that no hook leads to any more. The
// returns that it awaits it still gets, until the next plan.
func (m *multi) retireSlot(slot uint32) { m.retired = append(m.retired, slot) }

// forgetRetired makes the returns nobody's that programs await which an
// earlier plan has given up.
func (m *multi) forgetRetired() error {
	var errs []error
	for _, slot := range m.retired {
		delete(m.slots, slot)
		if m.returns == nil {
			continue
		}
		if err := ignoreMissing(m.returns.Delete(slot)); err != nil {
			errs = append(errs, fmt.Errorf("returns of kprobe.multi: %w", err))
		}
	}
	m.retired = nil
	return errors.Join(errs...)
}

// closeUnused closes the links of which no hook needs any function, and the
// dispatchers when there are none left.
func (m *multi) closeUnused(hooks map[compile.HookKey]*installed) error {
	entries, returns := map[compile.HookKey]bool{}, map[compile.HookKey]bool{}
	for key, h := range hooks {
		if h.place.attachment == AttachKprobeMulti {
			entries[key], returns[key] = true, needsReturns(h.program.shape, h.place)
		}
	}
	var errs []error
	m.links = slices.DeleteFunc(m.links, func(l *multiLink) bool {
		needed := entries
		if l.returns {
			needed = returns
		}
		for key := range l.hooks {
			if needed[key] {
				return false
			}
		}
		if l.returns {
			m.engine.missed += l.missed()
		} else {
			m.engine.skipped += l.missed()
		}
		errs = append(errs, l.link.Close())
		return true
	})
	if m.coll != nil && len(m.links) == 0 && len(entries) == 0 {
		m.engine.skipped += skippedRuns(m.coll)
		m.coll.Close()
		m.coll, m.entries, m.returns = nil, nil, nil
		m.slots, m.retired = nil, nil // the next dispatchers have their own
	}
	return errors.Join(errs...)
}

// skipped is how often the kernel did not run the dispatchers, as far as it
// is known.
func (m *multi) skipped() uint64 {
	if m.coll == nil {
		return 0
	}
	sum := skippedRuns(m.coll)
	for _, l := range m.links {
		if !l.returns {
			sum += l.missed()
		}
	}
	return sum
}

// missedReturns is how many returns the kernel missed, as far as it tells.
func (m *multi) missedReturns() uint64 {
	var sum uint64
	for _, l := range m.links {
		if l.returns {
			sum += l.missed()
		}
	}
	return sum
}

// missed is how often the functions of a link ran and the dispatcher was not
// even called, as for returns when too many are awaited (kernel/trace/fprobe.c,
// nmissed); told since 6.6.
func (l *multiLink) missed() uint64 {
	info, err := l.link.Info()
	if err != nil {
		return 0
	}
	return info.KprobeMulti().Missed
}

// memoryBytes is what the kernel holds for the dispatchers.
func (m *multi) memoryBytes() uint64 { return dispatcherBytes(m.coll, m.entries, m.returns) }
