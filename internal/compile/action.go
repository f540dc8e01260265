// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"github.com/vedette-io/vedette/internal/policy"
)

// actionNames are the names that events have for the actions that are
// executed.
var actionNames = map[policy.ActionType]string{
	policy.ActionPost:                        "KPROBE_ACTION_POST",
	policy.ActionNoPost:                      "KPROBE_ACTION_NOPOST",
	policy.ActionSigkill:                     "KPROBE_ACTION_SIGKILL",
	policy.ActionSignal:                      "KPROBE_ACTION_SIGNAL",
	policy.ActionFollowFD:                    "KPROBE_ACTION_FOLLOWFD",
	policy.ActionUnfollowFD:                  "KPROBE_ACTION_UNFOLLOWFD",
	policy.ActionCopyFD:                      "KPROBE_ACTION_COPYFD",
	policy.ActionOverride:                    "KPROBE_ACTION_OVERRIDE",
	policy.ActionGetURL:                      "KPROBE_ACTION_GETURL",
	policy.ActionDNSLookup:                   "KPROBE_ACTION_DNSLOOKUP",
	policy.ActionSet:                         "KPROBE_ACTION_SET",
	policy.ActionNotifyEnforcer:              "KPROBE_ACTION_NOTIFYENFORCER",
	policy.ActionCleanupEnforcerNotification: "KPROBE_ACTION_CLEANUPENFORCERNOTIFICATION",
	policy.ActionTrackSock:                   "KPROBE_ACTION_TRACKSOCK",
	policy.ActionUntrackSock:                 "KPROBE_ACTION_UNTRACKSOCK",
}

// maxSignal is the highest number of a signal.
const maxSignal = 64

// actions understands a list of actions: none means Post, and any list posts
// unless NoPost is in it.
func (f *frontend) actions(r *Rule, e *entry, actions []policy.Action, path string) {
	r.Flags = RulePost
	r.Action = actionNames[policy.ActionPost]
	if f.in.Policies[f.index].Monitor {
		r.Flags |= RuleMonitor
	}
	for i := range actions {
		f.action(r, e, &actions[i], policy.ItemPath(path, i))
	}
	if r.Flags&RuleNoPost != 0 {
		r.Flags &^= RulePost
	}
	if len(r.FDOps) > MaxFDOps {
		f.errorf(path, "a selector can have at most %d of FollowFD, UnfollowFD and CopyFD, not %d", MaxFDOps, len(r.FDOps))
	}
}

// action understands one action.
func (f *frontend) action(r *Rule, e *entry, a *policy.Action, path string) {
	name, ok := actionNames[a.Action]
	if !ok {
		f.errorf(path+".action", "unknown action %s", quote(a.Action))
		return
	}
	r.Action = name
	// Requests are made for the last action only.
	r.Request = Request{}
	f.checkAction(a, path)
	switch a.Action {
	case policy.ActionPost:
		f.rateLimit(r, a, path)
		f.stacks(r, e, a)
		f.hash(r, e, a)
	case policy.ActionGetURL:
		f.getURL(r, a, path)
	case policy.ActionDNSLookup:
		f.dnsLookup(r, a, path)
	case policy.ActionSet:
		f.set(r, e, a, path)
	case policy.ActionNoPost:
		r.Flags |= RuleNoPost
	case policy.ActionSigkill:
		r.Flags |= RuleKill
	case policy.ActionSignal:
		f.signal(r, a, path)
	case policy.ActionFollowFD:
		f.fdOp(r, e, FDFollow, a, path)
	case policy.ActionUnfollowFD:
		f.fdOp(r, e, FDUnfollow, a, path)
	case policy.ActionCopyFD:
		f.fdOp(r, e, FDCopy, a, path)
	case policy.ActionOverride:
		f.override(r, e, a, path)
	case policy.ActionNotifyEnforcer:
		f.notify(r, a, path)
	case policy.ActionCleanupEnforcerNotification:
		if enforcesBy(f.policy) {
			r.Flags |= RuleCleanNotify
		}
	case policy.ActionTrackSock, policy.ActionUntrackSock:
		f.trackSock(r, e, a, path)
	}
}

// maxErrno is the highest number of an error (MAX_ERRNO, include/linux/err.h).
const maxErrno = 4095

// The errors between the kernel's own parts, which a caller never sees
// (include/linux/errno.h, ERESTARTSYS to EIOCBQUEUED and beyond).
const (
	firstInternal = 512
	lastInternal  = 530
)

// override understands the error that the caller is to get. Nothing but an
// error can be given: the call is refused, not carried out by somebody else.
func (f *frontend) override(r *Rule, e *entry, a *policy.Action, path string) {
	if e.group.Section == "uprobes" {
		f.overrideRegisters(r, a, path)
		return
	}
	if !f.checkError(a, path) {
		return
	}
	r.Flags |= RuleOverride
	r.Error = a.ArgError
}

// checkAction refuses what actions cannot do yet.
func (f *frontend) checkAction(a *policy.Action, path string) {
	if a.Action != policy.ActionPost && (a.RateLimit != "" || a.RateLimitScope != "") {
		f.errorf(path, "only the action Post has a rate limit")
	}
}

// rateScopes are the scopes of a rate limit.
var rateScopes = map[policy.RateScope]RateScope{
	policy.RateScopeThread:  RateThread,
	policy.RateScopeProcess: RateProcess,
	policy.RateScopeGlobal:  RateGlobal,
}

func (f *frontend) rateLimit(r *Rule, a *policy.Action, path string) {
	limit, err := policy.ParseRateLimit(a.RateLimit, a.RateLimitScope)
	if err != nil {
		f.errorf(path+".rateLimit", "%v", err)
		return
	}
	r.RateInterval, r.RateScope = uint64(limit.Interval.Nanoseconds()), rateScopes[limit.Scope]
}

func (f *frontend) signal(r *Rule, a *policy.Action, path string) {
	switch {
	case a.ArgSig < 1 || a.ArgSig > maxSignal:
		f.errorf(path+".argSig", "signal %d does not exist, they are 1 to %d", a.ArgSig, maxSignal)
	case r.Flags&RuleSignal != 0 && r.Signal != a.ArgSig:
		f.errorf(path, "a selector can send one signal, not both %d and %d", r.Signal, a.ArgSig)
	}
	r.Flags |= RuleSignal
	r.Signal = a.ArgSig
}

// fdOp understands an action on a descriptor. Its arguments are positions in
// the entry's args, as all arguments of actions are.
func (f *frontend) fdOp(r *Rule, e *entry, kind FDOpKind, a *policy.Action, path string) {
	if f.follow < 0 {
		f.errorf(path+".action", "%s has no effect in a policy without FollowFD", a.Action)
		return
	}
	op := FDOp{Kind: kind}
	var ok bool
	if op.FD, ok = f.fdArg(e, a.ArgFd, path+".argFd"); !ok {
		return
	}
	switch kind {
	case FDCopy:
		op.Other, ok = f.fdArg(e, a.ArgName, path+".argName")
	case FDFollow:
		op.Other, ok = f.nameArg(e, a.ArgName, path+".argName")
	}
	if ok {
		r.FDOps = append(r.FDOps, op)
	}
}

// fdArg returns the position of an arg that holds a descriptor.
func (f *frontend) fdArg(e *entry, position uint32, path string) (uint8, bool) {
	at, ok := f.nameArg(e, position, path)
	if !ok {
		return 0, false
	}
	if t := e.args[at].Type; !t.IsInteger() && t != TypeFD {
		f.errorf(path, "the arg at position %d is neither an integer nor an fd", position)
		return 0, false
	}
	return at, true
}

// nameArg returns a position if the entry has an arg there.
func (f *frontend) nameArg(e *entry, position uint32, path string) (uint8, bool) {
	if uint64(position) >= uint64(len(e.args)) {
		f.errorf(path, "there is no arg at position %d of args, which has %d elements", position, len(e.args))
		return 0, false
	}
	return uint8(position), true
}
