// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"slices"
	"strings"

	"github.com/vedette-io/vedette/internal/event"
)

// Resolver tells the workload of a process.
type Resolver interface {
	// Container returns the whole id of the container of the processes in the cgroup with this id and path,
	// "" for those of the host. The id may be 0 when it is not known; path is not kept.
	Container(cgroupID uint64, path []byte) string
	// Workload returns what is known of a container, nil where that is its id only. It is not changed any
	// more: when more becomes known there is a new one.
	Workload(containerID string) *Workload
	// Version returns a number that changes whenever what Workload returns does.
	Version() uint64
}

// dockerLen is how many characters of a container's id events show.
const dockerLen = 31

// Docker returns the beginning of a container's id that events show, at most 31 characters.
func Docker(containerID string) string { return containerID[:min(len(containerID), dockerLen)] }

// Workload is what events show of a container that belongs to a pod.
type Workload struct {
	pod event.Pod
	// probes are the commands that the kubelet executes in the container to see how it is.
	probes [][]string
	// complete says that the container is known by name.
	complete bool
}

// Pod returns what events show of the pod of a process. in is the process's id in the container's pid
// namespace, 0 if it is not known.
func (w *Workload) Pod(binary, arguments string, in uint32) *event.Pod {
	shown := &struct {
		pod       event.Pod
		container event.Container
	}{w.pod, *w.pod.Container}
	shown.pod.Container = &shown.container
	if in != 0 {
		shown.container.PID = event.Some(in)
	}
	shown.container.MaybeExecProbe = slices.ContainsFunc(w.probes, func(command []string) bool {
		return isCommand(command, binary, arguments)
	})
	return &shown.pod
}

// isCommand reports whether a process may have been started by a command: its file, found by its name or
// by its path, with those arguments.
func isCommand(command []string, binary, arguments string) bool {
	if len(command) == 0 || arguments != joinArguments(command[1:]) {
		return false
	}
	return binary == command[0] || !strings.ContainsRune(command[0], '/') && strings.HasSuffix(binary, "/"+command[0])
}

// Containers is the [Resolver] that knows containers and no pods. It remembers the ids of the
// cgroups last seen, so that resolving one of them again allocates nothing. It is not safe for
// concurrent use.
type Containers struct{ cgroups cgroupCache }

// NewContainers returns a resolver that has seen no cgroup yet.
func NewContainers() *Containers { return &Containers{newCgroupCache()} }

// Container returns the container of the cgroup.
func (c *Containers) Container(cgroupID uint64, path []byte) string {
	if id, found := c.cgroups.get(cgroupID); found {
		return id
	}
	id := string(ContainerID(path))
	c.cgroups.put(cgroupID, id)
	return id
}

// Workload returns nil.
func (*Containers) Workload(string) *Workload { return nil }

// Version returns 0.
func (*Containers) Version() uint64 { return 0 }
