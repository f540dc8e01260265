// SPDX-License-Identifier: Apache-2.0

package workload

import "github.com/vedette-io/vedette/internal/event"

// Identity is what a process's cgroup tells of it. The zero value is a process of the host.
type Identity struct {
	// ContainerID is the whole id of the container.
	ContainerID string
	// Pod is the pod of the container, nil when there is none or it is not known.
	Pod *event.Pod
}

// dockerLen is how many characters of a container's id events show.
const dockerLen = 31

// Docker returns the beginning of the container's id that events show, at most 31 characters.
func (i Identity) Docker() string { return i.ContainerID[:min(len(i.ContainerID), dockerLen)] }

// Resolver tells the workload of a cgroup.
type Resolver interface {
	// Resolve returns the identity of the processes in the cgroup with this id and path. The id
	// may be 0 when it is not known; path is not kept.
	Resolve(cgroupID uint64, path []byte) Identity
}

// cacheSize is how many cgroups' identities are kept. A container has a few cgroups at most, a node
// some hundred containers.
const cacheSize = 4096

// Containers is the [Resolver] that knows containers and no pods. It remembers the ids of the
// cgroups last seen, so that resolving one of them again allocates nothing. It is not safe for
// concurrent use.
type Containers struct {
	// Ids move from old to young when they are used. When young is full it becomes old: what was
	// not used meanwhile is forgotten.
	young, old map[uint64]string
}

// NewContainers returns a resolver that has seen no cgroup yet.
func NewContainers() *Containers { return &Containers{young: make(map[uint64]string)} }

// Resolve returns the container of the cgroup.
func (c *Containers) Resolve(cgroupID uint64, path []byte) Identity {
	if cgroupID == 0 {
		return Identity{ContainerID: string(ContainerID(path))}
	}
	if id, found := c.young[cgroupID]; found {
		return Identity{ContainerID: id}
	}
	id, found := c.old[cgroupID]
	if !found {
		id = string(ContainerID(path))
	}
	c.remember(cgroupID, id)
	return Identity{ContainerID: id}
}

func (c *Containers) remember(cgroupID uint64, id string) {
	if len(c.young) >= cacheSize/2 {
		c.old, c.young = c.young, make(map[uint64]string)
	}
	c.young[cgroupID] = id
}
