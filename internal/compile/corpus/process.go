// SPDX-License-Identifier: Apache-2.0

package corpus

import (
	"strconv"

	"github.com/vedette-io/vedette/internal/compile/naive"
	"github.com/vedette-io/vedette/internal/policy"
)

var (
	membership   = []policy.Operator{policy.OpIn, policy.OpNotIn}
	capabilities = []string{"CAP_CHOWN", "DAC_OVERRIDE", "CAP_SYS_ADMIN", "CAP_CHECKPOINT_RESTORE"}
	capTypes     = []string{policy.CapabilityTypeEffective, policy.CapabilityTypeInheritable, policy.CapabilityTypePermitted}
)

// processFilters adds filters on the process to a selector.
func (g *generator) processFilters(s *policy.Selector) {
	if g.chance(25) {
		s.MatchPIDs = some(g, 1, 2, g.pidFilter)
	}
	if g.chance(30) {
		s.MatchBinaries = some(g, 1, 2, g.binaryFilter)
	}
	if g.chance(15) {
		s.MatchNamespaces = some(g, 1, 2, g.namespaceFilter)
	}
	if g.chance(15) {
		s.MatchCapabilities = some(g, 1, 2, g.capabilityFilter)
	}
	if g.chance(20) {
		s.MatchParentBinaries = some(g, 1, 2, g.binaryFilter)
	}
	if g.chance(10) {
		s.MatchNamespaceChanges = some(g, 1, 1, g.namespaceChange)
	}
	if g.chance(10) {
		s.MatchCapabilityChanges = some(g, 1, 2, g.capabilityFilter)
	}
	if g.chance(10) {
		s.MatchWorkloads = some(g, 1, 2, g.workloadFilter)
	}
}

func (g *generator) pid() uint32 { return uint32(g.IntN(4)) }

func (g *generator) pidFilter() policy.PIDFilter {
	return policy.PIDFilter{
		Operator: pick(g, membership), Values: some(g, 1, 3, g.pid),
		IsNamespacePID: g.chance(50), FollowForks: g.chance(50),
	}
}

func (g *generator) binaryFilter() policy.BinaryFilter {
	f := policy.BinaryFilter{Operator: pick(g, []policy.Operator{
		policy.OpIn, policy.OpNotIn, policy.OpPrefix, policy.OpNotPrefix, policy.OpPostfix, policy.OpNotPostfix,
	})}
	limit := longest
	switch f.Operator {
	case policy.OpIn, policy.OpNotIn:
		f.FollowChildren = g.chance(30)
	case policy.OpPostfix, policy.OpNotPostfix:
		limit = 128
	}
	f.Values = some(g, 1, 3, func() string { return g.value(limit) })
	return f
}

func (g *generator) namespaceFilter() policy.NamespaceFilter {
	return policy.NamespaceFilter{
		Namespace: pick(g, g.namespaces), Operator: pick(g, membership),
		Values: some(g, 1, 3, func() string {
			if g.chance(40) {
				return policy.HostNamespace
			}
			return strconv.Itoa(100 + g.IntN(12))
		}),
	}
}

func (g *generator) capabilityFilter() policy.CapabilityFilter {
	return policy.CapabilityFilter{
		Type: pick(g, capTypes), Operator: pick(g, membership), IsNamespaceCapability: g.chance(25),
		Values: some(g, 1, 2, func() string { return pick(g, capabilities) }),
	}
}

func (g *generator) namespaceChange() policy.NamespaceChange {
	return policy.NamespaceChange{
		Operator: pick(g, membership),
		Values:   some(g, 1, 3, func() string { return pick(g, policy.NamespaceNames) }),
	}
}

// workloadFilter makes a filter that is met by processes of the host, or by
// all.
func (g *generator) workloadFilter() policy.WorkloadFilter {
	all := &policy.LabelSelector{}
	return pick(g, []policy.WorkloadFilter{{}, {HostSelector: all}, {PodSelector: all, ContainerSelector: all, HostSelector: all}})
}

// process makes the process of an event.
func (g *generator) process() naive.Process {
	p := naive.Process{
		Image: g.image(), InUserNS: g.chance(50), Contained: g.chance(40),
		Namespaces: make(map[string]uint32), Capabilities: make(map[string]map[int]bool),
		OldNamespaces: make(map[string]uint32), OldCapabilities: make(map[string]map[int]bool),
	}
	p.Ancestors = some(g, 0, 3, g.image)
	for _, kind := range policy.NamespaceNames {
		p.Namespaces[kind] = uint32(100 + g.IntN(12))
		p.OldNamespaces[kind] = p.Namespaces[kind]
		if g.chance(20) {
			p.OldNamespaces[kind]++
		}
	}
	for _, t := range capTypes {
		p.Capabilities[t], p.OldCapabilities[t] = make(map[int]bool), make(map[int]bool)
		for _, name := range capabilities {
			if n, err := policy.CapabilityIndex(name); err == nil && g.chance(40) {
				p.Capabilities[t][n] = true
			}
			if n, err := policy.CapabilityIndex(name); err == nil && p.Capabilities[t][n] != g.chance(20) {
				p.OldCapabilities[t][n] = true
			}
		}
	}
	return p
}

func (g *generator) image() naive.Image {
	i := naive.Image{PID: g.pid(), InContainer: g.chance(60), Binary: g.text(), BinaryUnknown: g.chance(5)}
	if i.InContainer {
		i.NSPID = 1 + g.pid()
	}
	return i
}
