// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Call is a system call, by its name without prefix, with its variants.
type Call struct {
	Name     string
	Variants []Variant
}

// Variant is one path through a call.
type Variant struct {
	Name string
	// Fails is the errno that the call ends with when nobody refuses it, for calls that cannot be
	// let succeed in a test (loading a module, swap); 0 for all others, whose effect is seen.
	Fails unix.Errno
	// Replaced is the errno that the kernel returns in place of that of the refusal; 0 when it passes that on.
	Replaced unix.Errno
	// Machine says that the call, let through, changes the whole machine (its clock, its accounting,
	// a loaded kexec kernel), so that it is only for machines of the test's own.
	Machine bool
	prepare func(*rig) *plan
}

// plan is what the child of a variant does, and how the effect is seen.
type plan struct {
	before []step
	call   step
	// done reports whether the call has had its effect.
	done func(*Attempt) bool
}

// first adds a call that the child makes before, which must succeed.
func (p *plan) first(number uintptr, args ...uintptr) *plan {
	p.before = append(p.before, callStep(number, args...))
	return p
}

// forks says that the call makes a process, which then ends at once.
func (p *plan) forks() *plan {
	p.call.kind = kindFork
	return p
}

// Attempt is a child that stands before its call.
type Attempt struct {
	// Process is the id of the child, which is also that of its only thread.
	Process int

	tb          testing.TB
	child       *child
	plan        *plan
	gate        *step
	call        *step
	descriptors int
}

// Start prepares the variant and starts its child, which waits for
// [Attempt.Run]. Everything is cleaned up with the test, whose process needs
// to be root. It skips the test, naming what is missing, when the kernel lacks
// what the variant needs.
func (v Variant) Start(tb testing.TB) *Attempt {
	tb.Helper()
	r := newRig(tb)
	p := v.prepare(r)
	last := prologue + len(p.before) + 1 // after the gate
	c := r.start(append(p.before, gate(), p.call, gate())...)
	a := &Attempt{Process: c.pid, tb: tb, child: c, plan: p, gate: &c.steps[last-1], call: &c.steps[last]}
	for i := range c.steps[:last-1] {
		s := &c.steps[i]
		if !c.wait(tb, s) || s.result < 0 {
			tb.Fatalf("preparing: system call %d: %v", s.number, unix.Errno(-s.result))
		}
	}
	a.descriptors = openDescriptors(a.Process)
	return a
}

// Run lets the child make its call, and returns the errno with which the call
// ended, 0 for success.
func (a *Attempt) Run() unix.Errno {
	a.tb.Helper()
	a.gate.open()
	if !a.child.wait(a.tb, a.call) || a.call.result >= 0 {
		return 0
	}
	if a.call.result < -4095 {
		return 0 // an address
	}
	return unix.Errno(-a.call.result)
}

// Done reports whether the call has had its effect.
func (a *Attempt) Done() bool { return a.plan.done(a) }

// result is what the call returned: negative an errno.
func (a *Attempt) result() int { return int(a.call.result) }
