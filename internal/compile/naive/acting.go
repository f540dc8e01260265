// SPDX-License-Identifier: Apache-2.0

package naive

import (
	"slices"
	"strings"

	"github.com/vedette-io/vedette/internal/policy"
)

// Acting returns the first matching selector of every entry on the event's
// hook, in the order of the policies and their entries. The inode numbers of
// the host's namespaces are given by kind.
func Acting(policies []*policy.Policy, host map[string]uint32, event *Event) []Verdict {
	var out []Verdict
	for i, p := range policies {
		w := world{policy: i, spec: &p.Spec, host: host, event: event, follows: follows(&p.Spec)}
		out = w.functions(out, "kprobes", p.Spec.Kprobes)
		out = w.functions(out, "fentries", p.Spec.Fentries)
		for j := range p.Spec.Tracepoints {
			t := &p.Spec.Tracepoints[j]
			on := !t.Raw && event.Hook.Tracepoint == t.Subsystem+"/"+t.Event || t.Raw && event.Hook.RawTracepoint == t.Event
			if on {
				out = w.first(out, "tracepoints", j, t.Args, nil, t.Selectors)
			}
		}
	}
	return out
}

// world is what one policy's filters can see.
type world struct {
	policy  int
	spec    *policy.Spec
	host    map[string]uint32
	event   *Event
	follows bool
	args    []policy.Arg
	data    []policy.Arg
}

// functions appends the verdicts of the entries of a section on functions.
func (w *world) functions(out []Verdict, section string, entries []policy.Kprobe) []Verdict {
	for i := range entries {
		if k := &entries[i]; w.isOn(k) {
			w.data = k.Data
			out = w.first(out, section, i, k.Args, k.ReturnArg, k.Selectors)
		}
	}
	return out
}

// follows reports whether the policy has a FollowFD action.
func follows(s *policy.Spec) bool {
	found := false
	for _, k := range slices.Concat(s.Kprobes, s.Fentries) {
		for _, sel := range k.Selectors {
			for _, a := range slices.Concat(sel.MatchActions, sel.MatchReturnActions) {
				found = found || a.Action == policy.ActionFollowFD
			}
		}
	}
	return found
}

// isOn reports whether the entry is for the event's hook.
func (w *world) isOn(k *policy.Kprobe) bool {
	calls := []string{k.Call}
	if name, ok := strings.CutPrefix(k.Call, "list:"); ok {
		for _, l := range w.spec.Lists {
			if l.Name == name {
				calls = l.Values
			}
		}
	}
	for _, call := range calls {
		if !k.Syscall && w.event.Hook.Function == call {
			return true
		}
		table, name, _ := strings.Cut(call, "sys_")
		compat := table == "__ia32_" || table == "__ia32_compat_" || table == "i386/"
		if k.Syscall && w.event.Hook.Syscall == name && w.event.Hook.Compat == compat {
			return true
		}
	}
	return false
}

// first appends the verdict of the first selector that matches.
func (w *world) first(out []Verdict, section string, entry int, args []policy.Arg, ret *policy.Arg, all []policy.Selector) []Verdict {
	w.args = args
	if len(all) == 0 {
		all = []policy.Selector{{}}
	}
	for i := range all {
		if w.matches(&all[i]) {
			v := Verdict{Policy: w.policy, Section: section, Entry: entry, Selector: i, Returned: w.returned(ret, &all[i])}
			v.act(&all[i])
			return append(out, v)
		}
	}
	return out
}

// act says what the selector does in the end.
func (v *Verdict) act(s *policy.Selector) {
	v.Posted = v.Returned
	for _, a := range slices.Concat(s.MatchActions, s.MatchReturnActions) {
		if a.Action == policy.ActionNoPost {
			v.Posted = false
		}
	}
	if !v.Returned {
		return
	}
	for _, a := range s.MatchReturnActions {
		if a.Action == policy.ActionSigkill {
			v.Signal = 9
		}
		if a.Action == policy.ActionSignal && v.Signal != 9 {
			v.Signal = a.ArgSig
		}
	}
}

func (w *world) matches(s *policy.Selector) bool {
	for i := range s.MatchPIDs {
		if !w.pid(&s.MatchPIDs[i]) {
			return false
		}
	}
	for i := range s.MatchBinaries {
		if !w.binary(&s.MatchBinaries[i]) {
			return false
		}
	}
	for i := range s.MatchParentBinaries {
		if !w.parentBinary(&s.MatchParentBinaries[i]) {
			return false
		}
	}
	for i := range s.MatchNamespaceChanges {
		if !w.namespaceChange(&s.MatchNamespaceChanges[i]) {
			return false
		}
	}
	for i := range s.MatchCapabilityChanges {
		if !w.capabilityChange(&s.MatchCapabilityChanges[i]) {
			return false
		}
	}
	if !w.inScope(w.spec.PodSelector, w.spec.ContainerSelector, w.spec.HostSelector) {
		return false
	}
	for _, f := range s.MatchWorkloads {
		if !w.inScope(f.PodSelector, f.ContainerSelector, f.HostSelector) {
			return false
		}
	}
	for i := range s.MatchNamespaces {
		if !w.namespace(&s.MatchNamespaces[i]) {
			return false
		}
	}
	for i := range s.MatchCapabilities {
		if !w.capability(&s.MatchCapabilities[i]) {
			return false
		}
	}
	for i := range s.MatchArgs {
		if !w.arg(&s.MatchArgs[i]) {
			return false
		}
	}
	for i := range s.MatchData {
		if !w.datum(&s.MatchData[i]) {
			return false
		}
	}
	return w.onlyFollowed()
}

// onlyFollowed reports whether every descriptor of the entry is followed, if
// the policy follows descriptors at all.
func (w *world) onlyFollowed() bool {
	if !w.follows {
		return true
	}
	for _, a := range w.args {
		if a.Type != policy.TypeFd {
			continue
		}
		value := w.event.Args[a.Index]
		if value.Failed || !slices.Contains(value.Followers, w.policy) {
			return false
		}
	}
	return true
}

// returned reports whether the return value satisfies the selector.
func (w *world) returned(ret *policy.Arg, s *policy.Selector) bool {
	for i := range s.MatchReturnArgs {
		f := &s.MatchReturnArgs[i]
		if !number(ret.Type, w.event.Return, f.Operator, f.Values) {
			return false
		}
	}
	return true
}
