// SPDX-License-Identifier: Apache-2.0

package container

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOwner(t *testing.T) {
	hash := map[string]string{"pod-template-hash": "5d4f"}
	tests := map[string]struct {
		pod                   Pod
		owner, ownerKind      string
		workload, kind        string
		byLabels, byLabelKind string
	}{
		"deployment":           {Pod{Name: "web-5d4f-x7k2p", Labels: hash}, "web-5d4f", "ReplicaSet", "web", "Deployment", "web", "Deployment"},
		"bare replica set":     {Pod{Name: "web-x7k2p"}, "web", "ReplicaSet", "web", "ReplicaSet", "web-x7k2p", "Pod"},
		"hash within the name": {Pod{Name: "a-5d4f-b-5d4f-x7k2p", Labels: hash}, "a-5d4f-b-5d4f", "ReplicaSet", "a-5d4f-b", "Deployment", "a-5d4f-b", "Deployment"},
		"odd name":             {Pod{Name: "-5d4f-", Labels: hash}, "", "", "-5d4f-", "Pod", "-5d4f-", "Pod"},
		"cron job": {Pod{Name: "clean-29384750-abcde", Labels: map[string]string{"batch.kubernetes.io/job-name": "clean-29384750"}},
			"clean-29384750", "Job", "clean", "CronJob", "clean", "CronJob"},
		"job": {Pod{Name: "once-abcde", Labels: map[string]string{"batch.kubernetes.io/job-name": "once"}}, "once", "Job", "once", "Job", "once", "Job"},
		"stateful set": {Pod{Name: "db-0", Labels: map[string]string{"controller-revision-hash": "x", "statefulset.kubernetes.io/pod-name": "db-0"}},
			"db", "StatefulSet", "db", "StatefulSet", "db", "StatefulSet"},
		"daemon set": {Pod{Name: "node-x7k2p", Labels: map[string]string{"controller-revision-hash": "x", "pod-template-generation": "1"}},
			"node", "DaemonSet", "node", "DaemonSet", "node", "DaemonSet"},
		"revision alone": {Pod{Name: "node-x7k2p", Labels: map[string]string{"controller-revision-hash": "x"}}, "n", "Custom", "n", "Custom", "node-x7k2p", "Pod"},
		"static":         {Pod{Name: "etcd-node"}, "node", "Node", "etcd-node", "Pod", "etcd-node", "Pod"},
		"alone":          {Pod{Name: "xwing"}, "", "", "xwing", "Pod", "xwing", "Pod"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if w, k := Owner(&test.pod, test.owner, test.ownerKind); w != test.workload || k != test.kind {
				t.Errorf("by the owner %s %s, want %s %s", k, w, test.kind, test.workload)
			}
			if w, k := OwnerByLabels(&test.pod); w != test.byLabels || k != test.byLabelKind {
				t.Errorf("by the labels %s %s, want %s %s", k, w, test.byLabelKind, test.byLabels)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	when := time.Unix(5, 0)
	c := Container{ID: "a", Name: "web", Image: "old", Pod: Pod{Name: "p", Labels: map[string]string{"a": "1"}, Workload: "w", WorkloadKind: "Deployment"}}
	c.Merge(&Container{Image: "new", ImageID: "sha256:1", StartTime: when, Privileged: true, CgroupID: 7,
		Pod: Pod{Namespace: "n", UID: "u", Labels: map[string]string{}, Annotations: map[string]string{"x": "y"}}})
	want := Container{ID: "a", Name: "web", Image: "new", ImageID: "sha256:1", StartTime: when, Privileged: true, CgroupID: 7,
		Pod: Pod{Namespace: "n", Name: "p", UID: "u", Labels: map[string]string{}, Annotations: map[string]string{"x": "y"}, Workload: "w", WorkloadKind: "Deployment"}}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	other := want
	if other.Pod.Labels = map[string]string{"a": "1"}; c.Equal(&other) {
		t.Error("containers with other labels are equal")
	}
	if !c.Equal(&want) {
		t.Error("a container is not equal to its copy")
	}
}
