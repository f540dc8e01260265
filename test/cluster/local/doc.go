// SPDX-License-Identifier: Apache-2.0

// Package local runs a real Kubernetes on this machine without pulling an image: etcd, API server, controller manager,
// scheduler, kubelet and kube-proxy, built from their Go modules into one program, containerd from its own, and runc and
// the CNI plugins of Debian.
//
// A node is what a node of kind is: namespaces of its own (network, mounts, names, processes) with containerd and kubelet
// in them, on the machine's one kernel. Nodes and control plane reach each other and nothing else, and nothing else
// reaches them. It needs root.
package local
