// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"strings"
)

// processSet is a property that processes pass on to their children: having
// one of the ids, or having executed one of the binaries.
type processSet struct {
	namespace bool // pids are those of the process's own pid namespace
	pids      []uint32
	binaries  []string // literals, see trie
}

// name identifies the set, so that equal ones of several policies are one.
func (s *processSet) name() string {
	if s.binaries != nil {
		return "binaries\x00" + strings.Join(s.binaries, "")
	}
	return fmt.Sprint(s.namespace, s.pids)
}

// processSets are the sets of all policies, numbered.
type processSets struct {
	all   []*processSet
	index map[string]int
}

// mask returns the set's bit, or false if there is none left.
func (p *processSets) mask(s *processSet) (uint64, bool) {
	name := s.name()
	i, ok := p.index[name]
	if !ok {
		if i = len(p.all); i == MaxSets {
			return 0, false
		}
		if p.index == nil {
			p.index = make(map[string]int)
		}
		p.index[name] = i
		p.all = append(p.all, s)
	}
	return 1 << i, true
}

// shrink removes the sets that were added behind the first n.
func (p *processSets) shrink(n int) {
	for _, s := range p.all[n:] {
		delete(p.index, s.name())
	}
	p.all = p.all[:n]
}

// binaries returns for each binary literal the sets that it leads to.
func (p *processSets) binaries() map[string]uint64 {
	out := make(map[string]uint64)
	for i, s := range p.all {
		for _, b := range s.binaries {
			out[b] |= 1 << i
		}
	}
	return out
}

// names returns the definitions of the sets.
func (p *processSets) names() []string {
	var out []string
	for _, s := range p.all {
		out = append(out, s.name())
	}
	return out
}

// pids returns the sets that processes join by their ids.
func (p *processSets) pids() []PIDSet {
	type key struct {
		pid       uint32
		namespace bool
	}
	var out []PIDSet
	index := make(map[key]int)
	for i, s := range p.all {
		for _, pid := range s.pids {
			k := key{pid, s.namespace}
			at, ok := index[k]
			if !ok {
				at = len(out)
				index[k] = at
				out = append(out, PIDSet{PID: pid, Namespace: s.namespace})
			}
			out[at].Sets |= 1 << i
		}
	}
	return out
}
