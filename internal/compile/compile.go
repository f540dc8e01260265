// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"cmp"
	"errors"
	"maps"
	"slices"

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
	// FollowBit is the policy's number in the follow masks of descriptors, 0
	// to MaxFollow-1, or -1 where it has none. Policies of which [Follows]
	// is true need one.
	FollowBit int
}

// Fields knows the formats of the kernel's tracepoints.
type Fields interface {
	// TracepointField returns the field with the number of a tracepoint's
	// format. The common fields count; the first is 0.
	TracepointField(subsystem, event string, index uint32) (FieldInfo, error)
}

// FieldInfo describes a field of a tracepoint.
type FieldInfo struct {
	Name    string
	CType   string // the declared type, such as "const char *"
	Size    int    // in bytes
	Signed  bool
	DataLoc bool // the field is a __data_loc
}

// Follows reports whether a policy follows descriptors, so that it needs a
// number in the follow masks.
func Follows(p *policy.Policy) bool {
	for s := range selectors(&p.Spec) {
		for i := range s.MatchActions {
			if s.MatchActions[i].Action == policy.ActionFollowFD {
				return true
			}
		}
	}
	return false
}

// Compile merges the policies into one plan. Rules come in the order of the
// policies, of their entries and of their selectors. If any policy cannot be
// executed, there is no plan; the error has a [PolicyError] for each one.
func Compile(in Input) (*Plan, error) {
	d := drafts{hooks: make(map[HookKey]*draft)}
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
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	plan := &Plan{}
	var cls *classes
	plan.Process, cls = buildProcess(d.hooks, &d.sets)
	for _, key := range slices.SortedFunc(maps.Keys(d.hooks), compareKeys) {
		plan.Hooks = append(plan.Hooks, build(d.hooks[key], cls))
	}
	return plan, nil
}

func compareKeys(a, b HookKey) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}
