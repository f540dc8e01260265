// SPDX-License-Identifier: Apache-2.0

// Package workload tells which workload a process belongs to: the container by the path of its
// cgroup, and where this is known the pod. It also knows what tells the host from its containers:
// the name of the node and the host's namespaces.
package workload
