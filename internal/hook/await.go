// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/vedette-io/vedette/bpf"
)

// CallPatience is how long the kernel side waits at least for the return of a
// call. Some never come: of functions that do not return, of a thread's that
// ends within them, and those that the kernel missed.
const CallPatience = 10 * time.Minute

// SweepCalls makes the kernel side wait no longer for the returns of calls
// that began more than [CallPatience] before now, in nanoseconds since boot.
func (e *Engine) SweepCalls(now uint64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now < uint64(CallPatience) {
		return nil
	}
	began := now - uint64(CallPatience)
	return e.undisturbed(func() error {
		if err := sweep[bpf.CallKey](e.shared["vd_calls"], began); err != nil {
			return err
		}
		return sweep[uint64](e.shared["vd_pending"], began)
	})
}

// sweep deletes the calls that began earlier.
func sweep[K comparable](m *ebpf.Map, began uint64) error {
	var old []K
	var key K
	var call bpf.Pending
	it := m.Iterate()
	for it.Next(&key, &call) {
		if call.Pair < began {
			old = append(old, key)
		}
	}
	// Where calls come and go too fast, some are left for the next sweep.
	if err := it.Err(); err != nil && !errors.Is(err, ebpf.ErrIterationAborted) {
		return fmt.Errorf("calls that await their return: %w", err)
	}
	for _, key := range old {
		if err := ignoreMissing(m.Delete(key)); err != nil {
			return fmt.Errorf("calls that await their return: %w", err)
		}
	}
	return nil
}

// retprobes is how many calls of a function can be under way at once for a
// kretprobe to see their returns: the most that the kernel allows
// (KRETPROBE_MAXACTIVE_MAX, kernel/trace/trace_kprobe.c), some 64 bytes each.
// By default it is twice the number of processors, at least 10.
const retprobes = 4096

// avoidMulti puts a probe of its own before one by fprobe, for a hook with a
// return: until 6.14 fprobe sees the returns of no more calls at once than
// twice the number of processors (kernel/trace/fprobe.c, fprobe_init_rethook),
// and nothing can be done about it.
func avoidMulti(all []candidate) {
	at := func(a Attachment) int {
		return slices.IndexFunc(all, func(c candidate) bool { return c.attachment == a })
	}
	if multi, own := at(AttachKprobeMulti), at(AttachKprobe); multi >= 0 && own > multi {
		all[multi], all[own] = all[own], all[multi]
	}
}

// attachKretprobe attaches a program to the returns of a function. Only
// tracefs takes a number of calls: without it the default has to do.
func attachKretprobe(function string, p *ebpf.Program) (link.Link, error) {
	l, err := link.Kretprobe(function, p, &link.KprobeOptions{RetprobeMaxActive: retprobes})
	if err == nil {
		return l, nil
	}
	return link.Kretprobe(function, p, nil)
}

// missedReturns is how many returns the kernel missed because too many calls
// were under way at once, as far as it tells: since 6.7.
func (t *post) missedReturns() uint64 {
	l, ok := t.returnLink.(link.Link)
	if !ok {
		return 0
	}
	info, err := l.Info()
	if err != nil {
		return 0
	}
	if multi := info.KprobeMulti(); multi != nil {
		return multi.Missed
	}
	if event := info.PerfEvent(); event != nil && event.Kprobe() != nil {
		return event.Kprobe().Missed
	}
	return 0
}
