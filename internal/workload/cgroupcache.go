// SPDX-License-Identifier: Apache-2.0

package workload

// cacheSize is how many cgroups' containers are kept. A container has a few cgroups at most, a node
// some hundred containers.
const cacheSize = 4096

// cgroupCache has the containers of cgroups. Ids move from old to young when they are used. When young is
// full it becomes old: what was not used meanwhile is forgotten.
type cgroupCache struct{ young, old map[uint64]string }

func newCgroupCache() cgroupCache { return cgroupCache{young: make(map[uint64]string)} }

// get returns the container of a cgroup. Nothing is known of cgroup 0.
func (c *cgroupCache) get(cgroupID uint64) (string, bool) {
	if id, found := c.young[cgroupID]; found {
		return id, true
	}
	id, found := c.old[cgroupID]
	if found {
		c.put(cgroupID, id)
	}
	return id, found
}

func (c *cgroupCache) put(cgroupID uint64, id string) {
	if cgroupID == 0 {
		return
	}
	if len(c.young) >= cacheSize/2 {
		c.old, c.young = c.young, make(map[uint64]string)
	}
	c.young[cgroupID] = id
}
