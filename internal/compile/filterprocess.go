// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"

	"github.com/vedette-io/vedette/internal/policy"
)

// pids understands matchPIDs: all entries must be satisfied.
func (f *frontend) pids(filters []policy.PIDFilter, path string) []condition {
	var out []condition
	for i := range filters {
		p := &filters[i]
		negated, ok := f.membership(p.Operator, policy.ItemPath(path, i)+".operator")
		switch {
		case !ok:
		case p.FollowForks:
			out = append(out, followForks(p, negated)...)
		default:
			source := SourcePID
			if p.IsNamespacePID {
				source = SourceNSPID
			}
			var points []span
			for _, pid := range p.Values {
				points = append(points, span{uint64(pid), uint64(pid)})
			}
			out = append(out, condition{kind: DimInterval, source: source, keys: keysOf(points, negated)})
		}
	}
	return out
}

// membership reads an operator that is In or NotIn.
func (f *frontend) membership(op policy.Operator, path string) (negated, ok bool) {
	switch op {
	case policy.OpIn:
		return false, true
	case policy.OpNotIn:
		return true, true
	}
	f.errorf(path, "operator %s cannot be used here, only In and NotIn", op)
	return false, false
}

// followForks returns the conditions of a filter that holds for children
// too. The ids are those of the process's own pid namespace or of the host's;
// in the first case the host's processes satisfy neither In nor NotIn, and
// the value 0, which only they have, means nothing.
func followForks(p *policy.PIDFilter, negated bool) []condition {
	pids := slices.Clone(p.Values)
	slices.Sort(pids)
	pids = slices.Compact(pids)
	if !p.IsNamespacePID {
		return []condition{setCondition(&processSet{pids: pids}, negated)}
	}
	inside := condition{kind: DimMask, source: SourceFlags, mask: FlagInContainerPIDNS}
	if len(pids) > 0 && pids[0] == 0 {
		pids = pids[1:]
	}
	if len(pids) == 0 && negated {
		return []condition{inside}
	}
	return []condition{inside, setCondition(&processSet{namespace: true, pids: pids}, negated)}
}

func setCondition(s *processSet, negated bool) condition {
	return condition{kind: DimMask, source: SourceSets, set: s, negated: negated}
}

// keysOf returns the union of the spans, or everything else.
func keysOf(spans []span, negated bool) ranges {
	keys := newRanges(spans)
	if negated {
		return keys.complement()
	}
	return keys
}

// lineage says which image's binary a filter looks at.
type lineage struct {
	binary, binaryEnd, sets DimSource
}

var (
	ofProcess = lineage{SourceBinary, SourceBinaryEnd, SourceSets}
	ofParent  = lineage{SourceParentBinary, SourceParentBinaryEnd, SourceParentSets}
)

// binaries understands matchBinaries and matchParentBinaries: all entries
// must be satisfied.
func (f *frontend) binaries(filters []policy.BinaryFilter, of lineage, path string) []condition {
	var out []condition
	for i := range filters {
		b := &filters[i]
		itemPath := policy.ItemPath(path, i)
		how, ok := textOperators[b.Operator]
		if !ok {
			f.errorf(itemPath+".operator", "operator %s cannot be used with binaries", b.Operator)
			continue
		}
		c := condition{kind: DimIndex, source: of.binary, negated: how.negated}
		if how.form == formPostfix {
			c.source = of.binaryEnd
		}
		for j, v := range b.Values {
			if l, ok := f.literal(v, how.form, MaxString, policy.ItemPath(itemPath+".values", j)); ok && v != "" {
				c.literals = append(c.literals, l)
			}
		}
		if b.FollowChildren {
			if how.form != formExact {
				f.errorf(itemPath+".followChildren", "followChildren needs the operator In or NotIn")
				continue
			}
			c = setCondition(&processSet{binaries: sortedLiterals(c.literals)}, how.negated)
			c.source = of.sets
		}
		out = append(out, c)
	}
	return out
}

// sortedLiterals returns the different literals in order, never nil.
func sortedLiterals(literals []string) []string {
	out := append([]string{}, literals...)
	slices.Sort(out)
	return slices.Compact(out)
}

// namespaces understands matchNamespaces: all entries must be satisfied.
func (f *frontend) namespaces(filters []policy.NamespaceFilter, path string) []condition {
	var out []condition
	for i := range filters {
		n := &filters[i]
		itemPath := policy.ItemPath(path, i)
		negated, ok := f.membership(n.Operator, itemPath+".operator")
		if !ok {
			continue
		}
		kind, err := policy.NamespaceIndex(n.Namespace)
		if err != nil {
			f.errorf(itemPath+".namespace", "%v", err)
			continue
		}
		var points []span
		for j, v := range n.Values {
			if inode, ok := f.namespaceInode(n.Namespace, v, policy.ItemPath(itemPath+".values", j)); ok {
				points = append(points, span{uint64(inode), uint64(inode)})
			}
		}
		out = append(out, condition{
			kind: DimInterval, source: SourceNamespace, index: uint8(kind), keys: keysOf(points, negated),
		})
	}
	return out
}

// namespaceInode returns the inode number that a value stands for.
func (f *frontend) namespaceInode(kind, value, path string) (uint32, bool) {
	inode, host, err := policy.ParseNamespaceInode(value)
	if err != nil {
		f.errorf(path, "%v", err)
		return 0, false
	}
	if !host || f.in.HostNamespaces == nil {
		return inode, true
	}
	inode, ok := f.in.HostNamespaces[kind]
	if !ok {
		f.errorf(path, "this kernel has no %s namespace", kind)
	}
	return inode, ok
}

// capabilitySets are the types of matchCapabilities by their Index in a [Dim]
// with SourceCaps.
var capabilitySets = map[string]uint8{
	policy.CapabilityTypeEffective:   0,
	policy.CapabilityTypePermitted:   1,
	policy.CapabilityTypeInheritable: 2,
}

// capabilities understands matchCapabilities: all entries must be satisfied.
func (f *frontend) capabilities(filters []policy.CapabilityFilter, path string) []condition {
	var out []condition
	for i := range filters {
		c := &filters[i]
		itemPath := policy.ItemPath(path, i)
		negated, ok := f.membership(c.Operator, itemPath+".operator")
		if !ok {
			continue
		}
		set, ok := capabilitySets[c.Type]
		if !ok {
			f.errorf(itemPath+".type", "there is no set of capabilities %s", quote(c.Type))
			continue
		}
		mask, err := policy.CapabilityMask(c.Values)
		if err != nil {
			f.errorf(itemPath+".values", "%v", err)
			continue
		}
		out = append(out, condition{kind: DimMask, source: SourceCaps, index: set, mask: mask, negated: negated})
		if c.IsNamespaceCapability {
			out = append(out, condition{kind: DimMask, source: SourceFlags, mask: FlagInUserNS})
		}
	}
	return out
}
