// SPDX-License-Identifier: Apache-2.0

package compile

import "github.com/vedette-io/vedette/internal/policy"

// scope are the selectors of workloads that a policy, or one of its
// selectors, can have. They are a union: processes that any of them selects.
type scope struct {
	path                 string
	pod, container, host *policy.LabelSelector
}

// checkScope understands which workloads the policy is about, and refuses
// policies that would apply to more than they say.
func (f *frontend) checkScope() {
	if f.policy.Kind == policy.KindTracingPolicyNamespaced {
		f.errorf("kind", "a %s applies to the pods of one namespace and needs Kubernetes; without it the policy would apply to the whole host and is refused",
			policy.KindTracingPolicyNamespaced)
	}
	s := &f.policy.Spec
	if s.NodeSelector != nil {
		f.needsKubernetes("spec.nodeSelector", "nodeSelector", "the labels of this node are not known")
	}
	f.scope = f.scopeConditions(scope{"spec", s.PodSelector, s.ContainerSelector, s.HostSelector})
}

// needsKubernetes refuses what only Kubernetes can tell.
func (f *frontend) needsKubernetes(path, name, why string) {
	f.errorf(path, "%s needs Kubernetes, which this agent does not watch: %s", name, why)
}

// workloads understands matchWorkloads: all entries must be satisfied.
func (f *frontend) workloads(filters []policy.WorkloadFilter, path string) []condition {
	out := append([]condition(nil), f.scope...)
	for i := range filters {
		w := &filters[i]
		out = append(out, f.scopeConditions(scope{policy.ItemPath(path, i), w.PodSelector, w.ContainerSelector, w.HostSelector})...)
	}
	return out
}

// scopeConditions returns what a process must satisfy. No selector at all and
// three that select everything mean the same: any process.
func (f *frontend) scopeConditions(s scope) []condition {
	if s.host != nil && !s.host.IsEmpty() {
		f.errorf(s.path+".hostSelector", "hostSelector can only be null or {}")
		return nil
	}
	if s.pod.IsEmpty() && s.container.IsEmpty() && s.host != nil {
		return nil
	}
	if s.pod != nil {
		f.needsKubernetes(s.path+".podSelector", "podSelector", "pods and their labels are not known")
	}
	if s.container != nil {
		f.needsKubernetes(s.path+".containerSelector", "containerSelector", "the containers of pods and their names are not known")
	}
	if s.host == nil {
		return nil
	}
	return []condition{{kind: DimInterval, source: SourceWorkload, keys: ranges{{WorkloadHost, WorkloadHost}}}}
}
