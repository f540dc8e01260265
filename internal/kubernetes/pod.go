// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/vedette-io/vedette/internal/container"
	"github.com/vedette-io/vedette/internal/workload"
)

// The annotations of the mirrors of static pods (pkg/kubelet/types of Kubernetes). The hash of the pod's file
// is the uid that the kubelet knows it by.
const (
	annotationMirror = "kubernetes.io/config.mirror"
	annotationHash   = "kubernetes.io/config.hash"
)

// podOf returns what is wanted of a pod.
func podOf(from *corev1.Pod) workload.Pod {
	pod := workload.Pod{Pod: container.Pod{
		Namespace: from.Namespace, Name: from.Name, UID: string(from.UID), Labels: from.Labels, Annotations: from.Annotations,
	}}
	var owner metav1.OwnerReference
	if of := metav1.GetControllerOf(from); of != nil {
		owner = *of
	}
	pod.Workload, pod.WorkloadKind = container.Owner(&pod.Pod, owner.Name, owner.Kind)
	if from.Annotations[annotationMirror] != "" {
		pod.KubeletUID = from.Annotations[annotationHash]
	}
	specs := specsOf(from)
	pod.Probes = probesOf(specs)
	status := &from.Status
	for _, s := range slices.Concat(status.InitContainerStatuses, status.ContainerStatuses, status.EphemeralContainerStatuses) {
		pod.Containers = append(pod.Containers, containersOf(&s, isPrivileged(specs[s.Name]))...)
	}
	return pod
}

// specsOf returns the containers that a pod is to have, by name.
func specsOf(pod *corev1.Pod) map[string]*corev1.Container {
	specs := make(map[string]*corev1.Container)
	for i := range pod.Spec.InitContainers {
		specs[pod.Spec.InitContainers[i].Name] = &pod.Spec.InitContainers[i]
	}
	for i := range pod.Spec.Containers {
		specs[pod.Spec.Containers[i].Name] = &pod.Spec.Containers[i]
	}
	for i := range pod.Spec.EphemeralContainers {
		common := corev1.Container(pod.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		specs[common.Name] = &common
	}
	return specs
}

func probesOf(specs map[string]*corev1.Container) map[string][][]string {
	probes := make(map[string][][]string)
	for name, c := range specs {
		for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
			if probe != nil && probe.Exec != nil && len(probe.Exec.Command) > 0 {
				probes[name] = append(probes[name], probe.Exec.Command)
			}
		}
	}
	return probes
}

func isPrivileged(c *corev1.Container) bool {
	return c != nil && c.SecurityContext != nil && c.SecurityContext.Privileged != nil && *c.SecurityContext.Privileged
}

// containersOf returns the container that a status is about, and the one that ran in its place before.
func containersOf(s *corev1.ContainerStatus, privileged bool) []container.Container {
	current := container.Container{Name: s.Name, Image: s.Image, ImageID: s.ImageID, Privileged: privileged}
	before := current
	current.Runtime, current.ID, _ = strings.Cut(s.ContainerID, "://")
	switch {
	case s.State.Running != nil:
		current.StartTime = s.State.Running.StartedAt.Time
	case s.State.Terminated != nil:
		current.StartTime = s.State.Terminated.StartedAt.Time
	}
	var containers []container.Container
	if current.ID != "" {
		containers = append(containers, current)
	}
	if last := s.LastTerminationState.Terminated; last != nil {
		before.Runtime, before.ID, _ = strings.Cut(last.ContainerID, "://")
		before.StartTime = last.StartedAt.Time
		if before.ID != "" && before.ID != current.ID {
			containers = append(containers, before)
		}
	}
	return containers
}
