// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/executable"
	"github.com/vedette-io/vedette/internal/hook"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/observe"
	"github.com/vedette-io/vedette/internal/policy"
	"github.com/vedette-io/vedette/internal/server"
	"github.com/vedette-io/vedette/internal/workload"
)

// domainStatic is the domain of policies from files.
const domainStatic = "static"

// policySet holds the policies and keeps the kernel in step with them. It
// implements [server.Policies].
type policySet struct {
	engine    *hook.Engine
	observer  *observe.Observer
	fields    compile.Fields
	functions compile.Functions
	types     compile.Types
	host      map[string]uint32
	log       *slog.Logger
	// checkHost returns why the agent may not ask a host.
	checkHost func(host string) error
	// loader tells of the files that are mapped to be executed.
	loader *loader
	// prepareStacks is called when a policy shows stacks of the kernel.
	prepareStacks func()
	// digests are those of programs that policies want to be certain ones.
	digests executable.Digests

	mu      sync.Mutex
	entries []*policyEntry // by id
	lastID  uint64
	// loaded are the hooks in force, by their numbers.
	loaded map[uint32]hook.Loaded
	// names are the names of the policies in force, as loaded counts them.
	names []string
	// shares are the entries that each hook serves.
	shares map[compile.HookKey][]*policyEntry
	// skipped are the functions that policies in force do without.
	skipped map[*policyEntry][]compile.Skipped
}

// policyEntry is one policy that was added, in whatever state it is.
type policyEntry struct {
	id      uint64
	ref     server.Ref
	policy  *policy.Policy
	mode    tetragon.TracingPolicyMode
	enabled bool
	// err is why the policy could not be loaded, nil if it could.
	err       error
	followBit int
	// warned says that what is doubtful about the policy has been logged.
	warned bool
	// verified are the programs with binaryDigests.
	verified map[string]verified
}

func newPolicySet(engine *hook.Engine, observer *observe.Observer, tracefs *kernel.Tracefs, host workload.Namespaces, log *slog.Logger) *policySet {
	s := &policySet{
		engine: engine, observer: observer, functions: kernelFunctions{kernel.Offered()}, types: hook.TypesOf(kernel.Offered(), tracefs),
		log: log, host: map[string]uint32{},
	}
	if tracefs != nil {
		s.fields = tracepointFields{tracefs}
	}
	for i, name := range policy.NamespaceNames {
		if host[i] != 0 {
			s.host[name] = host[i]
		}
	}
	return s
}

// key is the name under which the engine counts for an entry.
func (e *policyEntry) key() string { return strconv.FormatUint(e.id, 10) }

// modeOf is the mode that a policy asks for.
func modeOf(p *policy.Policy) tetragon.TracingPolicyMode {
	switch {
	case !enforces(&p.Spec):
		return tetragon.TracingPolicyMode_TP_MODE_MONITOR_ONLY
	case p.Mode() == policy.ModeMonitor:
		return tetragon.TracingPolicyMode_TP_MODE_MONITOR
	}
	return tetragon.TracingPolicyMode_TP_MODE_ENFORCE
}

// Add implements [server.Policies]. If the policy cannot be loaded, it stays
// in the list with its error, and can be replaced.
func (s *policySet) Add(_ context.Context, yaml, domain string) error {
	policies, diags := policy.Parse("policy", []byte(yaml))
	src := policy.NewSource("policy", []byte(yaml))
	if policy.HasErrors(diags) {
		return fmt.Errorf("%w:\n%w", server.ErrInvalid, policy.AsError(src, diags))
	}
	if len(policies) == 0 {
		return fmt.Errorf("%w: the text holds no policy", server.ErrInvalid)
	}
	s.warn("", diags)
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.add(policies, domain)...)
}

// AddFile loads the policies of a file of the command line. What is wrong
// with one document leaves the others alone.
func (s *policySet) AddFile(path string) error {
	policies, diags, err := policy.ReadFile(path)
	if err != nil {
		return err
	}
	var errs []error
	if policy.HasErrors(diags) {
		errs = append(errs, policy.AsError(policy.NewSource(path, nil), diags))
	}
	s.warn(path, diags)
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(append(errs, s.add(policies, domainStatic)...)...)
}

// add makes entries and loads them.
func (s *policySet) add(policies []*policy.Policy, domain string) []error {
	var errs []error
	var fresh []*policyEntry
	for _, p := range policies {
		e, err := s.newEntry(p, domain)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		fresh = append(fresh, e)
	}
	s.load(fresh)
	for _, e := range fresh {
		if e.err != nil {
			errs = append(errs, e.err)
			continue
		}
		s.review(e)
	}
	return errs
}

// review warns of selectors of a policy that have no effect.
func (s *policySet) review(e *policyEntry) {
	in := s.input([]*policyEntry{e})
	plan, err := compile.Compile(in)
	if err != nil {
		return // it is in force beside others, so this is about what it would be alone
	}
	file := ""
	if e.policy.Source != nil && e.ref.Domain == domainStatic {
		file = e.policy.Source.Name
	}
	s.warn(file, plan.Review(in), "policy", e.ref.Name)
}

// warn logs the warnings among what was found in a text; file is empty where
// that came from a client.
func (s *policySet) warn(file string, found []policy.Diagnostic, more ...any) {
	if file != "" {
		more = append(more, "file", file)
	}
	for _, d := range found {
		if d.Severity == policy.SeverityWarning {
			s.log.Warn(d.Text(), append(slices.Clip(more), "line", d.Pos.Line, "column", d.Pos.Column)...)
		}
	}
}

// input is what entries are compiled from.
func (s *policySet) input(entries []*policyEntry) compile.Input {
	in := compile.Input{Fields: s.fields, Functions: s.functions, Types: s.types, HostNamespaces: s.host, CheckHost: s.checkHost}
	for _, e := range entries {
		in.Policies = append(in.Policies, compile.InputPolicy{
			Policy: e.policy, Monitor: e.mode == tetragon.TracingPolicyMode_TP_MODE_MONITOR, FollowBit: e.followBit,
			Verify: s.verifier(e),
		})
	}
	return in
}

// newEntry makes an entry for a policy, in the place of one of the same name
// that could not be loaded.
func (s *policySet) newEntry(p *policy.Policy, domain string) (*policyEntry, error) {
	ref := server.Ref{Name: p.Metadata.Name, Namespace: p.Metadata.Namespace, Domain: domain}
	if old := s.find(ref); old != nil {
		if old.err == nil {
			return nil, fmt.Errorf("failed to add tracing policy %s: %w", describe(ref), server.ErrExists)
		}
		s.drop(old)
	}
	s.lastID++
	e := &policyEntry{id: s.lastID, ref: ref, policy: p, mode: modeOf(p), enabled: true, followBit: -1}
	if compile.Follows(p) {
		e.followBit = s.freeFollowBit()
		if e.followBit < 0 {
			return nil, fmt.Errorf("policy %s: %d policies follow descriptors already, the most that are supported", describe(ref), compile.MaxFollow)
		}
	}
	s.entries = append(s.entries, e)
	return e, nil
}

func (s *policySet) freeFollowBit() int {
	used := map[int]bool{}
	for _, e := range s.entries {
		used[e.followBit] = true
	}
	for bit := range compile.MaxFollow {
		if !used[bit] {
			return bit
		}
	}
	return -1
}

// load puts entries into force beside those that are. Those that cannot be
// are left with their error.
func (s *policySet) load(fresh []*policyEntry) {
	err := s.apply()
	for err != nil && len(fresh) > 0 {
		failed := s.blame(err, fresh)
		if len(failed) == 0 {
			break
		}
		fresh = slices.DeleteFunc(slices.Clone(fresh), func(e *policyEntry) bool { return slices.Contains(failed, e) })
		err = s.apply()
	}
	if err == nil {
		return
	}
	// The kernel refused, and does not say whose fault it is: one by one.
	for _, e := range fresh {
		e.err = errors.New("not loaded yet")
	}
	for _, e := range fresh {
		e.err = nil
		if err := s.apply(); err != nil {
			e.err = fmt.Errorf("policy %s: %w", describe(e.ref), err)
		}
	}
}

// blame gives the compiler's errors to the entries that they are about, and
// returns those of them that are fresh.
func (s *policySet) blame(err error, fresh []*policyEntry) []*policyEntry {
	active := s.active()
	var failed []*policyEntry
	for _, pe := range compile.PolicyErrors(err) {
		e := active[pe.Policy]
		if slices.Contains(fresh, e) {
			e.err = pe
			failed = append(failed, e)
		}
	}
	return failed
}

// active are the entries that are or shall be in force.
func (s *policySet) active() []*policyEntry {
	var out []*policyEntry
	for _, e := range s.entries {
		if e.enabled && e.err == nil {
			out = append(out, e)
		}
	}
	return out
}

// apply compiles the active entries and puts them into force. On an error
// what was in force stays.
func (s *policySet) apply() error {
	active := s.active()
	names, keys := make([]string, len(active)), make([]string, len(active))
	for i, e := range active {
		names[i], keys[i] = e.ref.Name, e.key()
	}
	plan, err := compile.Compile(s.input(active))
	if err != nil {
		return err
	}
	if err := s.loader.prepare(plan.Loaders); err != nil {
		return err
	}
	var planErr error
	loaded := map[uint32]hook.Loaded{}
	err = s.engine.Apply(plan, keys, func(all []hook.Loaded) {
		for _, l := range all {
			loaded[l.ID] = l
			planErr = errors.Join(planErr, s.observer.SetPlan(decodePlan(l, names)))
		}
	})
	if err != nil {
		// What was in force still is, and its records must be understood.
		for _, l := range s.loaded {
			err = errors.Join(err, s.observer.SetPlan(decodePlan(l, s.names)))
		}
		return errors.Join(err, s.loader.revert())
	}
	for id := range s.loaded {
		if _, ok := loaded[id]; !ok {
			s.observer.RetireHook(id)
		}
	}
	s.loaded, s.names = loaded, names
	planErr = errors.Join(planErr, s.loader.apply(plan.Loaders, keys))
	s.note(plan, active)
	if s.prepareStacks != nil && showKernelStacks(plan) {
		s.prepareStacks()
	}
	s.shares = map[compile.HookKey][]*policyEntry{}
	for _, h := range plan.Hooks {
		for _, g := range h.Groups {
			if e := active[g.Policy]; !slices.Contains(s.shares[h.Key], e) {
				s.shares[h.Key] = append(s.shares[h.Key], e)
			}
		}
	}
	return planErr
}

// showKernelStacks reports whether events of a plan show stacks of the kernel.
func showKernelStacks(plan *compile.Plan) bool {
	return slices.ContainsFunc(plan.Hooks, func(h *compile.Hook) bool {
		return slices.ContainsFunc(h.Rules, func(r compile.Rule) bool { return decodeRule(r).KernelStack })
	})
}

// note remembers what is to be said of the policies in force.
func (s *policySet) note(plan *compile.Plan, active []*policyEntry) {
	s.skipped = map[*policyEntry][]compile.Skipped{}
	for _, skipped := range plan.Skipped {
		e := active[skipped.Policy]
		s.skipped[e] = append(s.skipped[e], skipped)
	}
	for i, e := range active {
		if !e.warned {
			for _, d := range plan.Warnings[i] {
				s.log.Warn(d.Text(), "policy", describe(e.ref), "line", d.Pos.Line)
			}
		}
		e.warned = true
	}
}

// Delete implements [server.Policies].
func (s *policySet) Delete(_ context.Context, ref server.Ref) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.find(ref)
	if e == nil {
		return fmt.Errorf("tracing policy %s does not exist: %w", describe(ref), server.ErrNotFound)
	}
	was := s.entries
	s.entries = slices.DeleteFunc(slices.Clone(s.entries), func(o *policyEntry) bool { return o == e })
	if err := s.apply(); err != nil {
		s.entries = was
		return fmt.Errorf("delete policy %s: %w", describe(ref), err)
	}
	s.entries = was
	s.drop(e)
	return nil
}

// drop forgets an entry that is not in force.
func (s *policySet) drop(e *policyEntry) {
	s.entries = slices.DeleteFunc(s.entries, func(o *policyEntry) bool { return o == e })
	s.engine.Forget(e.key())
	if e.followBit >= 0 {
		if err := s.engine.ReleaseFollow(e.followBit); err != nil {
			s.log.Warn("descriptors that a deleted policy followed are not forgotten", "policy", e.ref.Name, "error", err)
		}
	}
}

// Configure implements [server.Policies]. Both changes happen at once or not
// at all.
func (s *policySet) Configure(_ context.Context, ref server.Ref, enable *bool, mode *tetragon.TracingPolicyMode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.find(ref)
	if e == nil {
		return fmt.Errorf("tracing policy %s does not exist: %w", describe(ref), server.ErrNotFound)
	}
	if mode != nil && e.mode == tetragon.TracingPolicyMode_TP_MODE_MONITOR_ONLY {
		return fmt.Errorf("%w: cannot set policy mode on a policy that is monitor only: %s has no action that enforces", server.ErrInvalid, describe(ref))
	}
	if e.err != nil {
		return fmt.Errorf("tracing policy %s could not be loaded: delete it and add it again: %w", describe(ref), e.err)
	}
	before := *e
	if enable != nil {
		if !e.enabled || !*enable {
			e.verified = nil // it comes into force anew
		}
		e.enabled = *enable
	}
	if mode != nil {
		e.mode = *mode
	}
	if err := s.apply(); err != nil {
		*e = before
		return fmt.Errorf("configure policy %s: %w", describe(ref), err)
	}
	return nil
}

// Domains implements [server.Policies].
func (s *policySet) Domains() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, e := range s.entries {
		out = append(out, e.ref.Domain)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s *policySet) find(ref server.Ref) *policyEntry {
	for _, e := range s.entries {
		if e.ref == ref {
			return e
		}
	}
	return nil
}

// describe spells a policy's key as the reference does.
func describe(ref server.Ref) string {
	name := ref.Name
	if ref.Namespace != "" {
		name = ref.Namespace + "/" + name
	}
	return cmp.Or(ref.Domain, server.DefaultDomain) + ":" + name
}

// enforces reports whether a policy has an action that stops anything.
func enforces(spec *policy.Spec) bool {
	for e := range spec.Entries() {
		if selectorsEnforce(e.Selectors) {
			return true
		}
	}
	return false
}

func selectorsEnforce(selectors []policy.Selector) bool {
	isEnforcing := func(a policy.Action) bool { return policy.IsEnforcing(a.Action) }
	return slices.ContainsFunc(selectors, func(s policy.Selector) bool {
		return slices.ContainsFunc(s.MatchActions, isEnforcing) || slices.ContainsFunc(s.MatchReturnActions, isEnforcing)
	})
}
