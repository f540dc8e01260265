// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"
	"strings"

	"github.com/vedette-io/vedette/internal/policy"
	"github.com/vedette-io/vedette/internal/syscalls"
)

// Enforcer carries out, at the calls that a policy lists, what hooks of the
// policy have noted for the thread with NotifyEnforcer.
type Enforcer struct {
	Policy int // index into Input.Policies
	// Bit is the policy's number in the masks of what is noted, its FollowBit.
	Bit   int
	Calls []EnforcedCall
	// Errors are the errors that hooks of the policy can ask for, -4095 to
	// -1. Where there are none, all that is asked for are signals.
	Errors []int32
}

// EnforcedCall is a call at which an enforcer acts.
type EnforcedCall struct {
	// Key is the hook: a system call or a security function.
	Key HookKey
	// Number is that of a system call, 32-bit ones with [CompatCall].
	Number uint32
}

// CompatCall marks the number of a 32-bit system call.
const CompatCall = compatFlag

// MaxEnforced is how many calls the enforcers of all policies can list.
const MaxEnforced = 4096

// enforcesBy reports whether a policy has an enforcer.
func enforcesBy(p *policy.Policy) bool { return len(p.Spec.Enforcers) != 0 }

// enforcer understands the policy's enforcer; it is nil where it has nothing
// to do. The policy's validation has seen to it that there is only one.
func (f *frontend) enforcer() *Enforcer {
	if !enforcesBy(f.policy) {
		return nil
	}
	e := &Enforcer{Policy: f.index, Bit: f.enforce}
	for i, call := range f.policy.Spec.Enforcers[0].Calls {
		for _, c := range f.enforcedCalls(call, policy.ItemPath("spec.enforcers[0].calls", i)) {
			if !slices.Contains(e.Calls, c) {
				e.Calls = append(e.Calls, c)
			}
		}
	}
	notified := false
	for s := range selectors(&f.policy.Spec) {
		for _, a := range allActions(s) {
			if a.Action != policy.ActionNotifyEnforcer {
				continue
			}
			notified = true
			if a.ArgError != 0 && !slices.Contains(e.Errors, a.ArgError) {
				e.Errors = append(e.Errors, a.ArgError)
			}
		}
	}
	switch {
	case !notified:
		f.warnf("spec.enforcers[0]", "no action %s notifies the enforcer", policy.ActionNotifyEnforcer)
		return nil
	case f.in.Policies[f.index].Monitor:
		return nil
	}
	return e
}

// enforcedCalls finds the calls that an element of calls stands for.
func (f *frontend) enforcedCalls(call, path string) []EnforcedCall {
	name, isList := policy.ListReference(call)
	if !isList {
		return f.enforcedCall(call, path)
	}
	list := f.policy.Spec.List(name)
	if list == nil {
		f.errorf(path, "there is no list %s in spec.lists", quote(name))
		return nil
	}
	at := policy.ItemPath("spec.lists", slices.IndexFunc(f.policy.Spec.Lists, func(l policy.List) bool { return l.Name == name }))
	var values []string
	switch list.Type {
	case policy.ListTypeGeneratedSyscalls:
		for _, name := range f.kernelSyscalls(at) {
			values = append(values, "sys_"+name)
		}
		at = path
	case policy.ListTypeGeneratedFtrace:
		for _, t := range f.matchingFunctions(list, at) {
			values = append(values, t.function)
		}
		at = path
	default:
		values = list.Values
	}
	var all []EnforcedCall
	for i, value := range values {
		where := at
		if len(list.Values) != 0 {
			where = policy.ItemPath(at+".values", i)
		}
		all = append(all, f.enforcedCall(value, where)...)
	}
	return all
}

// enforcedCall finds one call, by its name.
func (f *frontend) enforcedCall(call, path string) []EnforcedCall {
	if strings.HasPrefix(call, "security_") {
		return []EnforcedCall{{Key: HookKey{HookFunction, call}}}
	}
	if _, ok := policy.SyscallName(call); !ok && !strings.Contains(call, "/") {
		f.errorf(path, "an enforcer acts at system calls (sys_NAME) and security_ functions only, not at %s", quote(call))
		return nil
	}
	s, ok := f.parseSyscall(call, path)
	if !ok {
		return nil
	}
	number, ok := s.number()
	if !ok {
		f.errorf(path, "%v", f.errUnknown(s))
		return nil
	}
	if s.abi != syscallABI() {
		return []EnforcedCall{{Key: HookKey{HookCompatSyscall, s.canonical()}, Number: number | CompatCall}}
	}
	name, _ := syscalls.Name(s.abi, number)
	return []EnforcedCall{{Key: HookKey{HookSyscall, name}, Number: number}}
}

// notify understands the action NotifyEnforcer.
func (f *frontend) notify(r *Rule, a *policy.Action, path string) {
	if !enforcesBy(f.policy) {
		f.errorf(path+".action", "action %s needs spec.enforcers", a.Action)
		return
	}
	if a.ArgError == 0 && a.ArgSig == 0 {
		f.errorf(path+".action", "%s needs argError, an error from -%d to -1 such as -1 (EPERM), or argSig, a signal", a.Action, maxErrno)
		return
	}
	if a.ArgError != 0 && !f.checkError(a, path) {
		return
	}
	if a.ArgSig > maxSignal {
		f.errorf(path+".argSig", "signal %d does not exist, they are 1 to %d", a.ArgSig, maxSignal)
		return
	}
	r.Flags |= RuleNotify
	r.NoticeError, r.NoticeSignal = a.ArgError, a.ArgSig
}

// checkError reports an error that no caller can get.
func (f *frontend) checkError(a *policy.Action, path string) bool {
	switch {
	case a.ArgError < -maxErrno || a.ArgError > -1:
		f.errorf(path+".argError", "%s needs argError, an error from -%d to -1 such as -1 (EPERM), not %d", a.Action, maxErrno, a.ArgError)
	case a.ArgError <= -firstInternal && a.ArgError >= -lastInternal:
		f.errorf(path+".argError", "the errors -%d to -%d never leave the kernel: it would restart the call", lastInternal, firstInternal)
	default:
		return true
	}
	return false
}
