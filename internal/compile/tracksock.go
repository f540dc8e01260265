// SPDX-License-Identifier: Apache-2.0

package compile

import "github.com/vedette-io/vedette/internal/policy"

// trackSock understands an action on a socket, whose argSock is a position in
// the entry's args.
func (f *frontend) trackSock(r *Rule, e *entry, a *policy.Action, path string) {
	at, ok := f.nameArg(e, a.ArgSock, path+".argSock")
	if !ok {
		return
	}
	if t := e.args[at].Type; !t.isSock() {
		f.errorf(path+".argSock", "the arg at position %d is neither a sock nor a socket", a.ArgSock)
		return
	}
	if f.track < 0 {
		return // the policy tracks none
	}
	flag, slot := RuleTrackSock, &r.Track
	if a.Action == policy.ActionUntrackSock {
		flag, slot = RuleUntrackSock, &r.Untrack
	}
	if r.Flags&flag != 0 && *slot != at {
		f.errorf(path, "a selector can have one %s, not one for position %d and one for position %d", a.Action, *slot, at)
	}
	r.Flags |= flag
	*slot = at
}

// returnTracking understands what an entry does with the socket that its
// function returns.
func (f *frontend) returnTracking(e *entry, k *policy.Kprobe, path string) {
	path += ".returnArgAction"
	switch {
	case k.ReturnArgAction == "":
	case !e.group.ReturnType.isSock():
		f.errorf(path, "returnArgAction %s needs return: true and a returnArg of type sock or socket", k.ReturnArgAction)
	case k.ReturnArgAction == string(policy.ActionTrackSock):
		e.atReturn = RuleTrackReturn
	case k.ReturnArgAction == string(policy.ActionUntrackSock):
		if f.track >= 0 {
			e.atReturn = RuleUntrackReturn
		}
	default:
		f.errorf(path, "unknown returnArgAction %s, it is %s or %s", quote(k.ReturnArgAction), policy.ActionTrackSock, policy.ActionUntrackSock)
	}
}

// tracksSocks reports whether a policy makes processes the owners of sockets.
func tracksSocks(p *policy.Policy) bool {
	for _, section := range [][]policy.Kprobe{p.Spec.Kprobes, p.Spec.Fentries} {
		for i := range section {
			if section[i].ReturnArgAction == string(policy.ActionTrackSock) {
				return true
			}
		}
	}
	for s := range selectors(&p.Spec) {
		if hasAction(s, policy.ActionTrackSock) {
			return true
		}
	}
	return false
}
