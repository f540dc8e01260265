// SPDX-License-Identifier: Apache-2.0

package event

import (
	"slices"
	"strings"
)

// Pod is a Kubernetes pod with the container that a process runs in.
type Pod struct {
	Namespace, Name, UID string
	// Container is nil when unknown.
	Container *Container
	Labels    Labels
	// Workload is the name of the object that the pod belongs to, WorkloadKind its kind.
	Workload, WorkloadKind string
	Annotations            Labels
}

// Container is a container.
type Container struct {
	// ID is "runtime://id".
	ID, Name string
	// ImageID and ImageName tell the image.
	ImageID, ImageName string
	// StartTime is in nanoseconds since the Unix epoch; 0 is not encoded.
	StartTime int64
	// PID is the process id inside the container's pid namespace.
	PID Optional[uint32]
	// MaybeExecProbe says that the process may be a probe of the kubelet.
	MaybeExecProbe bool
	// Privileged is the container's security context.
	Privileged bool
}

// Label is a Kubernetes label or annotation.
type Label struct{ Key, Value string }

// Labels are labels sorted by key.
type Labels []Label

// LabelsOf returns the labels of a map.
func LabelsOf(m map[string]string) Labels {
	if len(m) == 0 {
		return nil
	}
	labels := make(Labels, 0, len(m))
	for key, value := range m {
		labels = append(labels, Label{key, value})
	}
	slices.SortFunc(labels, func(a, b Label) int { return strings.Compare(a.Key, b.Key) })
	return labels
}

// Get returns the value of the label with the key.
func (l Labels) Get(key string) (string, bool) {
	i, found := slices.BinarySearchFunc(l, key, func(label Label, key string) int {
		return strings.Compare(label.Key, key)
	})
	if !found {
		return "", false
	}
	return l[i].Value, true
}

// Map returns the labels as a new map, nil when there are none.
func (l Labels) Map() map[string]string {
	if len(l) == 0 {
		return nil
	}
	m := make(map[string]string, len(l))
	for _, label := range l {
		m[label.Key] = label.Value
	}
	return m
}
