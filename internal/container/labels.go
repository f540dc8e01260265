// SPDX-License-Identifier: Apache-2.0

package container

import "strings"

// PodLabels returns the labels of a pod out of those of its sandbox, to which the kubelet adds the pod's name,
// namespace and uid, and runtimes their own.
func PodLabels(sandbox map[string]string) map[string]string {
	labels := make(map[string]string, len(sandbox))
	for key, value := range sandbox {
		if !strings.HasPrefix(key, "io.kubernetes.pod.") && !strings.HasPrefix(key, "io.cri-containerd.") && key != "io.kubernetes.container.name" {
			labels[key] = value
		}
	}
	return labels
}
