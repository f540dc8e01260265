// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
)

// maxMemory bounds how many answers about single functions are remembered.
const maxMemory = 4096

// attachMemory is what the kernel answered about single functions. What does
// not fit is asked again.
type attachMemory struct {
	mu      sync.Mutex
	answers map[attachment]error
}

// attachment is a kind of program on a function.
type attachment struct {
	feature  Feature
	function string
}

// once asks the kernel unless it was asked before.
func (m *attachMemory) once(a attachment, ask func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	err, ok := m.answers[a]
	if ok {
		return err
	}
	err = ask()
	if m.answers == nil || len(m.answers) >= maxMemory {
		m.answers = map[attachment]error{}
	}
	m.answers[a] = err
	return err
}

// AttachError says why a feature that the kernel offers is not possible on a
// function. Err is what the kernel answered or lists.
type AttachError struct {
	Feature  Feature
	Function string
	Err      error
}

// Error names the function and the feature.
func (e *AttachError) Error() string {
	return fmt.Sprintf("%s on %s: %v", e.Feature, e.Function, e.Err)
}

// Unwrap returns the kernel's answer.
func (e *AttachError) Unwrap() error { return e.Err }

// check asks whether a feature is possible on a function. A feature that is
// missing as such is its own error.
func (o *Offer) check(f Feature, function string, ask func() error) error {
	if err := o.Check(f); err != nil {
		return err
	}
	return o.attach.once(attachment{f, function}, func() error {
		if err := ask(); err != nil {
			return &AttachError{Feature: f, Function: function, Err: err}
		}
		return nil
	})
}

// CheckFentry returns nil if fentry programs can be attached to the function.
// Functions with more parameters than trampolines can pass on are refused by
// the kernel here.
func (o *Offer) CheckFentry(function string) error {
	return o.checkTracing(FeatureFentry, ebpf.AttachTraceFEntry, function)
}

// CheckFexit returns nil if fexit programs can be attached to the function.
func (o *Offer) CheckFexit(function string) error {
	return o.checkTracing(FeatureFexit, ebpf.AttachTraceFExit, function)
}

// CheckFmodRet returns nil if fmod_ret programs may be attached to the
// function: the kernel allows it for those whose names begin with security_,
// and those whose errors may be injected. The kernel is asked, with a program
// for that function.
func (o *Offer) CheckFmodRet(function string) error {
	return o.checkTracing(FeatureFmodRet, ebpf.AttachModifyReturn, function)
}

// checkTracing loads a program for the function, and looks whether the
// function can be patched: loading does not.
func (o *Offer) checkTracing(f Feature, kind ebpf.AttachType, function string) error {
	return o.check(f, function, func() error {
		if err := o.hasFunction(function); err != nil {
			return err
		}
		if err := o.checkTraceable(function); err != nil {
			return err
		}
		return o.tryLoad(ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: kind, AttachTo: function}, returnZero())
	})
}

// checkTraceable looks the function up in the list of ftrace, where there is
// one.
func (o *Offer) checkTraceable(function string) error {
	traceable, err := o.symbols.traceable.has(function, readTraceable)
	switch {
	case isAbsent(err):
		return nil
	case err == nil && !traceable:
		return errors.New("the function is not among those that can be traced")
	}
	return err
}

// hasFunction checks that BTF describes a function.
func (o *Offer) hasFunction(function string) error {
	_, _, err := o.types.function(function)
	if errors.Is(err, btf.ErrNotFound) {
		return o.noFunction(function)
	}
	return err
}

// CheckKprobe returns nil if the kernel has the function and lets kprobes
// touch it.
func (o *Offer) CheckKprobe(function string) error {
	return o.check(FeatureKprobe, function, func() error {
		if err := o.checkProbed(function); err != nil {
			return err
		}
		refused := o.checkTraceable(function)
		if refused == nil {
			return nil
		}
		// Only kernels with CONFIG_KPROBE_EVENTS_ON_NOTRACE allow it: ask.
		err := o.run(trial{
			spec:   ebpf.ProgramSpec{Type: ebpf.Kprobe, Instructions: returnZero()},
			attach: func(p *ebpf.Program) (io.Closer, error) { return link.Kprobe(function, p, nil) },
		})
		if err != nil {
			return refused
		}
		return nil
	})
}

// checkProbed looks the function up in the kernel's lists.
func (o *Offer) checkProbed(function string) error {
	found, err := o.HasSymbol(function)
	if err != nil {
		return err
	}
	if !found {
		return o.noSymbol(function)
	}
	forbidden, err := o.symbols.forbidden.has(function, readForbidden)
	if err != nil && !isAbsent(err) {
		return err
	}
	if forbidden {
		return errors.New("the function is on the kernel's list of those that kprobes may not touch")
	}
	return nil
}

// CheckOverride returns nil if a kprobe may override what the function
// returns: a program that could, but does not, is attached and taken away.
func (o *Offer) CheckOverride(function string) error {
	if err := o.Check(FeatureKprobe); err != nil {
		return err
	}
	return o.check(FeatureOverride, function, func() error {
		if err := o.checkProbed(function); err != nil {
			return err
		}
		err := o.run(trial{
			spec:   ebpf.ProgramSpec{Type: ebpf.Kprobe, Instructions: overriding()},
			attach: func(p *ebpf.Program) (io.Closer, error) { return link.Kprobe(function, p, nil) },
		})
		if err != nil {
			return fmt.Errorf("the function does not allow it: %w", err)
		}
		return nil
	})
}

// CheckKprobeMulti returns nil if one of many kprobes of one link can be on
// the function.
func (o *Offer) CheckKprobeMulti(function string) error {
	return o.check(FeatureKprobeMulti, function, func() error {
		if err := o.checkProbed(function); err != nil {
			return err
		}
		return o.checkTraceable(function)
	})
}

// ErrNoLSMHook is matched by the error of an LSM hook that the kernel does not
// have.
var ErrNoLSMHook = errors.New("the kernel has no such LSM hook")

// CheckLSMHook returns nil if the kernel asks BPF programs at the LSM hook:
// its name is without a prefix, such as file_open.
func (o *Offer) CheckLSMHook(hook string) error {
	return o.check(FeatureLSM, hook, func() error {
		_, _, err := o.types.function(lsmPrefix + hook)
		if errors.Is(err, btf.ErrNotFound) {
			return fmt.Errorf("%w%s", ErrNoLSMHook, suggestLSMHook(hook))
		}
		if err != nil {
			return err
		}
		return o.tryLoad(ebpf.ProgramSpec{Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: hook}, returnZero())
	})
}

// Attachments asks which ways of attaching are possible on a function, and
// returns the answers in a fixed order. LSM is among them for functions whose
// names begin with security_, each the place of an LSM hook.
func (o *Offer) Attachments(function string) []Answer {
	answers := []Answer{
		o.answer(FeatureFentry, o.CheckFentry(function)),
		o.answer(FeatureFexit, o.CheckFexit(function)),
		o.answer(FeatureFmodRet, o.CheckFmodRet(function)),
		o.answer(FeatureKprobe, o.CheckKprobe(function)),
		o.answer(FeatureKprobeMulti, o.CheckKprobeMulti(function)),
		o.answer(FeatureOverride, o.CheckOverride(function)),
	}
	if hook, ok := strings.CutPrefix(function, "security_"); ok {
		answers = append(answers, o.answer(FeatureLSM, o.CheckLSMHook(hook)))
	}
	return answers
}

// returnZero is a program that does nothing.
func returnZero() asm.Instructions { return asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()} }
