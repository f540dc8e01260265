// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"iter"
	"slices"

	"github.com/vedette-io/vedette/internal/policy"
)

// frontend understands one policy: what it asks for becomes entries and
// conditions, and what cannot be executed yet becomes a diagnostic.
type frontend struct {
	in     *Input
	index  int
	policy *policy.Policy
	// follow is the policy's number in the follow masks, or -1.
	follow int
	// scope are the conditions on the workload that all rules have.
	scope []condition
	// track is its number in the masks of tracked sockets, or -1.
	track int
	// enforce is its number in the masks of what enforcers are notified of, or -1.
	enforce  int
	diags    []policy.Diagnostic
	warnings []policy.Diagnostic
	skipped  []Skipped
}

func newFrontend(in *Input, index int) *frontend {
	return &frontend{in: in, index: index, policy: in.Policies[index].Policy, follow: -1, track: -1, enforce: -1}
}

// maxDiagnostics bounds what is reported of one policy.
const maxDiagnostics = 1000

// errorf reports what is wrong with the field at a path.
func (f *frontend) errorf(path, format string, args ...any) {
	switch {
	case len(f.diags) > maxDiagnostics:
		return
	case len(f.diags) == maxDiagnostics:
		format, args = "more than %d findings, the rest is not shown", []any{maxDiagnostics}
	}
	f.diags = appendOnce(f.diags, f.policy.Diagnose(path, policy.SeverityError, format, args...))
}

// warnf reports what is doubtful about the field at a path.
func (f *frontend) warnf(path, format string, args ...any) {
	if len(f.warnings) < maxDiagnostics {
		f.warnings = appendOnce(f.warnings, f.policy.Diagnose(path, policy.SeverityWarning, format, args...))
	}
}

// appendOnce appends a finding that is not there yet: an entry for several
// functions is looked at several times.
func appendOnce(all []policy.Diagnostic, d policy.Diagnostic) []policy.Diagnostic {
	if slices.Contains(all, d) {
		return all
	}
	return append(all, d)
}

// wrongOperator reports an operator that is not for values of the type, a
// string or an integer by what it was found to be.
func (f *frontend) wrongOperator(op policy.Operator, t policy.ArgType, path string) {
	err := policy.CheckOperator(op, t)
	if err == nil {
		err = fmt.Errorf("operator %s cannot be used with type %s here", op, t)
	}
	f.errorf(path+".operator", "%v", err)
}

// unit understands the whole policy.
func (f *frontend) unit() *unit {
	f.checkScope()
	f.checkFollow()
	u := &unit{index: f.index, policy: f.policy}
	for i := range f.policy.Spec.Kprobes {
		u.entries = append(u.entries, f.kprobe(&f.policy.Spec.Kprobes[i], sectionKprobes, i)...)
	}
	for i := range f.policy.Spec.Fentries {
		u.entries = append(u.entries, f.kprobe(&f.policy.Spec.Fentries[i], sectionFentries, i)...)
	}
	for i := range f.policy.Spec.Tracepoints {
		if e := f.tracepoint(&f.policy.Spec.Tracepoints[i], i); e != nil {
			u.entries = append(u.entries, e)
		}
	}
	for i := range f.policy.Spec.LsmHooks {
		if e := f.lsmHook(&f.policy.Spec.LsmHooks[i], i); e != nil {
			u.entries = append(u.entries, e)
		}
	}
	for i := range f.policy.Spec.Uprobes {
		u.entries = append(u.entries, f.uprobe(&f.policy.Spec.Uprobes[i], i)...)
	}
	for i := range f.policy.Spec.Usdts {
		u.entries = append(u.entries, f.usdt(&f.policy.Spec.Usdts[i], i))
	}
	u.enforcer, u.loader = f.enforcer(), f.loader()
	f.warnCompat(u.entries)
	return u
}

// checkFollow finds the policy's number in the masks of what is followed.
func (f *frontend) checkFollow() {
	if !Follows(f.policy) {
		return
	}
	bit := f.in.Policies[f.index].FollowBit
	if bit < 0 || bit >= MaxFollow {
		f.errorf("spec", "at most %d policies can follow descriptors, track sockets or have an enforcer at once", MaxFollow)
		bit = 0
	}
	if followsDescriptors(f.policy) {
		f.follow = bit
	}
	if tracksSocks(f.policy) {
		f.track = bit
	}
	if enforcesBy(f.policy) {
		f.enforce = bit
	}
}

// selectors yields the selectors of all sections.
func selectors(s *policy.Spec) iter.Seq[*policy.Selector] {
	return func(yield func(*policy.Selector) bool) {
		for e := range s.Entries() {
			for j := range e.Selectors {
				if !yield(&e.Selectors[j]) {
					return
				}
			}
		}
	}
}
