// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
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

// errNoHashes is why an attachment does not do for a policy with imaHash.
var errNoHashes = errors.New("cannot have the hash of a file (imaHash): only LSM programs can")

// needs is what the rules of a hook ask of its attachment.
type needs struct {
	overrides, kills, returns bool
	// registers says that policies ask for registers.
	registers bool
	// sets and writesRegisters are that the memory and the registers of programs
	// are written.
	sets, writesRegisters bool
	// hashes is that events have the hashes of files.
	hashes bool
	// decides is that more than events depend on the hook: its policies kill,
	// refuse, signal, notify an enforcer, or note what another hook asks for.
	decides bool
	// monitored says that rules which are only monitored count as the others.
	monitored bool
}

// deciding are the flags of rules on which more than an event depends.
const deciding = compile.RuleKill | compile.RuleOverride | compile.RuleSignal | compile.RuleNotify | compile.RuleCleanNotify |
	compile.RuleTrackSock | compile.RuleUntrackSock

// needsOf is what a hook's rules need to be carried out whatever the modes of
// their policies are.
func needsOf(h *compile.Hook) needs { return needsIn(h, true) }

// needsNow is what they need in their modes.
func needsNow(h *compile.Hook) needs { return needsIn(h, false) }

func needsIn(h *compile.Hook, monitored bool) needs {
	n := needs{
		returns: h.HasReturn, monitored: monitored,
		registers: slices.ContainsFunc(h.Slots, func(s compile.Slot) bool { return s.From == compile.FromRegister }),
	}
	for _, r := range h.Rules {
		n.hashes = n.hashes || r.Flags&compile.RuleIMA != 0
		if n.counts(r) {
			n.overrides = n.overrides || r.Flags&compile.RuleOverride != 0
			n.kills = n.kills || r.Flags&compile.RuleKill != 0
			n.decides = n.decides || r.Flags&deciding != 0 || len(r.FDOps) > 0
			n.sets = n.sets || len(r.Sets) != 0
			n.writesRegisters = n.writesRegisters || r.Registers != nil
		}
	}
	return n
}

// counts reports whether a rule is among those that are to be carried out.
func (n needs) counts(r compile.Rule) bool { return n.monitored || r.Flags&compile.RuleMonitor == 0 }

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
	// hashes says that files are hashed at the LSM hook.
	hashes bool
	// guards are the security hooks that carry out verdicts on a system call.
	guards []syscalls.SecurityHook
	// caveat is what a user must know of how the hook's policies are
	// enforced, mostly empty.
	caveat string
}

// endsVerdicts reports whether the dispatcher of returns ends the verdicts on
// its system call: it must see every return, which a kretprobe does not.
func (p place) endsVerdicts() bool { return p.wrapper && p.attachment.traced() }

// candidate is a place that may do. What the kernel says of it is asked only
// when it is its turn: that can take long.
type candidate struct {
	place
	// check says why the place does not do, and completes it; nil where
	// there is nothing to ask.
	check func(*place) error
	// lacks says which feature of the kernel is missing, asked only after an
	// attachment has failed: to try it is the best question. It is nil where
	// check asks, because what cannot work can be attached all the same.
	lacks func() error
}

// placeKey is a place of a hook.
type placeKey struct {
	hook       compile.HookKey
	attachment Attachment
}

func (c candidate) key(h *compile.Hook) placeKey { return placeKey{h.Key, c.attachment} }

// explain is why an attachment failed: for want of a feature, or as it says.
func (c candidate) explain(err error) error {
	if c.lacks != nil {
		if missing := c.lacks(); missing != nil {
			return missing
		}
	}
	return err
}

// settle asks whether the place does.
func (c candidate) settle() (place, error) {
	p := c.place
	if c.check == nil {
		return p, nil
	}
	err := c.check(&p)
	return p, err
}

// places are the candidates for a hook, the best first.
func (e *Engine) places(h *compile.Hook) ([]candidate, error) {
	if err := e.checkFunction(h); err != nil {
		return nil, err
	}
	all, err := e.candidates(h)
	if err != nil {
		return nil, err
	}
	if h.HasReturn {
		avoidMulti(all)
	}
	if needsOf(h).registers {
		all = withRegisters(all)
	}
	return e.prefer(e.order(h, all)), nil
}

// order puts kprobe_multi first for hooks that are many, and takes it away
// from those whose policies do not want it. A hook stays where it stands: to
// move it there, or away, would let it act twice for a moment. Hooks that
// enforce keep the order of how surely the kernel runs their programs: a
// kprobe it skips where any other of them is running on the CPU.
func (e *Engine) order(h *compile.Hook, all []candidate) []candidate {
	if h.NoMulti {
		return slices.DeleteFunc(all, func(c candidate) bool {
			return c.attachment == AttachKprobeMulti || c.attachment == AttachUprobeMulti
		})
	}
	i := slices.IndexFunc(all, func(c candidate) bool { return c.attachment == AttachKprobeMulti })
	first := h.Many
	if old := e.hooks[h.Key]; old != nil {
		first = old.place.attachment == AttachKprobeMulti
	}
	if n := needsOf(h); i <= 0 || !first || n.overrides || n.kills {
		return all
	}
	multi := all[i]
	return slices.Insert(slices.Delete(all, i, i+1), 0, multi)
}

// errNoRegisters is why an attachment does not do for a policy that asks for
// registers.
var errNoRegisters = errors.New("it has no registers, which data with the source pt_regs asks for")

// withRegisters lets no candidate do whose programs have not all registers. A
// kprobe of many at once has only those of arguments on newer kernels (since
// 6.14, kernel/trace/fprobe.c).
func withRegisters(all []candidate) []candidate {
	for i := range all {
		if a := all[i].attachment; !a.probed() || a == AttachKprobeMulti {
			all[i].check = func(*place) error { return errNoRegisters }
		}
	}
	return all
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
			if !slices.Contains(r.attachments, string(a)) {
				e.reasons[i].attachments = append(r.attachments, string(a))
			}
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

// candidates are the places that may do for a hook. A policy's mode is changed
// at run time, which is to change nothing but tables: what is only monitored
// stands where it can be carried out, and elsewhere only if there is no such
// place.
func (e *Engine) candidates(h *compile.Hook) ([]candidate, error) {
	n, now := needsOf(h), needsNow(h)
	all, err := e.candidatesFor(h, n)
	if now.monitored = true; err != nil || now == n {
		return all, err
	}
	more, err := e.candidatesFor(h, needsNow(h))
	return append(all, more...), err
}

func (e *Engine) candidatesFor(h *compile.Hook, n needs) ([]candidate, error) {
	switch h.Key.Kind {
	case compile.HookSyscall, compile.HookCompatSyscall:
		return e.callCandidates(h, n), nil
	case compile.HookFunction:
		return e.functionCandidates(h, n), nil
	case compile.HookLSM:
		return e.lsmCandidates(h.Key.Name, n), nil
	case compile.HookUprobe, compile.HookUSDT:
		return e.probeCandidates(h, n)
	case compile.HookTracepoint:
		return []candidate{{place: place{attachment: AttachTracepoint, function: h.Key.Name}}}, nil
	case compile.HookRawTracepoint:
		return e.rawCandidates(h, n), nil
	}
	return nil, fmt.Errorf("unknown kind %d", h.Key.Kind)
}

// rawCandidates are the places of a raw tracepoint.
func (e *Engine) rawCandidates(h *compile.Hook, n needs) []candidate {
	all := []candidate{
		{place: place{attachment: AttachBTFTracepoint, function: h.Key.Name}, lacks: e.offers(kernel.FeatureBTFTracepoint)},
		{place: place{attachment: AttachRawTracepoint, function: h.Key.Name}},
	}
	if e.mustNotSkip(n) && h.Key.Name == sysEnter && !slices.ContainsFunc(h.Slots, notTheNumber) {
		format := candidate{place: place{attachment: AttachTracepoint, function: rawSyscalls + sysEnter}}
		all = slices.Insert(all, 0, format)
	}
	return all
}

// mustNotSkip reports whether a hook is better attached where the kernel runs
// programs with preemption disabled: as a kprobe, or at a tracepoint by its
// format. Any other program but that of an LSM hook it skips while a preempted
// task of the CPU is in it (kernel/bpf/trampoline.c, __bpf_prog_enter_recur;
// kernel/trace/bpf_trace.c, __bpf_trace_run).
func (e *Engine) mustNotSkip(n needs) bool { return n.decides && e.offer.Preempts() }

// The tracepoint of all system calls, whose format has the number where the
// raw one has it.
const (
	sysEnter    = "sys_enter"
	rawSyscalls = "raw_syscalls/"
)

// notTheNumber reports whether a slot is another than that of the number of
// the system call.
func notTheNumber(s compile.Slot) bool { return !s.IsArgument() || s.Index != 1 || s.Resolve != "" }

// offers asks for a feature.
func (e *Engine) offers(f kernel.Feature) func() error {
	return func() error { return e.offer.Check(f) }
}

// offersAll asks for a feature after those that writing into a program needs.
func (e *Engine) offersAll(n needs, f kernel.Feature) func() error {
	return func() error {
		if n.sets {
			if err := e.offer.Check(kernel.FeatureWriteUser); err != nil {
				return err
			}
		}
		if n.writesRegisters {
			if err := e.offer.Check(kernel.FeatureUprobeRegisters); err != nil {
				return err
			}
		}
		return e.offer.Check(f)
	}
}

// callCandidates are the places of a system call. The verdict of a call
// whose own result cannot be replaced is carried out by guards at the
// security hooks that it passes.
func (e *Engine) callCandidates(h *compile.Hook, n needs) []candidate {
	wrapper := e.wrapperOf(h.Key)
	at := func(a Attachment) place {
		return place{attachment: a, function: wrapper, wrapper: true, params: 1}
	}
	guards := sync.OnceValue(func() guarding { return e.guardsOf(h, n) })
	guarded := func(a Attachment, lacks func() error) candidate {
		return candidate{at(a), func(p *place) error { return guards().complete(p, n) }, lacks}
	}
	all := []candidate{
		guarded(AttachFentry, func() error { return e.checkTraced(n) }),
		guarded(AttachKprobeMulti, func() error { return e.checkMulti(wrapper, n) }),
		guarded(AttachKprobe, func() error { return e.offer.CheckKprobe(wrapper) }),
		guarded(AttachSysEnter, nil),
	}
	modify := candidate{place: at(AttachFmodRet), check: func(*place) error { return e.offer.CheckFmodRet(wrapper) }}
	switch notSkipped := e.mustNotSkip(n); {
	case notSkipped && n.overrides:
		all = []candidate{all[2], modify, all[0], all[1], all[3]}
	case notSkipped:
		all = []candidate{all[2], all[0], all[1], all[3]}
	case n.overrides:
		all = slices.Insert(all, 0, modify)
	}
	return all
}

// checkTraced asks for trampolines at the entry and, where it is needed, the
// return of functions.
func (e *Engine) checkTraced(n needs) error {
	if err := e.offer.Check(kernel.FeatureFentry); err != nil || !n.returns {
		return err
	}
	return e.offer.Check(kernel.FeatureFexit)
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
func (e *Engine) wrapperOf(key compile.HookKey) string {
	call := key.Name
	if key.Kind == compile.HookCompatSyscall {
		return e.compatWrapperOf(call)
	}
	prefix := "__" + e.abi.Name + "_sys_"
	names := syscalls.Functions(call)
	i := slices.IndexFunc(names, func(name string) bool { return len(names) == 1 || e.offer.Describes(prefix+name) })
	if i < 0 {
		return prefix + call
	}
	return prefix + names[i]
}

// guarding is what guards can do for the policies on a system call.
type guarding struct {
	at []syscalls.SecurityHook
	// gap are the paths through the call that are not refused, mostly none.
	gap string
	// err is why the call cannot be refused.
	err error
}

// complete adds guards to a place whose attachment cannot refuse.
func (g guarding) complete(p *place, n needs) error {
	if g.err != nil && n.overrides {
		return g.err
	}
	p.guards, p.caveat = g.at, g.gap
	if g.err != nil && n.kills {
		p.caveat = killCaveat
	}
	return nil
}

// guardsOf finds out whether, and where, a call can be refused.
func (e *Engine) guardsOf(h *compile.Hook, n needs) guarding {
	if !n.overrides && !n.kills {
		return guarding{}
	}
	refusal, ok := syscalls.SecurityHooks(sameCall(h.Key))
	if !ok {
		return guarding{err: fmt.Errorf("%w: the system call %s passes no security hook that could refuse it", errCannotRefuse, h.Key.Name)}
	}
	at, err := refusal.On(e.offer.Describes)
	if err != nil {
		return guarding{err: fmt.Errorf("%w: %w", errCannotRefuse, err)}
	}
	for _, r := range h.Rules {
		if r.Flags&compile.RuleOverride != 0 && n.counts(r) && !refusal.CanReturn(syscall.Errno(-r.Error)) {
			return guarding{err: fmt.Errorf("%w: the kernel takes the error %d as leave to go on", errCannotRefuse, r.Error)}
		}
	}
	for _, hook := range at {
		if _, err := e.guardAttachments(hook); err != nil {
			return guarding{err: fmt.Errorf("%w: %w", errCannotRefuse, err)}
		}
	}
	return guarding{at: at, gap: refusal.Gap}
}

// guardAttachments are how a guard can attach to a security hook, the best
// first. The kernel skips a trampoline's program that is running already on
// the CPU, preempted, but never an LSM program (since 6.2,
// include/linux/bpf_verifier.h, bpf_prog_check_recur).
func (e *Engine) guardAttachments(h syscalls.SecurityHook) ([]Attachment, error) {
	var all []Attachment
	lsm := e.offer.CheckLSMHook(string(h))
	if lsm == nil && !h.ClosedToLSM() {
		all = append(all, AttachLSM)
	}
	modify := e.offer.CheckFmodRet(h.Function())
	if modify == nil {
		all = append(all, AttachFmodRet)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no guard at %s: fmod_ret: %w; lsm: %w", h.Function(), modify, lsm)
	}
	return all, nil
}

// functionCandidates are the places of a kernel function. Those that ask the
// LSMs are attached where they can be refused even if no policy asks for it.
// An LSM program is never skipped (see guardAttachments), but does not see
// what another LSM has denied: it is for policies that enforce.
func (e *Engine) functionCandidates(h *compile.Hook, n needs) []candidate {
	name := h.Key.Name
	var all []candidate
	add := func(a Attachment, lacks func() error) {
		p := place{attachment: a, function: name}
		if n.kills && !a.refuses() {
			p.caveat = killCaveat
		}
		all = append(all, candidate{p, func(p *place) error {
			if n.overrides && !a.refuses() {
				return errCannotRefuse
			}
			if !a.traced() {
				return nil
			}
			var err error
			p.params, err = e.paramsOf(name, n)
			return err
		}, lacks})
	}
	if hook, ok := syscalls.SecurityHookOf(name); ok && (n.overrides || n.kills) && !n.returns {
		all = append(all, candidate{place: place{attachment: AttachLSM, function: string(hook)}, check: func(p *place) error {
			return e.checkSameArguments(p, h)
		}})
	}
	probe := func() { add(AttachKprobe, func() error { return e.offer.CheckKprobe(name) }) }
	notSkipped := e.mustNotSkip(n)
	if notSkipped && !n.overrides && !n.kills {
		probe()
	}
	if strings.HasPrefix(name, securityPrefix) || n.overrides {
		add(AttachFmodRet, func() error { return e.offer.CheckFmodRet(name) })
	}
	if notSkipped && (n.overrides || n.kills) {
		probe()
	}
	add(AttachFentry, func() error { return e.checkTraced(n) })
	add(AttachKprobeMulti, func() error { return e.checkMulti(name, n) })
	if !notSkipped {
		probe()
	}
	if name == fdInstall {
		add(AttachSysExit, nil)
	}
	return all
}

// checkSameArguments asks whether an LSM hook can stand for the function that
// calls it: the arguments that the policies use must be the same.
func (e *Engine) checkSameArguments(p *place, h *compile.Hook) error {
	if err := e.offer.CheckLSMHook(p.function); err != nil {
		return err
	}
	function, err := e.offer.Function(h.Key.Name)
	if err != nil {
		return err
	}
	hook, err := e.offer.Function("bpf_lsm_" + p.function)
	if err != nil {
		return err
	}
	p.params = len(hook.Params)
	for _, s := range h.Slots {
		for _, i := range []int{int(s.Index), int(s.SizeArg) - 1} {
			if i < 0 || !s.IsArgument() {
				continue
			}
			if i >= len(hook.Params) || i >= len(function.Params) || hook.Params[i].Type != function.Params[i].Type {
				return fmt.Errorf("argument %d of %s is not that of the hook: %s", i, function, hook)
			}
		}
	}
	return nil
}

// paramsOf is how many parameters a function has.
func (e *Engine) paramsOf(name string, n needs) (int, error) {
	f, err := e.offer.Function(name)
	if err != nil {
		return 0, err
	}
	if n.returns && f.Return == "void" {
		return 0, fmt.Errorf("%s returns nothing", f)
	}
	return len(f.Params), nil
}

// lsmCandidates are the places of an LSM hook.
func (e *Engine) lsmCandidates(name string, n needs) []candidate {
	function := syscalls.SecurityHook(name).Function()
	return []candidate{
		{place: place{attachment: AttachLSM, function: name, hashes: n.hashes}, check: func(p *place) error {
			if err := e.offer.CheckLSMHook(name); err != nil {
				return err
			}
			if n.hashes {
				if err := e.offer.Check(kernel.FeatureIMA); err != nil {
					return err
				}
			}
			var err error
			p.params, err = e.paramsOf("bpf_lsm_"+name, n)
			return err
		}},
		{place{attachment: AttachFmodRet, function: function}, func(p *place) error {
			if n.hashes {
				return errNoHashes
			}
			var err error
			p.params, err = e.paramsOf(function, n)
			return err
		}, func() error { return e.offer.CheckFmodRet(function) }},
	}
}

// checkFunction looks a hook's function up in the kernel's own types, and
// refuses functions that do not exist and arguments that they do not have.
func (e *Engine) checkFunction(h *compile.Hook) error {
	name := h.Key.Name
	switch h.Key.Kind {
	case compile.HookCompatSyscall:
		return e.checkCompat()
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
	i := slices.IndexFunc(h.Slots, func(s compile.Slot) bool {
		return s.IsArgument() && max(int(s.Index)+1, int(s.SizeArg)) > len(f.Params)
	})
	if i < 0 {
		return nil
	}
	s := h.Slots[i]
	return fmt.Errorf("there is no argument %d (counted from 0): %s", max(int(s.Index), int(s.SizeArg)-1), f)
}
