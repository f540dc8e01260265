// SPDX-License-Identifier: Apache-2.0

package corpus

import (
	"syscall"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/compile/naive"
	"github.com/vedette-io/vedette/internal/policy"
)

// Hook returns the compiled hook that an event happens at, or nil.
func Hook(plan *compile.Plan, at naive.Hook) *compile.Hook {
	key := compile.HookKey{Kind: compile.HookSyscall, Name: at.Syscall}
	switch {
	case at.Compat:
		key.Kind = compile.HookCompatSyscall
	case at.Function != "":
		key = compile.HookKey{Kind: compile.HookFunction, Name: at.Function}
	case at.Tracepoint != "":
		key = compile.HookKey{Kind: compile.HookTracepoint, Name: at.Tracepoint}
	case at.RawTracepoint != "":
		key = compile.HookKey{Kind: compile.HookRawTracepoint, Name: at.RawTracepoint}
	}
	for _, h := range plan.Hooks {
		if h.Key == key {
			return h
		}
	}
	return nil
}

// Values returns an event as the program of a compiled hook sees it.
func Values(plan *compile.Plan, h *compile.Hook, event *naive.Event) *compile.Values {
	v := &compile.Values{Process: process(&plan.Process, &event.Process)}
	for _, s := range h.Slots {
		a := event.Args[uint32(s.Index)]
		if s.Resolve != "" {
			a = event.Follow(s.Resolve)
		}
		v.Args = append(v.Args, value(s, a))
	}
	return v
}

func value(s compile.Slot, a naive.Arg) compile.Value {
	v := compile.Value{Failed: a.Failed, Int: a.Register, Mode: a.Mode}
	if s.Type.IsInteger() {
		v.Int = s.Type.Extend(a.Register)
	}
	if s.Type.IsString() {
		limit := min(int(s.Max), compile.MaxString)
		v.Str = []byte(a.Text[:min(len(a.Text), limit)])
		v.Truncated = len(a.Text) > limit
	}
	switch {
	case s.Type == compile.TypeSockaddrUn:
		v.Int, v.NoPath = uint64(a.Net.Family), a.Net.Family != familyUnix
	case a.Net != nil:
		netValue(&v, a.Net)
	}
	for _, p := range a.Followers {
		v.Followed |= 1 << p
	}
	return v
}

func process(t *compile.ProcessTables, p *naive.Process) compile.ProcessValues {
	v := compile.ProcessValues{PID: p.PID, NSPID: p.NSPID, Workload: compile.WorkloadHost}
	v.Binary, v.BinaryEnd = classes(t, &p.Image)
	v.ParentBinary, v.ParentBinaryEnd = compile.UnknownClass, compile.UnknownClass
	if len(p.Ancestors) > 0 {
		v.ParentBinary, v.ParentBinaryEnd = classes(t, &p.Ancestors[0])
	}
	for i := range p.Ancestors {
		v.ParentSets |= joined(t, &p.Ancestors[i])
	}
	v.Sets = v.ParentSets | joined(t, &p.Image)
	if p.Contained {
		v.Workload = compile.WorkloadContainer
	}
	if p.InContainer {
		v.Flags |= compile.FlagInContainerPIDNS
	}
	if p.InUserNS {
		v.Flags |= compile.FlagInUserNS
	}
	for i, kind := range policy.NamespaceNames {
		v.Namespaces[i], v.OldNamespaces[i] = p.Namespaces[kind], p.OldNamespaces[kind]
	}
	for i, t := range []string{policy.CapabilityTypeEffective, policy.CapabilityTypePermitted, policy.CapabilityTypeInheritable} {
		for n := range p.Capabilities[t] {
			v.Caps[i] |= 1 << n
		}
		for n := range p.OldCapabilities[t] {
			v.OldCaps[i] |= 1 << n
		}
	}
	return v
}

// classes returns the classes of an image's binary.
func classes(t *compile.ProcessTables, i *naive.Image) (class, end uint32) {
	if i.BinaryUnknown {
		return compile.UnknownClass, compile.UnknownClass
	}
	class, end, _ = t.Classify(i.Binary)
	return class, end
}

// joined returns the process sets that an image of a process joins.
func joined(t *compile.ProcessTables, i *naive.Image) uint64 {
	var sets uint64
	if !i.BinaryUnknown {
		_, _, sets = t.Classify(i.Binary)
	}
	for _, s := range t.PIDSets {
		id := i.PID
		if s.Namespace {
			id = i.NSPID
		}
		if id == s.PID && (!s.Namespace || i.InContainer) {
			sets |= s.Sets
		}
	}
	return sets
}

// Verdicts returns the winners of a compiled hook in the form of the naive
// implementation, ordered by policy and entry as that does it.
func Verdicts(h *compile.Hook, v *compile.Values, ret uint64) []naive.Verdict {
	won := h.Winners(h.Match(v))
	kept := append([]uint64(nil), won...)
	h.MatchReturn(kept, int64(ret))
	var out []naive.Verdict
	for _, r := range h.Rules {
		if won[r.Bit/64]>>(r.Bit%64)&1 == 0 {
			continue
		}
		g := &h.Groups[r.Group]
		one := naive.Verdict{
			Policy: g.Policy, Section: g.Section, Entry: g.Entry, Selector: int(r.Selector),
			Returned: kept[r.Bit/64]>>(r.Bit%64)&1 != 0,
		}
		act(&one, &r)
		out = append(out, one)
	}
	return out
}

// act says what a rule that has won does in the end.
func act(v *naive.Verdict, r *compile.Rule) {
	last := r
	if r.Return != nil {
		last = r.Return
	}
	v.Posted = v.Returned && last.Flags&compile.RulePost != 0
	switch {
	case r.Return == nil || !v.Returned:
	case last.Flags&compile.RuleKill != 0:
		v.Signal = uint32(syscall.SIGKILL)
	default:
		v.Signal = last.Signal
	}
}
