// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/vedette-io/vedette/internal/kernel"
)

// Cgroups finds the cgroups of containers. It is safe for concurrent use.
type Cgroups struct {
	hierarchy *os.File

	mu   sync.Mutex
	root string // what stands before the paths that the runtime tells, where it sees only a part of the hierarchy
}

// ErrNoCgroup says that a container has no cgroup yet.
var ErrNoCgroup = errors.New("there is no such cgroup yet")

// OpenCgroups opens the hierarchy of a controller as [kernel.CgroupController] returns it. The caller closes
// it.
func OpenCgroups(controller int32) (*Cgroups, error) {
	hierarchy, err := kernel.OpenCgroups(controller)
	if err != nil {
		return nil, err
	}
	return &Cgroups{hierarchy: hierarchy}, nil
}

// Close closes the hierarchy.
func (c *Cgroups) Close() error { return c.hierarchy.Close() }

// Find returns the id of a container's cgroup and its path, by the path that its configuration names. A
// runtime that runs in a container of its own names it by what it sees: then the cgroup is searched by the
// container's id. The error is [ErrNoCgroup] before the runtime has made it.
func (c *Cgroups) Find(cgroupsPath, containerID string) (id uint64, found string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, candidate := range CgroupPaths(cgroupsPath) {
		for _, at := range []string{path.Join(c.root, candidate), candidate} {
			if id, err := c.id(at); err == nil {
				return id, at, nil
			}
		}
	}
	return c.search(cgroupsPath, containerID)
}

func (c *Cgroups) id(at string) (uint64, error) {
	info, err := os.Stat(filepath.Join(fmt.Sprintf("/proc/self/fd/%d", c.hierarchy.Fd()), at))
	if err != nil {
		return 0, err
	}
	return info.Sys().(*syscall.Stat_t).Ino, nil
}

var errFound = errors.New("found")

// search looks at all cgroups, and remembers where below the root those of the runtime are.
func (c *Cgroups) search(cgroupsPath, containerID string) (id uint64, found string, err error) {
	err = kernel.Cgroups(c.hierarchy, func(inode uint64, at string) error {
		name, own := containerOf([]byte(at))
		if string(name) != containerID || len(own) != len(at) {
			return nil
		}
		id, found = inode, at
		return errFound
	})
	switch {
	case err == nil:
		return 0, "", fmt.Errorf("cgroup %q of container %s: %w", cgroupsPath, containerID, ErrNoCgroup)
	case !errors.Is(err, errFound):
		return 0, "", err
	}
	for _, candidate := range CgroupPaths(cgroupsPath) {
		if root, is := strings.CutSuffix(found, candidate); is {
			c.root = root
		}
	}
	return id, found, nil
}

// Note tells a store of the cgroups of all containers that there are.
func (c *Cgroups) Note(s *Store) error {
	return kernel.Cgroups(c.hierarchy, func(id uint64, at string) error {
		s.Container(id, []byte(at))
		return nil
	})
}
