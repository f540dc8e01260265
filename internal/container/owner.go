// SPDX-License-Identifier: Apache-2.0

package container

import (
	"regexp"
	"strings"
)

// Labels that the controllers of Kubernetes put on the pods that they make.
const (
	labelTemplateHash = "pod-template-hash"        // Deployment, on its ReplicaSets and their pods
	labelRevision     = "controller-revision-hash" // DaemonSet and StatefulSet
	labelStatefulPod  = "statefulset.kubernetes.io/pod-name"
	labelGeneration   = "pod-template-generation" // DaemonSet
	labelJob          = "batch.kubernetes.io/job-name"
)

// cronJobName is the name of a Job that a CronJob makes: its own, and the minute in which it was due.
var cronJobName = regexp.MustCompile(`^(.+)-[0-9]{8,}$`)

// Owner returns the name and the kind of the workload of a pod whose controller has that name and kind:
// the Deployment of a ReplicaSet, the CronJob of a Job, else the controller itself. A pod without one, where
// kind is empty, is its own workload, and so is a static one, which its node owns.
func Owner(pod *Pod, name, kind string) (workload, workloadKind string) {
	switch kind {
	case "", "Node":
		return pod.Name, "Pod"
	case "ReplicaSet":
		if of, found := strings.CutSuffix(name, "-"+pod.Labels[labelTemplateHash]); found && pod.Labels[labelTemplateHash] != "" {
			return of, "Deployment"
		}
	case "Job":
		if match := cronJobName.FindStringSubmatch(name); match != nil {
			return match[1], "CronJob"
		}
	}
	return name, kind
}

// OwnerByLabels returns what [Owner] does where the controller is not known, as far as the labels and the
// name that controllers give their pods show it. Runtimes tell no more.
func OwnerByLabels(pod *Pod) (workload, kind string) {
	if hash := pod.Labels[labelTemplateHash]; hash != "" {
		if i := strings.LastIndex(pod.Name, "-"+hash+"-"); i > 0 {
			return pod.Name[:i], "Deployment"
		}
	}
	if job := pod.Labels[labelJob]; job != "" {
		return Owner(pod, job, "Job")
	}
	if pod.Labels[labelRevision] == "" {
		return Owner(pod, "", "")
	}
	i := strings.LastIndexByte(pod.Name, '-')
	switch {
	case i <= 0:
	case pod.Labels[labelStatefulPod] != "":
		return pod.Name[:i], "StatefulSet"
	case pod.Labels[labelGeneration] != "":
		return pod.Name[:i], "DaemonSet"
	}
	return Owner(pod, "", "")
}
