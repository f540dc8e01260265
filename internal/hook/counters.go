// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"cmp"
	"fmt"
	"hash/fnv"

	"github.com/cilium/ebpf"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
)

// Counters say what a rule has done since its policy was loaded.
type Counters struct {
	Post, NoPost, Signal, MonitorSignal, RateLimited, Override, MonitorOverride, Set, MonitorSet uint64
	// Notify is how often an enforcer was notified.
	Notify, MonitorNotify uint64
}

// Add adds d to c.
func (c *Counters) Add(d Counters) {
	c.Post += d.Post
	c.NoPost += d.NoPost
	c.Signal += d.Signal
	c.MonitorSignal += d.MonitorSignal
	c.RateLimited += d.RateLimited
	c.Override += d.Override
	c.MonitorOverride += d.MonitorOverride
	c.Set += d.Set
	c.MonitorSet += d.MonitorSet
	c.Notify += d.Notify
	c.MonitorNotify += d.MonitorNotify
}

// RuleKey identifies a selector of a hook of a policy over all generations.
// The functions of a list have the same keys: what is counted is what the
// selector does at all of them.
type RuleKey struct {
	Policy string
	// Hook has the name of the list, "list:NAME", where the entry is on one.
	Hook     compile.HookKey
	Section  string
	Entry    int
	Selector uint16
}

// Compare orders keys by policy, hook, entry and selector.
func (k RuleKey) Compare(o RuleKey) int {
	return cmp.Or(
		cmp.Compare(k.Policy, o.Policy), cmp.Compare(k.Section, o.Section), cmp.Compare(k.Entry, o.Entry),
		cmp.Compare(k.Hook.Name, o.Hook.Name), cmp.Compare(k.Selector, o.Selector),
	)
}

// hash is a number for the key that no other key is likely to have: 64 bits
// of FNV-1a.
func (k RuleKey) hash() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%d\x00%s\x00%s\x00%d\x00%d", k.Policy, k.Hook.Kind, k.Hook.Name, k.Section, k.Entry, k.Selector)
	return h.Sum64()
}

// ruleKey is the key of a rule; owners are the names of the hook's groups'
// policies.
func ruleKey(h *compile.Hook, r compile.Rule, owners []string) RuleKey {
	g := h.Groups[r.Group]
	key := h.Key
	if g.List != "" {
		key.Name = g.List
	}
	return RuleKey{Policy: owners[r.Group], Hook: key, Section: g.Section, Entry: g.Entry, Selector: r.Selector}
}

// ownersOf are the names of the policies that a hook's groups belong to.
func ownersOf(h *compile.Hook, policies []string) []string {
	out := make([]string, len(h.Groups))
	for i, g := range h.Groups {
		if g.Policy < len(policies) {
			out[i] = policies[g.Policy]
		}
	}
	return out
}

// read tells the counters of one half, summed over all CPUs.
func (p *program) read(at half, t *tables, add func(RuleKey, Counters)) error {
	m := p.coll.Maps["vd_rule_counters"]
	for _, r := range t.hook.Rules {
		sum, err := countersAt(m, p.ruleRow(at, r.Bit))
		if err == nil && p.shape.actsAtReturn() {
			var returned Counters
			returned, err = countersAt(m, p.returnRow(at, r.Bit))
			sum.Add(returned)
		}
		if err != nil {
			return fmt.Errorf("counters of %s: %w", p.key.Name, err)
		}
		add(ruleKey(t.hook, r, t.owners), sum)
	}
	return nil
}

// countersAt reads the counters of a row, summed over all CPUs.
func countersAt(m *ebpf.Map, row uint32) (Counters, error) {
	var sum Counters
	var perCPU []bpf.RuleCounters
	if err := m.Lookup(row, &perCPU); err != nil {
		return sum, err
	}
	for _, c := range perCPU {
		sum.Add(Counters{
			Post: c.Post, NoPost: c.NoPost, Signal: c.Signal, MonitorSignal: c.MonitorSignal,
			RateLimited: c.RateLimited, Override: c.Override, MonitorOverride: c.MonitorOverride,
			Set: c.Set, MonitorSet: c.MonitorSet,
			Notify: c.Notify, MonitorNotify: c.MonitorNotify,
		})
	}
	return sum, nil
}

// retain keeps the counts of a half that is about to be given up.
func (p *program) retain(at half, t *tables, add func(RuleKey, Counters)) {
	// What cannot be read is lost with the half: nobody else knows it.
	_ = p.read(at, t, add)
}

// retainAll keeps the counts of a program that is about to be given up.
func (e *Engine) retainAll(p *program) {
	for at, t := range p.halves {
		if t != nil {
			p.retain(half(at), t, e.addTotal)
		}
	}
}

// disown makes the counts of a deleted policy, which the half that is not in
// force still has, nobody's.
func (p *program) disown(policy string) {
	t := p.halves[p.current.other()]
	if t == nil {
		return
	}
	for i, owner := range t.owners {
		if owner == policy {
			t.owners[i] = ""
		}
	}
}

func (e *Engine) addTotal(k RuleKey, c Counters) {
	if k.Policy == "" {
		return
	}
	sum := e.totals[k]
	sum.Add(c)
	e.totals[k] = sum
}

// Counters returns what every rule has done, those of earlier generations
// included.
func (e *Engine) Counters() (map[RuleKey]Counters, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make(map[RuleKey]Counters, len(e.totals))
	for k, c := range e.totals {
		out[k] = c
	}
	add := func(k RuleKey, c Counters) {
		if k.Policy == "" {
			return
		}
		sum := out[k]
		sum.Add(c)
		out[k] = sum
	}
	return out, e.undisturbed(func() error {
		for p := range e.users() {
			for at, t := range p.halves {
				if t == nil {
					continue
				}
				if err := p.read(half(at), t, add); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Forget drops the counts of a policy that has been deleted.
func (e *Engine) Forget(policy string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for k := range e.totals {
		if k.Policy == policy {
			delete(e.totals, k)
		}
	}
	for p := range e.users() {
		p.disown(policy)
	}
}

// MemoryBytes returns what the kernel holds for the programs and tables of a
// hook, in bytes; hooks are shared by policies. What hooks share is divided
// among them.
func (e *Engine) MemoryBytes() map[compile.HookKey]uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make(map[compile.HookKey]uint64, len(e.hooks))
	multi := map[compile.HookKey]bool{}
	for key, h := range e.hooks {
		out[key] = h.post.memoryBytes()
		if h.place.attachment == AttachKprobeMulti {
			multi[key] = true
		}
	}
	for p, hooks := range e.users() {
		each := p.memoryBytes() / uint64(len(hooks))
		for _, h := range hooks {
			out[h.hook.Key] += each
		}
	}
	dispatchers := e.multi.memoryBytes()
	for key := range multi {
		out[key] += dispatchers / uint64(len(multi))
	}
	return out
}

// KernelCounter is one of the kernel side's own counters.
type KernelCounter struct {
	Name  string
	Count uint64
}

// counterNames are the names of enum vd_counter, in its order.
var counterNames = [...]string{
	"lost_bulk", "lost_evidence", "process_map_full", "process_unknown", "scratch_busy", "pending_full",
	"follow_full", "arg_failed", "compat_syscall", "signal_failed", "exec_data_lost", "verdict_full",
	"return_late", "return_missed", "set_failed", "registers_failed", "skipped", "workload_map_full", "notice_missed",
}

// KernelCounters returns what the kernel side has counted, summed over all
// CPUs.
func (b *Base) KernelCounters() ([]KernelCounter, error) {
	out := make([]KernelCounter, len(counterNames))
	for i, name := range counterNames {
		var perCPU []uint64
		if err := b.shared["vd_counters"].Lookup(uint32(i), &perCPU); err != nil {
			return nil, fmt.Errorf("kernel counters: %w", err)
		}
		out[i].Name = name
		for _, n := range perCPU {
			out[i].Count += n
		}
	}
	return out, nil
}

// KernelCounters returns what the kernel side has counted, with the returns of
// functions that the kernel missed, and the runs of programs at hooks that it skipped: it does where a program is
// running already on the CPU, preempted (kernel/bpf/trampoline.c,
// __bpf_prog_enter_recur).
func (e *Engine) KernelCounters() ([]KernelCounter, error) {
	var out []KernelCounter
	err := e.undisturbed(func() (err error) {
		out, err = e.base.KernelCounters()
		return err
	})
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	skipped := &out[bpf.ContractVdCounterVD_COUNT_SKIPPED]
	skipped.Count += e.skipped + e.multi.skipped()
	for _, coll := range e.standing() {
		skipped.Count += skippedRuns(coll)
	}
	missed := &out[bpf.ContractVdCounterVD_COUNT_RETURN_MISSED]
	missed.Count += e.missed + e.multi.missedReturns()
	for _, h := range e.hooks {
		missed.Count += h.post.missedReturns()
	}
	return out, nil
}

// standing are the programs that the kernel itself calls, but for those at
// kprobe_multi.
func (e *Engine) standing() []*ebpf.Collection {
	all := []*ebpf.Collection{e.base.process}
	if e.dispatch.coll != nil {
		all = append(all, e.dispatch.coll)
	}
	for _, h := range e.hooks {
		if h.post.coll != nil {
			all = append(all, h.post.coll)
		}
	}
	for _, g := range e.guards.at {
		all = append(all, g.coll)
	}
	return all
}

// skippedRuns is how often the programs were skipped, as far as it is known.
func skippedRuns(coll *ebpf.Collection) uint64 {
	var sum uint64
	for _, p := range coll.Programs {
		if stats, err := p.Stats(); err == nil {
			sum += stats.RecursionMisses
		}
	}
	return sum
}
