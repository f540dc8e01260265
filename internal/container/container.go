// SPDX-License-Identifier: Apache-2.0

package container

import (
	"maps"
	"time"
)

// Container is a container as a runtime, or the API server, tells of it. What is not known is empty.
type Container struct {
	// ID is the whole id, without the name of the runtime.
	ID string
	// Runtime is the name that Kubernetes puts before the id, such as "containerd".
	Runtime string
	// Name is the container's name in its pod.
	Name string
	// Image is the image by name, ImageID by digest.
	Image, ImageID string
	// StartTime is when the container started.
	StartTime time.Time
	// Privileged says whether its security context is.
	Privileged bool
	// Sandbox says that it is no container of the pod, but the one that holds the pod's namespaces.
	Sandbox bool
	// CgroupPath is the path of its cgroup below the root of the hierarchy, CgroupID that cgroup's id: the
	// inode number of its directory.
	CgroupPath string
	CgroupID   uint64
	// Pod is the pod that it belongs to.
	Pod Pod
}

// Pod is a pod.
type Pod struct {
	Namespace, Name, UID string
	Labels, Annotations  map[string]string
	// Workload is the name of the object that the pod belongs to, such as that of a Deployment, and
	// WorkloadKind its kind.
	Workload, WorkloadKind string
}

// Equal reports whether two containers are known to be the same in everything.
func (c *Container) Equal(d *Container) bool {
	return c.ID == d.ID && c.Runtime == d.Runtime && c.Name == d.Name && c.Image == d.Image && c.ImageID == d.ImageID &&
		c.StartTime.Equal(d.StartTime) && c.Privileged == d.Privileged && c.Sandbox == d.Sandbox &&
		c.CgroupPath == d.CgroupPath && c.CgroupID == d.CgroupID && c.Pod.Equal(&d.Pod)
}

// Equal reports whether two pods are known to be the same in everything.
func (p *Pod) Equal(q *Pod) bool {
	return p.Namespace == q.Namespace && p.Name == q.Name && p.UID == q.UID && p.Workload == q.Workload &&
		p.WorkloadKind == q.WorkloadKind && maps.Equal(p.Labels, q.Labels) && maps.Equal(p.Annotations, q.Annotations)
}

// Merge takes over what is known of other and leaves the rest as it is.
func (c *Container) Merge(other *Container) {
	take(&c.ID, other.ID)
	take(&c.Runtime, other.Runtime)
	take(&c.Name, other.Name)
	take(&c.Image, other.Image)
	take(&c.ImageID, other.ImageID)
	if !other.StartTime.IsZero() {
		c.StartTime = other.StartTime
	}
	c.Privileged = c.Privileged || other.Privileged
	c.Sandbox = c.Sandbox || other.Sandbox
	take(&c.CgroupPath, other.CgroupPath)
	take(&c.CgroupID, other.CgroupID)
	c.Pod.merge(&other.Pod)
}

func (p *Pod) merge(other *Pod) {
	take(&p.Namespace, other.Namespace)
	take(&p.Name, other.Name)
	take(&p.UID, other.UID)
	if other.Labels != nil {
		p.Labels = other.Labels
	}
	if other.Annotations != nil {
		p.Annotations = other.Annotations
	}
	if other.Workload != "" {
		p.Workload, p.WorkloadKind = other.Workload, other.WorkloadKind
	}
}

func take[T comparable](to *T, from T) {
	var none T
	if from != none {
		*to = from
	}
}
