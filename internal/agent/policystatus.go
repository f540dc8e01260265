// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/hook"
)

// List implements [server.Policies].
func (s *policySet) List(domain string) []*tetragon.TracingPolicyStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	counters, err := s.engine.Counters()
	if err != nil {
		s.log.Warn("counters of policies", "error", err)
	}
	memory, events, share := s.engine.MemoryBytes(), s.observer.LoaderEvents(), s.loader.memoryShare()
	var out []*tetragon.TracingPolicyStatus
	for _, e := range s.entries {
		if domain == "" || e.ref.Domain == domain {
			st := s.status(e, counters, memory)
			if s.loads(e) {
				st.KernelMemoryBytes += share
				st.Stats.ActionCounters.Post += events[e.key()]
			}
			out = append(out, st)
		}
	}
	return out
}

func (s *policySet) status(e *policyEntry, counters map[hook.RuleKey]hook.Counters, memory map[compile.HookKey]uint64) *tetragon.TracingPolicyStatus {
	st := &tetragon.TracingPolicyStatus{
		Id: e.id, Name: e.ref.Name, Namespace: e.ref.Namespace, Domain: e.ref.Domain, Mode: e.mode,
		State: s.stateOf(e), Sensors: sensorsOf(e), Stats: statsOf(e, counters),
	}
	if e.err != nil {
		st.Error = e.err.Error()
	}
	// A hook's program serves several policies: each is told its share.
	for key, entries := range s.shares {
		if slices.Contains(entries, e) {
			st.KernelMemoryBytes += memory[key] / uint64(len(entries))
		}
	}
	st.HookStatuses = s.hooksOf(e)
	return st
}

func (s *policySet) stateOf(e *policyEntry) tetragon.TracingPolicyState {
	switch {
	case e.err != nil:
		return tetragon.TracingPolicyState_TP_STATE_LOAD_ERROR
	case !e.enabled:
		return tetragon.TracingPolicyState_TP_STATE_DISABLED
	case len(s.skipped[e]) != 0:
		return tetragon.TracingPolicyState_TP_STATE_PARTIALLY_ENABLED
	}
	return tetragon.TracingPolicyState_TP_STATE_ENABLED
}

// sensors are what clients of the reference know the sections as.
var sensors = map[string]string{
	"kprobes": "generic_kprobe", "fentries": "generic_fentry", "tracepoints": "generic_tracepoint", "lsmhooks": "generic_lsm",
	"uprobes": "generic_uprobe", "usdts": "generic_usdt",
}

// sensorsOf names what clients of the reference know as a policy's sensors.
func sensorsOf(e *policyEntry) []string {
	var out []string
	if len(e.policy.Spec.Enforcers) != 0 {
		out = append(out, "__enforcer__")
	}
	if e.policy.Spec.Loader {
		out = append(out, "loader")
	}
	for entry := range e.policy.Spec.Entries() {
		if name := sensors[entry.Section]; name != "" && entry.Index == 0 {
			out = append(out, name)
		}
	}
	return out
}

func actionCounters(c hook.Counters) *tetragon.TracingPolicyActionCounters {
	return &tetragon.TracingPolicyActionCounters{
		Post: c.Post, Nopost: c.NoPost, Signal: c.Signal, MonitorSignal: c.MonitorSignal,
		Override: c.Override, MonitorOverride: c.MonitorOverride, Set: c.Set, MonitorSet: c.MonitorSet,
		NotifyEnforcer: c.Notify, MonitorNotifyEnforcer: c.MonitorNotify,
	}
}

// statsOf adds up an entry's counters.
func statsOf(e *policyEntry, counters map[hook.RuleKey]hook.Counters) *tetragon.TracingPolicyStats {
	var sum hook.Counters
	var keys []hook.RuleKey
	for k := range counters {
		if k.Policy == e.key() {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, hook.RuleKey.Compare)
	stats := &tetragon.TracingPolicyStats{}
	for _, k := range keys {
		sum.Add(counters[k])
		stats.SelectorActionCounters = append(stats.SelectorActionCounters, &tetragon.TracingPolicySelectorActionCounters{
			Hook: k.Hook.Name, HookIndex: wrapperspb.UInt32(uint32(k.Entry)),
			SelectorIndex: wrapperspb.UInt32(uint32(k.Selector)), SelectorLabel: selectorLabel(e, k),
			ActionCounters: actionCounters(counters[k]),
		})
	}
	stats.ActionCounters = actionCounters(sum)
	return stats
}

// selectorLabel is the label that a policy gives to a selector, mostly none.
func selectorLabel(e *policyEntry, k hook.RuleKey) string {
	for entry := range e.policy.Spec.Entries() {
		if entry.Section == k.Section && entry.Index == k.Entry && int(k.Selector) < len(entry.Selectors) {
			return entry.Selectors[k.Selector].Label
		}
	}
	return "" // an entry without selectors has one rule all the same
}

// loads reports whether an entry is in force and has events of mapped files.
func (s *policySet) loads(e *policyEntry) bool {
	return e.policy.Spec.Loader && e.enabled && e.err == nil
}

// hooksOf tells how each hook entry of a policy is attached.
func (s *policySet) hooksOf(e *policyEntry) []*tetragon.HookStatus {
	active := s.active()
	var out []*tetragon.HookStatus
	for _, l := range s.loaded {
		for i, g := range l.Hook.Groups {
			if g.Policy >= len(active) || active[g.Policy] != e {
				continue
			}
			st := &tetragon.HookStatus{
				Section: g.Section, HookIdx: uint32(g.Entry), HookDescription: g.FunctionName,
				State: tetragon.HookState_STATUS_LOADED, VedetteAttachment: l.Attachment.String(),
			}
			if l.Hook.Enforces(i) {
				st.VedetteCaveat = l.Caveat
			}
			out = append(out, st)
		}
	}
	if s.loads(e) {
		out = append(out, &tetragon.HookStatus{
			Section: "loader", HookDescription: "files mapped to be executed", State: tetragon.HookState_STATUS_LOADED,
			VedetteAttachment: "perf_mmap",
		})
	}
	for _, skipped := range s.skipped[e] {
		st := &tetragon.HookStatus{
			Section: skipped.Section, HookIdx: uint32(skipped.Entry), HookDescription: skipped.Function,
			State: tetragon.HookState_STATUS_CALL_NOT_FOUND, VedetteCaveat: skipped.Reason,
		}
		switch {
		case skipped.Digest:
			st.State = tetragon.HookState_STATUS_DIGEST_REJECTED
		case skipped.Partial:
			st.State = tetragon.HookState_STATUS_PARTIAL_CALL_NOT_FOUND
		}
		out = append(out, st)
	}
	slices.SortFunc(out, func(a, b *tetragon.HookStatus) int {
		return cmp.Or(cmp.Compare(a.Section, b.Section), cmp.Compare(a.HookIdx, b.HookIdx), cmp.Compare(a.HookDescription, b.HookDescription))
	})
	return out
}
