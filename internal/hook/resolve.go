// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/syscalls"
)

// fdInstall is the function that has an equivalent on every kernel.
const fdInstall = "fd_install"

// securityPrefix is what the functions begin with that ask the LSMs.
const securityPrefix = "security_"

// errCannotRefuse is why an attachment does not do for a policy that overrides.
var errCannotRefuse = errors.New("cannot replace the result")

// needs is what the rules of a hook ask of its attachment.
type needs struct {
	overrides, kills, returns bool
}

func needsOf(h *compile.Hook) needs {
	n := needs{returns: h.HasReturn}
	for _, r := range h.Rules {
		if r.Flags&compile.RuleMonitor == 0 {
			n.overrides = n.overrides || r.Flags&compile.RuleOverride != 0
			n.kills = n.kills || r.Flags&compile.RuleKill != 0
		}
	}
	return n
}

// place is where and how a hook is to be attached.
type place struct {
	attachment Attachment
	// function is the kernel function, the LSM hook, the tracepoint or the
	// place in a program.
	function string
	// target is where in a program's file the place is, nil in the kernel.
	target *target
	// wrapper says that the function is that of a system call.
	wrapper bool
	// params is how many parameters the function has, where that is known.
	params int
	// guards are the security hooks that carry out verdicts on a system call.
	guards []syscalls.SecurityHook
	// caveat is what a user must know of how the hook's policies are
	// enforced, mostly empty.
	caveat string
}

// endsVerdicts reports whether the dispatcher of returns ends the verdicts on
// its system call: it must see every return, which a kretprobe does not.
func (p place) endsVerdicts() bool { return p.wrapper && p.attachment.traced() }

// candidate is a place, or why it is none here.
type candidate struct {
	place
	err error
}

// places are the workable places of a hook, the best first. The error says
// why there is none.
func (e *Engine) places(h *compile.Hook) ([]place, error) {
	if err := e.checkFunction(h); err != nil {
		return nil, err
	}
	all, err := e.candidates(h)
	if err != nil {
		return nil, err
	}
	all = e.prefer(all)
	var out []place
	var failed attachErrors
	for _, c := range all {
		if c.err != nil {
			failed.add(c.attachment, c.err)
			continue
		}
		out = append(out, c.place)
	}
	if len(out) == 0 {
		return nil, &failed
	}
	return out, nil
}

// attachErrors says for every attachment that was tried why it does not work.
type attachErrors struct {
	reasons []attachReason
}

// attachReason is one reason, and what fails for it.
type attachReason struct {
	attachments []string
	err         error
}

func (e *attachErrors) add(a Attachment, err error) {
	for i, r := range e.reasons {
		if r.err.Error() == err.Error() {
			e.reasons[i].attachments = append(r.attachments, string(a))
			return
		}
	}
	e.reasons = append(e.reasons, attachReason{[]string{string(a)}, err})
}

// Error names every reason once.
func (e *attachErrors) Error() string {
	var texts []string
	for _, r := range e.reasons {
		texts = append(texts, strings.Join(r.attachments, ", ")+": "+r.err.Error())
	}
	return "cannot be attached to this kernel: " + strings.Join(texts, "; ")
}

// Unwrap returns the reasons.
func (e *attachErrors) Unwrap() []error {
	var errs []error
	for _, r := range e.reasons {
		errs = append(errs, r.err)
	}
	return errs
}

// prefer keeps the candidates that the options name, in their order. Where
// they name none of them, all stay.
func (e *Engine) prefer(all []candidate) []candidate {
	var wanted []candidate
	for _, a := range e.attach {
		for _, c := range all {
			if c.attachment == a {
				wanted = append(wanted, c)
			}
		}
	}
	if len(wanted) == 0 {
		return all
	}
	return wanted
}

func (e *Engine) candidates(h *compile.Hook) ([]candidate, error) {
	n := needsOf(h)
	switch h.Key.Kind {
	case compile.HookSyscall:
		return e.callCandidates(h, n)
	case compile.HookFunction:
		return e.functionCandidates(h, n), nil
	case compile.HookLSM:
		return e.lsmCandidates(h.Key.Name, n), nil
	case compile.HookUprobe, compile.HookUSDT:
		return e.probeCandidates(h, n)
	case compile.HookTracepoint:
		return []candidate{{place: place{attachment: AttachTracepoint, function: h.Key.Name}}}, nil
	case compile.HookRawTracepoint:
		return []candidate{
			{place{attachment: AttachBTFTracepoint, function: h.Key.Name}, e.offer.Check(kernel.FeatureBTFTracepoint)},
			{place: place{attachment: AttachRawTracepoint, function: h.Key.Name}},
		}, nil
	}
	return nil, fmt.Errorf("unknown kind %d", h.Key.Kind)
}

// callCandidates are the places of a system call. The verdict of a call
// whose own result cannot be replaced is carried out by guards at the
// security hooks that it passes.
func (e *Engine) callCandidates(h *compile.Hook, n needs) ([]candidate, error) {
	name := h.Key.Name
	wrapper := e.wrapperOf(name)
	guards, gap, guardErr := e.guardsOf(h, n)
	var all []candidate
	add := func(a Attachment, err error) {
		p := place{attachment: a, function: wrapper, wrapper: true, params: 1, guards: guards, caveat: gap}
		if n.overrides && err == nil {
			err = guardErr
		}
		if n.kills && len(guards) == 0 {
			p.caveat = killCaveat
		}
		all = append(all, candidate{p, err})
	}
	if n.overrides {
		all = append(all, candidate{
			place{attachment: AttachFmodRet, function: wrapper, wrapper: true, params: 1}, e.offer.CheckFmodRet(wrapper),
		})
	}
	add(AttachFentry, e.offer.CheckFentry(wrapper))
	if n.returns && all[len(all)-1].err == nil {
		all[len(all)-1].err = e.offer.CheckFexit(wrapper)
	}
	add(AttachKprobeMulti, e.checkMulti(wrapper, n))
	add(AttachKprobe, e.offer.CheckKprobe(wrapper))
	add(AttachSysEnter, nil)
	return all, nil
}

// killCaveat is what a status says of a Sigkill that cannot refuse.
const killCaveat = "Sigkill ends the process, but cannot refuse the operation: its effect may precede the death"

func (e *Engine) checkMulti(function string, n needs) error {
	feature := kernel.FeatureKprobeMulti
	if n.returns {
		feature = kernel.FeatureKretprobeMulti
	}
	if err := e.offer.Check(feature); err != nil {
		return err
	}
	return e.offer.CheckKprobe(function)
}

// wrapperOf is the kernel function of a system call: __x64_sys_read.
func (e *Engine) wrapperOf(call string) string {
	prefix := "__" + e.abi.Name + "_sys_"
	for _, name := range syscalls.Functions(call) {
		if has, err := e.offer.HasSymbol(prefix + name); err == nil && has {
			return prefix + name
		}
	}
	return prefix + call
}

// guardsOf are the security hooks at which a call can be refused, and which
// paths through it are not. The error says why the call cannot be refused.
func (e *Engine) guardsOf(h *compile.Hook, n needs) ([]syscalls.SecurityHook, string, error) {
	if !n.overrides && !n.kills {
		return nil, "", nil
	}
	refusal, ok := syscalls.SecurityHooks(h.Key.Name)
	if !ok {
		return nil, "", fmt.Errorf("%w: the system call %s passes no security hook that could refuse it", errCannotRefuse, h.Key.Name)
	}
	guards, err := refusal.On(e.hasFunction)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", errCannotRefuse, err)
	}
	for _, r := range h.Rules {
		if r.Flags&compile.RuleOverride != 0 && !refusal.CanReturn(syscall.Errno(-r.Error)) {
			return nil, "", fmt.Errorf("%w: the kernel takes the error %d as leave to go on", errCannotRefuse, r.Error)
		}
	}
	for _, g := range guards {
		if _, err := e.guardAttachment(g); err != nil {
			return nil, "", fmt.Errorf("%w: %w", errCannotRefuse, err)
		}
	}
	return guards, refusal.Gap, nil
}

func (e *Engine) hasFunction(name string) bool {
	_, err := e.offer.Function(name)
	return err == nil
}

// guardAttachment is how a guard attaches to a security hook: by fmod_ret
// where that is possible, for not every hook takes an LSM program, and not
// every kernel that takes one runs it.
func (e *Engine) guardAttachment(h syscalls.SecurityHook) (Attachment, error) {
	modify := e.offer.CheckFmodRet(h.Function())
	if modify == nil {
		return AttachFmodRet, nil
	}
	if err := e.offer.CheckLSMHook(string(h)); err != nil {
		return "", fmt.Errorf("no guard at %s: fmod_ret: %w; lsm: %w", h.Function(), modify, err)
	}
	return AttachLSM, nil
}

// functionCandidates are the places of a kernel function. Those that ask the
// LSMs are attached where they can be refused even if no policy asks for it:
// then they need not be moved when one does.
func (e *Engine) functionCandidates(h *compile.Hook, n needs) []candidate {
	name := h.Key.Name
	var all []candidate
	add := func(a Attachment, err error) {
		p := place{attachment: a, function: name}
		if err == nil && n.overrides && !a.refuses() {
			err = errCannotRefuse
		}
		if err == nil && a.traced() {
			p.params, err = e.paramsOf(name, n)
		}
		if n.kills && !a.refuses() {
			p.caveat = killCaveat
		}
		all = append(all, candidate{p, err})
	}
	if strings.HasPrefix(name, securityPrefix) || n.overrides {
		add(AttachFmodRet, e.offer.CheckFmodRet(name))
	}
	add(AttachFentry, e.offer.CheckFentry(name))
	add(AttachKprobeMulti, e.checkMulti(name, n))
	add(AttachKprobe, e.offer.CheckKprobe(name))
	if name == fdInstall {
		add(AttachSysExit, nil)
	}
	return all
}

// paramsOf is how many parameters a function has.
func (e *Engine) paramsOf(name string, n needs) (int, error) {
	f, err := e.offer.Function(name)
	if err != nil {
		return 0, err
	}
	if n.returns {
		if f.Return == "void" {
			return 0, fmt.Errorf("%s returns nothing", f)
		}
		if err := e.offer.CheckFexit(name); err != nil {
			return 0, err
		}
	}
	return len(f.Params), nil
}

// lsmCandidates are the places of an LSM hook.
func (e *Engine) lsmCandidates(name string, n needs) []candidate {
	lsm := candidate{place{attachment: AttachLSM, function: name}, e.offer.CheckLSMHook(name)}
	if lsm.err == nil {
		lsm.params, lsm.err = e.paramsOf("bpf_lsm_"+name, needs{})
	}
	function := syscalls.SecurityHook(name).Function()
	modify := candidate{place{attachment: AttachFmodRet, function: function}, e.offer.CheckFmodRet(function)}
	if modify.err == nil {
		modify.params, modify.err = e.paramsOf(function, n)
	}
	return []candidate{lsm, modify}
}

// checkFunction looks a hook's function up in the kernel's own types, and
// refuses functions that do not exist and arguments that they do not have.
func (e *Engine) checkFunction(h *compile.Hook) error {
	name := h.Key.Name
	switch h.Key.Kind {
	case compile.HookFunction:
	case compile.HookLSM:
		name = "bpf_lsm_" + name
	default:
		return nil
	}
	f, err := e.offer.Function(name)
	if err != nil {
		if has, known := e.offer.HasSymbol(name); known == nil && has {
			return nil // a function without type information can be probed all the same
		}
		return err
	}
	i := slices.IndexFunc(h.Slots, func(s compile.Slot) bool { return max(int(s.Index)+1, int(s.SizeArg)) > len(f.Params) })
	if i < 0 {
		return nil
	}
	s := h.Slots[i]
	return fmt.Errorf("there is no argument %d (counted from 0): %s", max(int(s.Index), int(s.SizeArg)-1), f)
}
