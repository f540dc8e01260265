// SPDX-License-Identifier: Apache-2.0

package process

import (
	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
)

// entered reports whether an image belongs to the host although it runs in the cgroup of a container: it
// sees the host's files, and neither descends from the container's first process nor from another one of
// the container. Runtimes enter the cgroup that way before they become the container, and administrators
// do to account for what they run. A process of the container that breaks out to the host's files stays
// one of the container.
func (t *Tree) entered(p *Process, e *record.Exec, containerID string) bool {
	const mnt = bpf.ContractVdNamespaceVD_NS_MNT
	if containerID == "" || e.Ns[mnt] == 0 || e.Ns[mnt] != t.opts.HostNamespaces[mnt] || p.flags&flagInInitTree != 0 {
		return false
	}
	parent := t.Parent(p)
	return parent == nil || t.Info(parent).ContainerID != containerID
}

// addPod fills in the pod of a process, as far as it is known.
func (t *Tree) addPod(p *Process, info *event.Process) {
	if info.ContainerID == "" {
		return
	}
	p.version = t.opts.Resolver.Version()
	p.workload = t.opts.Resolver.Workload(info.ContainerID)
	if p.workload != nil {
		info.Pod = p.workload.Pod(info.Binary, info.Arguments, info.ContainerPID)
	}
}

// renewPod takes over what has become known of the pod of an image since it was shown last.
func (t *Tree) renewPod(p *Process) {
	if p.info == nil || p.info.ContainerID == "" {
		return
	}
	version := t.opts.Resolver.Version()
	if p.version == version {
		return
	}
	p.version = version
	now := t.opts.Resolver.Workload(p.info.ContainerID)
	if now == nil || now == p.workload {
		return
	}
	info := *p.info
	p.workload = now
	info.Pod = now.Pod(info.Binary, info.Arguments, info.ContainerPID)
	p.info = &info
}
