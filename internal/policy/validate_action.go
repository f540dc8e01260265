// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/vedette-io/vedette/internal/syscalls"
)

const (
	// maxSignal is the largest signal number (_NSIG).
	maxSignal = 64
	// maxErrno is the largest error that a kernel function can return
	// negated (MAX_ERRNO).
	maxErrno = 4095
)

// lsmActions are the actions of an LSM hook.
var lsmActions = []ActionType{ActionPost, ActionNoPost, ActionSigkill, ActionSignal, ActionOverride}

// imaHashHooks are the LSM hooks that can compute a file's hash.
var imaHashHooks = []string{
	"bprm_check_security", "bprm_committed_creds", "bprm_committing_creds", "bprm_creds_for_exec",
	"bprm_creds_from_file", "file_ioctl", "file_lock", "file_open", "file_post_open", "file_receive", "mmap_file",
}

// HashesFiles reports whether the file that an LSM hook is about can be
// hashed there.
func HashesFiles(hook string) bool { return isOneOf(hook, imaHashHooks) }

func (v *validator) validateActions(h hook, path string, actions []Action) {
	if len(actions) > MaxActions {
		v.errorf(ItemPath(path, MaxActions), "%d actions, the limit is %d", len(actions), MaxActions)
	}
	for i := range actions {
		at, a := ItemPath(path, i), &actions[i]
		if a.Action == "" {
			continue
		}
		if !isOneOf(a.Action, actionTypes) {
			v.suggestf(at+".action", oneOf(string(a.Action), actionTypes), "unknown action %s", quote(a.Action))
			continue
		}
		if !v.validateActionPlace(h, at, a) {
			continue
		}
		v.validateActionParameters(h, at, a)
		v.validatePostParameters(h, at, a)
		if (a.Action == ActionGetURL || a.Action == ActionDNSLookup) && i+1 < len(actions) {
			v.warnf(at+".action", "make it the last action", "action %s has no effect unless it is the last", a.Action)
		}
	}
	v.warnPostAndNoPost(path, actions)
}

func (v *validator) warnPostAndNoPost(path string, actions []Action) {
	i := slices.IndexFunc(actions, func(a Action) bool { return a.Action == ActionNoPost })
	if i >= 0 && slices.ContainsFunc(actions, func(a Action) bool { return a.Action == ActionPost }) {
		v.warnf(ItemPath(path, i)+".action", "", "NoPost makes Post of the same selector void")
	}
}

// validateActionPlace judges whether the hook can carry the action out, and
// reports whether it can.
func (v *validator) validateActionPlace(h hook, path string, a *Action) bool {
	at := path + ".action"
	noEnforcer := len(v.spec().Enforcers) == 0 && !v.failed.touches("spec.enforcers")
	switch {
	case h.section == sectionLsm && !isOneOf(a.Action, lsmActions):
		v.suggestf(at, "it can have "+join(lsmActions), "action %s is not supported in an lsmhook", a.Action)
	case a.Action == ActionSet && h.section != sectionUsdt:
		v.errorf(at, "action Set is for usdts only")
	case (a.Action == ActionGetURL || a.Action == ActionDNSLookup) && (h.section == sectionUprobe || h.section == sectionUsdt):
		v.errorf(at, "action %s is not supported in a %s", a.Action, h.section)
	case a.Action == ActionOverride && (h.section.isTracepoint() || h.section == sectionUsdt):
		v.errorf(at, "action Override is not supported in a %s", h.section)
	case a.Action == ActionOverride && h.section.isFunction() && h.name != "" && !v.canOverride(h):
		v.errorf(at, "action Override can be used with system calls and security_ functions only, not with %s", quote(h.name))
	case a.Action == ActionNotifyEnforcer && noEnforcer:
		v.errorf(at, "action NotifyEnforcer needs spec.enforcers")
	default:
		if a.Action == ActionCleanupEnforcerNotification && noEnforcer {
			v.warnf(at, "", "action CleanupEnforcerNotification has no effect without spec.enforcers")
		}
		return true
	}
	return false
}

// canOverride reports whether the kernel lets the result of the function be
// replaced.
func (v *validator) canOverride(h hook) bool {
	name, isList := ListReference(h.name)
	if !isList {
		_, isSyscall := SyscallName(h.name)
		return isSyscall || isSecurityHook(h.name)
	}
	if can, known := v.overridable[name]; known {
		return can
	}
	list := v.spec().List(name)
	can := list == nil || list.IsSyscalls() || hasOverridable(list)
	if v.overridable == nil {
		v.overridable = make(map[string]bool)
	}
	v.overridable[name] = can
	return can
}

// hasOverridable reports whether the result of each function of a list can be
// replaced.
func hasOverridable(list *List) bool {
	return list.Type == ListTypePlain && !slices.ContainsFunc(list.Values, func(function string) bool {
		_, isSyscall := SyscallName(function)
		return !isSyscall && !isSecurityHook(function)
	})
}

// warnEffectBeforeDeath reports a Sigkill where no kernel lets the operation
// be refused.
func (v *validator) warnEffectBeforeDeath(h hook, at string) {
	if !h.section.isTracepoint() && (!h.section.isFunction() || canRefuse(h.name)) {
		return
	}
	v.warnf(at, "hook a security_ function, an lsmhook or a system call that docs/kernels.md lists",
		"Sigkill ends the process but a %s on %s cannot refuse the operation: its effect may precede the death",
		h.section, quote(h.name))
}

// canRefuse reports whether a kernel can refuse what a function is about to
// do. A descriptor that fd_install gives dies with its process.
func canRefuse(function string) bool {
	if _, isList := ListReference(function); isList || function == "fd_install" || isSecurityHook(function) {
		return true
	}
	call, isSyscall := SyscallName(function)
	_, refusable := syscalls.SecurityHooks(syscalls.SameCall(call))
	return isSyscall && refusable
}

// validateActionParameters judges the fields that belong to one action.
func (v *validator) validateActionParameters(h hook, path string, a *Action) {
	switch a.Action {
	case ActionSignal:
		if a.ArgSig < 1 || a.ArgSig > maxSignal {
			v.errorf(path+".argSig", "action Signal needs argSig, a signal from 1 to %d, not %d", maxSignal, a.ArgSig)
		}
	case ActionSigkill:
		v.warnEffectBeforeDeath(h, path+".action")
	case ActionOverride:
		v.validateOverride(h, path, a)
	case ActionNotifyEnforcer:
		if a.ArgSig > maxSignal {
			v.errorf(path+".argSig", "argSig %d is not a signal from 1 to %d", a.ArgSig, maxSignal)
		}
		v.validateArgError(path, a.ArgError)
	case ActionGetURL:
		v.validateURL(path+".argUrl", a.ArgUrl)
	case ActionDNSLookup:
		if !hostName.MatchString(a.ArgFqdn) || len(a.ArgFqdn) > maxNameLength {
			v.errorf(path+".argFqdn", "action DnsLookup needs argFqdn, the name of a host, not %s", quote(a.ArgFqdn))
		}
	case ActionTrackSock, ActionUntrackSock:
		v.requireArg(h, path, "argSock", a.ArgSock, isSocket)
	case ActionFollowFD:
		v.requireArg(h, path, "argFd", a.ArgFd, isDescriptor)
		v.requireArg(h, path, "argName", a.ArgName, ArgType.IsString)
	case ActionCopyFD:
		v.requireArg(h, path, "argFd", a.ArgFd, isDescriptor)
		v.requireArg(h, path, "argName", a.ArgName, isDescriptor)
	case ActionUnfollowFD:
		// Its argName is not used; policies give it all the same.
		v.requireArg(h, path, "argFd", a.ArgFd, isDescriptor)
	case ActionSet:
		v.requireArg(h, path, "argIndex", a.ArgIndex, func(ArgType) bool { return true })
	}
}

// hostName is a domain name, with or without the final dot.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([-A-Za-z0-9_]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([-A-Za-z0-9_]*[A-Za-z0-9_])?)*\.?$`)

// isDescriptor reports whether a type can hold the number of a descriptor.
func isDescriptor(t ArgType) bool { return t == TypeFd || t.IsInteger() || t == TypeAuto }

// requireArg reports a parameter of an action that does not name a position
// in args, or one of a wrong type.
func (v *validator) requireArg(h hook, path, field string, position uint32, fits func(ArgType) bool) {
	if v.failed.touches(h.path + ".args") {
		return
	}
	at := FieldPath(path, field)
	if uint64(position) >= uint64(len(h.args)) {
		v.errorf(at, "%s %d is out of range, it is a position in args, which has %d elements", field, position, len(h.args))
		return
	}
	if t := h.args[position].Type; !fits(t) && isOneOf(t, argTypes) {
		v.errorf(at, "%s %d names %s, which is not of a fitting type", field, position, argName(h.args, position))
	}
}

func (v *validator) validateURL(path, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		v.errorf(path, "action GetUrl needs argUrl, an http or https URL, not %s", quote(text))
	}
}

var registerValue = regexp.MustCompile(`^[a-z][a-z0-9]*=\S+$`)

func (v *validator) validateOverride(h hook, path string, a *Action) {
	replacements := 0
	for _, given := range []bool{a.ArgNewSymbol != "", a.ArgNewAddr != 0, a.ArgNewOffset != 0} {
		if given {
			replacements++
		}
	}
	if replacements > 1 {
		v.errorf(path, "only one of argNewSymbol, argNewAddr and argNewOffset can be given")
	}
	if h.section != sectionUprobe {
		if replacements > 0 || len(a.ArgRegs) > 0 {
			v.errorf(path, "argRegs, argNewSymbol, argNewAddr and argNewOffset are for uprobes only")
		}
		v.validateArgError(path, a.ArgError)
		return
	}
	for i, assignment := range a.ArgRegs {
		if !registerValue.MatchString(assignment) {
			v.errorf(ItemPath(path+".argRegs", i), "%s is not an assignment such as rax=11", quote(assignment))
		}
	}
}

// validateArgError judges the value that a kernel function is to return.
func (v *validator) validateArgError(path string, value int32) {
	switch {
	case value < -maxErrno:
		v.errorf(path+".argError", "argError %d is out of range, errors are -%d to -1", value, maxErrno)
	case value > 0:
		v.warnf(path+".argError", "errors are negative numbers", "argError %d is no error, the caller sees a success", value)
	}
}

// validatePostParameters judges the fields that belong to action Post.
func (v *validator) validatePostParameters(h hook, path string, a *Action) {
	if _, err := ParseRateLimit(a.RateLimit, ""); err != nil {
		v.valueError(path+".rateLimit", err)
	} else if a.RateLimit != "" && a.Action != ActionPost {
		v.errorf(path+".rateLimit", "rateLimit can be used with action Post only, not with %s", a.Action)
	}
	if _, err := ParseRateLimit("", a.RateLimitScope); err != nil {
		v.valueError(path+".rateLimitScope", err)
	} else if a.RateLimitScope != "" && a.RateLimit == "" && !v.failed.covers(path+".rateLimit") {
		v.warnf(path+".rateLimitScope", "", "rateLimitScope has no effect without rateLimit")
	}
	if a.KernelStackTrace {
		v.validateStackTrace(h, path+".kernelStackTrace", a)
	}
	if a.UserStackTrace {
		v.validateStackTrace(h, path+".userStackTrace", a)
	}
	if a.ImaHash {
		v.validateImaHash(h, path+".imaHash", a)
	}
}

func (v *validator) validateStackTrace(h hook, path string, a *Action) {
	field := path[strings.LastIndexByte(path, '.')+1:]
	switch {
	case h.section == sectionLsm:
		v.errorf(path, "%s is not supported in an lsmhook", field)
	case h.section.isTracepoint():
		v.warnf(path, "", "%s has no effect on a tracepoint, its events have no stack traces", field)
	case h.section == sectionUprobe || h.section == sectionUsdt:
		v.warnf(path, "", "%s has no effect in a %s, its events have no stack traces", field, h.section)
	case a.Action != ActionPost:
		v.warnf(path, "", "%s has no effect with action %s, only with Post", field, a.Action)
	}
}

func (v *validator) validateImaHash(h hook, path string, a *Action) {
	switch {
	case h.section != sectionLsm:
		v.errorf(path, "imaHash is for lsmhooks only")
	case a.Action != ActionPost:
		v.warnf(path, "", "imaHash has no effect with action %s, only with Post", a.Action)
	case h.name != "" && !isOneOf(h.name, imaHashHooks):
		v.warnf(path, "", "imaHash has no effect on lsmhook %s", quote(h.name))
	}
}
