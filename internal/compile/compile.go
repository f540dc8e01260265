// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"cmp"
	"errors"
	"maps"
	"regexp"
	"slices"

	"github.com/vedette-io/vedette/internal/executable"
	"github.com/vedette-io/vedette/internal/policy"
)

// Input is what is compiled: the policies in force and what is known of the
// machine that they are for.
type Input struct {
	Policies []InputPolicy
	// Fields knows the tracepoints of the kernel. It is nil where policies
	// are only checked; then fields of type auto are of unknown type, and the
	// plan cannot be loaded.
	Fields Fields
	// Functions knows the kernel's functions. It is nil where policies are
	// only checked; then lists that the kernel fills are empty.
	Functions Functions
	// Types knows the kernel's functions and types. It is nil where policies
	// are only checked; then what only they tell is taken for right, and a
	// plan that depends on it cannot be loaded.
	Types Types
	// HostNamespaces are the inode numbers of the host's namespaces by the
	// names of [policy.NamespaceNames]; a kind that the kernel lacks is not
	// in it. It is nil where policies are only checked.
	HostNamespaces map[string]uint32
	// CheckHost returns why the agent may not ask a host, a name or an
	// address, for what GetUrl and DnsLookup want of it; nil if it may. It
	// is nil where policies are only checked.
	CheckHost func(host string) error
}

// InputPolicy is one policy with what has been decided about it.
type InputPolicy struct {
	Policy *policy.Policy
	// Monitor says that signals are not sent, only reported.
	Monitor bool
	// FollowBit is the policy's number in the masks of followed descriptors,
	// tracked sockets and notified enforcers, 0 to MaxFollow-1, or -1 where it has none. Policies
	// of which [Follows] is true need one.
	FollowBit int
	// Verify checks that a program has one of the digests of binaryDigests,
	// and returns what file that is; the error is an [*executable.DigestError]
	// if it has none of them. It is nil where policies are only checked.
	Verify func(path string, digests []string) (executable.Stamp, error)
}

// Fields knows the formats of the kernel's tracepoints.
type Fields interface {
	// TracepointField returns the field with the number of a tracepoint's
	// format. The common fields count; the first is 0.
	TracepointField(subsystem, event string, index uint32) (FieldInfo, error)
}

// Functions knows which functions the kernel has.
type Functions interface {
	// MatchingFunctions returns the names of the functions that can be hooked
	// and match a regular expression.
	MatchingFunctions(pattern *regexp.Regexp) ([]string, error)
	// HasFunction reports whether the kernel has a function of that name.
	HasFunction(name string) (bool, error)
}

// FieldInfo describes a field of a tracepoint.
type FieldInfo struct {
	Name    string
	CType   string // the declared type, such as "const char *"
	Size    int    // in bytes
	Signed  bool
	DataLoc bool // the field is a __data_loc
}

// Follows reports whether a policy follows descriptors, tracks sockets or has
// an enforcer, so that it needs a number in the masks of those.
func Follows(p *policy.Policy) bool {
	return followsDescriptors(p) || tracksSocks(p) || enforcesBy(p)
}

func followsDescriptors(p *policy.Policy) bool {
	for s := range selectors(&p.Spec) {
		if hasAction(s, policy.ActionFollowFD) {
			return true
		}
	}
	return false
}

// Compile merges the policies into one plan. Rules come in the order of the
// policies, of their entries and of their selectors. If any policy cannot be
// executed, there is no plan; the error has a [PolicyError] for each one.
func Compile(in Input) (*Plan, error) {
	d := drafts{hooks: make(map[HookKey]*draft)}
	plan := &Plan{}
	var errs []error
	for i := range in.Policies {
		f := newFrontend(&in, i)
		u := f.unit()
		diags := f.diags
		if len(diags) == 0 {
			diags = d.admit(u)
		}
		if len(diags) > 0 {
			errs = append(errs, &PolicyError{Policy: i, Diagnostics: diags, source: in.Policies[i].Policy.Source})
		}
		plan.note(f)
		if u.enforcer != nil {
			plan.Enforcers = append(plan.Enforcers, *u.enforcer)
		}
		if u.loader != nil {
			plan.Loaders = append(plan.Loaders, *u.loader)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	var cls *classes
	plan.Process, cls = buildProcess(d.hooks, &d.sets)
	for _, key := range slices.SortedFunc(maps.Keys(d.hooks), compareKeys) {
		plan.Hooks = append(plan.Hooks, build(d.hooks[key], cls))
	}
	return plan, nil
}

// note enters what is to be said of a policy that is executed.
func (p *Plan) note(f *frontend) {
	p.Skipped = append(p.Skipped, f.skipped...)
	if len(f.warnings) == 0 {
		return
	}
	if p.Warnings == nil {
		p.Warnings = make(map[int][]policy.Diagnostic)
	}
	p.Warnings[f.index] = f.warnings
}

func compareKeys(a, b HookKey) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}
