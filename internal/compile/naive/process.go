// SPDX-License-Identifier: Apache-2.0

package naive

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vedette-io/vedette/internal/policy"
)

// pid evaluates one entry of matchPIDs.
func (w *world) pid(f *policy.PIDFilter) bool {
	p := &w.event.Process
	in := f.Operator == policy.OpIn
	if !f.FollowForks {
		id := p.PID
		if f.IsNamespacePID {
			id = nspid(&p.Image)
		}
		return slices.Contains(f.Values, id) == in
	}
	if f.IsNamespacePID && !p.InContainer {
		return false
	}
	found := false
	for _, image := range append([]Image{p.Image}, p.Ancestors...) {
		if f.IsNamespacePID {
			id := nspid(&image)
			found = found || id != 0 && slices.Contains(f.Values, id)
		} else {
			found = found || slices.Contains(f.Values, image.PID)
		}
	}
	return found == in
}

func nspid(i *Image) uint32 {
	if i.InContainer {
		return i.NSPID
	}
	return 0
}

// binary evaluates one entry of matchBinaries.
func (w *world) binary(f *policy.BinaryFilter) bool {
	p := &w.event.Process
	return lineageHas(append([]Image{p.Image}, p.Ancestors...), f)
}

// parentBinary evaluates one entry of matchParentBinaries.
func (w *world) parentBinary(f *policy.BinaryFilter) bool {
	return lineageHas(w.event.Process.Ancestors, f)
}

// lineageHas evaluates a filter on the binary of the first image, or of all
// of them. What there is nothing known of satisfies no filter.
func lineageHas(images []Image, f *policy.BinaryFilter) bool {
	if !f.FollowChildren {
		if len(images) == 0 || images[0].BinaryUnknown {
			return false
		}
		images = images[:1]
	}
	found := false
	for _, image := range images {
		for _, v := range f.Values {
			if v != "" && !image.BinaryUnknown {
				found = found || compare(positive(f.Operator), image.Binary, v)
			}
		}
	}
	return found != (positive(f.Operator) != f.Operator)
}

// namespace evaluates one entry of matchNamespaces.
func (w *world) namespace(f *policy.NamespaceFilter) bool {
	found := false
	for _, v := range f.Values {
		inode, _ := strconv.ParseUint(v, 10, 32)
		if v == "host_ns" {
			inode = uint64(w.host[f.Namespace])
		}
		found = found || uint64(w.event.Process.Namespaces[f.Namespace]) == inode
	}
	return found == (f.Operator == policy.OpIn)
}

// capability evaluates one entry of matchCapabilities.
func (w *world) capability(f *policy.CapabilityFilter) bool {
	if f.IsNamespaceCapability && !w.event.Process.InUserNS {
		return false
	}
	found := false
	for _, name := range f.Values {
		n, err := policy.CapabilityIndex(name)
		found = found || err == nil && w.event.Process.Capabilities[f.Type][n]
	}
	return found == (f.Operator == policy.OpIn)
}

// namespaceChange evaluates one entry of matchNamespaceChanges.
func (w *world) namespaceChange(f *policy.NamespaceChange) bool {
	for kind, inode := range w.event.Process.Namespaces {
		changed := w.event.Process.OldNamespaces[kind] != inode
		if changed && slices.Contains(f.Values, kind) == (f.Operator == policy.OpIn) {
			return true
		}
	}
	return false
}

// capabilityChange evaluates one entry of matchCapabilityChanges.
func (w *world) capabilityChange(f *policy.CapabilityFilter) bool {
	p := &w.event.Process
	if f.IsNamespaceCapability && !p.InUserNS {
		return false
	}
	listed := make(map[int]bool)
	for _, name := range f.Values {
		if n, err := policy.CapabilityIndex(name); err == nil {
			listed[n] = true
		}
	}
	one, other := false, false
	for n := range 64 {
		if p.Capabilities[f.Type][n] != p.OldCapabilities[f.Type][n] {
			one, other = one || listed[n], other || !listed[n]
		}
	}
	if f.Operator == policy.OpIn {
		return one
	}
	return other && !one
}

// inScope evaluates selectors of workloads, those of pods aside.
func (w *world) inScope(pod, container, host *policy.LabelSelector) bool {
	return host == nil || pod != nil && container != nil || !w.event.Process.Contained
}

// positive returns the operator that op is the negation of, or op.
func positive(op policy.Operator) policy.Operator {
	if rest, ok := strings.CutPrefix(string(op), "Not"); ok {
		return policy.Operator(rest)
	}
	return op
}
