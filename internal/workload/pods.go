// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"github.com/vedette-io/vedette/internal/container"
	"github.com/vedette-io/vedette/internal/event"
)

// Pod is a pod as the API server tells of it.
type Pod struct {
	container.Pod
	// KubeletUID is the uid that the kubelet knows it by where that is another one: the API server has only a
	// mirror of a static pod.
	KubeletUID string
	// Containers are those that are known by their id, init and ephemeral ones included.
	Containers []container.Container
	// Probes are the commands of probes, by the container's name.
	Probes map[string][][]string
}

type podEntry struct {
	Pod
	age uint64
}

// kubeletUID returns the uid that cgroups are named by.
func (p *podEntry) kubeletUID() string {
	if p.KubeletUID != "" {
		return p.KubeletUID
	}
	return p.UID
}

// PutPod tells of a pod that is new or has changed. [Store.Run] tells OnContainer of it.
func (s *Store) PutPod(pod Pod) {
	p := &podEntry{Pod: pod}
	uid := p.kubeletUID()
	s.mu.Lock()
	s.gonePods.Remove(uid)
	if s.pods[uid] == nil && len(s.pods) >= maxPods {
		s.evictPod()
	}
	s.clock++
	p.age = s.clock
	s.pods[uid] = p
	for i := range pod.Containers {
		c := &pod.Containers[i]
		e := s.ensure(c.ID)
		e.refused = false
		e.container.Merge(c)
		// That of the runtime, so that all its containers are found by one.
		e.container.Pod.UID = uid
		s.index(e)
	}
	for _, e := range s.byPod[uid] {
		s.rebuild(e)
	}
	s.mu.Unlock()
}

// RemovePod tells that a pod is gone, by its own uid. It and its containers stay known for a while, for
// what comes late.
func (s *Store) RemovePod(pod Pod) {
	p := &podEntry{Pod: pod}
	uid := p.kubeletUID()
	s.mu.Lock()
	var ids []string
	if known := s.pods[uid]; known != nil && known.UID == pod.UID {
		delete(s.pods, uid)
		s.gonePods.Put(uid, known)
		for id := range s.byPod[uid] {
			ids = append(ids, id)
		}
	}
	s.mu.Unlock()
	for _, id := range ids {
		s.Remove(id)
	}
}

func (s *Store) evictPod() {
	var oldest *podEntry
	for _, p := range s.pods {
		if oldest == nil || p.age < oldest.age {
			oldest = p
		}
	}
	s.stats.Evicted++
	delete(s.pods, oldest.kubeletUID())
}

func (s *Store) pod(uid string) *podEntry {
	if p := s.pods[uid]; p != nil {
		return p
	}
	p, _ := s.gonePods.Get(uid)
	return p
}

// shown returns what is known of a container with its pod, for which the word of the API server counts.
func (s *Store) shown(e *entry) container.Container {
	c := e.container
	if p := s.pod(e.uid); p != nil {
		c.Pod = p.Pod.Pod
	} else if c.Pod.Name != "" && c.Pod.Workload == "" {
		c.Pod.Workload, c.Pod.WorkloadKind = container.OwnerByLabels(&c.Pod)
	}
	return c
}

// rebuild makes anew what events show of a container.
func (s *Store) rebuild(e *entry) {
	c := s.shown(e)
	if c.Pod.Name == "" {
		return
	}
	w := &Workload{complete: c.Name != "" || c.Sandbox, pod: event.Pod{
		Namespace: c.Pod.Namespace, Name: c.Pod.Name, UID: c.Pod.UID, Labels: event.LabelsOf(c.Pod.Labels),
		Workload: c.Pod.Workload, WorkloadKind: c.Pod.WorkloadKind,
		Container: &event.Container{
			ID: c.ID, Name: c.Name, ImageID: c.ImageID, ImageName: c.Image, Privileged: c.Privileged,
		},
	}}
	if c.Runtime != "" {
		w.pod.Container.ID = c.Runtime + "://" + c.ID
	}
	if !c.StartTime.IsZero() {
		// The API server knows whole seconds only, and the same container is to be shown with one time.
		w.pod.Container.StartTime = c.StartTime.Unix() * 1e9
	}
	if s.opts.Annotations {
		w.pod.Annotations = event.LabelsOf(c.Pod.Annotations)
	}
	if p := s.pod(e.uid); p != nil {
		w.probes = p.Probes[c.Name]
	}
	e.workload = w
	s.change()
	s.toTell(e)
}
