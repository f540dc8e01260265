// SPDX-License-Identifier: Apache-2.0

package corpus

import (
	"fmt"
	"math/rand/v2"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/compile/naive"
	"github.com/vedette-io/vedette/internal/policy"
)

// Set is a set of policies with events on their hooks.
type Set struct {
	Seed     uint64
	Policies []*policy.Policy
	Events   []*naive.Event
}

// Input returns what the set's policies are compiled from.
func (s *Set) Input() compile.Input {
	in := compile.Input{HostNamespaces: HostNamespaces(), Types: nodeTypes{}}
	for i, p := range s.Policies {
		in.Policies = append(in.Policies, compile.InputPolicy{Policy: p, FollowBit: i})
	}
	return in
}

// Acting returns the verdicts of the naive implementation on an event.
func (s *Set) Acting(event *naive.Event) []naive.Verdict {
	return naive.Acting(s.Policies, HostNamespaces(), event)
}

// HostNamespaces are the inode numbers that stand for the host's namespaces.
func HostNamespaces() map[string]uint32 {
	host := make(map[string]uint32)
	for i, name := range policy.NamespaceNames {
		host[name] = uint32(100 + i)
	}
	return host
}

// eventsPerSet is how many events a set has.
const eventsPerSet = 12

// New returns policies on raw tracepoints only, without filters on the
// process: arguments 0 to 2 are integers of any type, 3 and 4 strings or
// addresses in the memory of the process. Every event has a register for each
// integer, a text for each string and a Net for each address.
func New(seed uint64) *Set {
	return generate(seed, generator{hooks: rawHooks})
}

// NewProcesses is [New] with filters on the process.
func NewProcesses(seed uint64) *Set {
	return generate(seed, generator{hooks: rawHooks, processes: true})
}

// NewAll returns policies on all kinds of hooks, with filters of all kinds.
func NewAll(seed uint64) *Set {
	return generate(seed, generator{hooks: allHooks, processes: true})
}

func generate(seed uint64, g generator) *Set {
	g.Rand = rand.New(rand.NewPCG(seed, 0x7665646574746521))
	g.hooks = g.narrowed(g.hooks)
	g.namespaces = some(&g, namespacesPerSet, namespacesPerSet, func() string { return pick(&g, policy.NamespaceNames) })
	g.fields = some(&g, typesPerArg, typesPerArg, func() field { return pick(&g, fields()) })
	policies := 1 + g.IntN(6)
	if g.chance(3) {
		// More rules on one hook than one word of a bit vector holds.
		g.hooks, policies = g.hooks[len(g.hooks)-1:], 20+g.IntN(20)
		g.crowded = true
	}
	s := &Set{Seed: seed}
	for i := range policies {
		s.Policies = append(s.Policies, g.policy(fmt.Sprintf("p%d", i)))
	}
	for len(s.Policies) >= manyPolicies && !s.fits() {
		s.Policies = s.Policies[:len(s.Policies)-1]
	}
	for range eventsPerSet {
		s.Events = append(s.Events, g.event(len(s.Policies)))
	}
	return s
}

// manyPolicies are so many that together they can exceed what a hook can have.
const manyPolicies = 6

// fits reports whether the compiler takes the policies together.
func (s *Set) fits() bool {
	_, err := compile.Compile(s.Input())
	return err == nil
}

// generator makes the parts of a set. It remembers the texts of the policies,
// so that events come close to them.
type generator struct {
	*rand.Rand
	hooks     []hook
	processes bool
	// namespaces are the kinds that filters name.
	namespaces []string
	texts      []string
	// crowded says that one hook has many policies: they leave each other
	// dimensions.
	crowded bool
	used    []hook // those that the policies are on
	fields  []field
}

// typesPerArg is how many types a value has in one set, so that no hook has
// more slots or dimensions than it can.
const typesPerArg = 3

// namespacesPerSet is how many kinds of namespaces filters of one set name,
// for the same reason.
const namespacesPerSet = 4

// narrowed returns the hooks with a few types for each value.
func (g *generator) narrowed(hooks []hook) []hook {
	out := make([]hook, len(hooks))
	for i, h := range hooks {
		out[i] = h
		out[i].returns = g.few(h.returns)
		out[i].args = nil
		for _, types := range h.args {
			out[i].args = append(out[i].args, g.few(types))
		}
	}
	return out
}

func (g *generator) few(types []policy.ArgType) []policy.ArgType {
	if len(types) <= typesPerArg {
		return types
	}
	return some(g, typesPerArg, typesPerArg, func() policy.ArgType { return pick(g, types) })
}

// pick returns one of the choices.
func pick[T any](g *generator, choices []T) T { return choices[g.IntN(len(choices))] }

// chance is true n times of 100.
func (g *generator) chance(n int) bool { return g.IntN(100) < n }

// some returns from min to max of what next makes.
func some[T any](g *generator, min, max int, next func() T) []T {
	out := make([]T, min+g.IntN(max-min+1))
	for i := range out {
		out[i] = next()
	}
	return out
}
