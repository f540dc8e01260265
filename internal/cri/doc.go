// SPDX-License-Identifier: Apache-2.0

// Package cri asks the container runtime about containers over the Container Runtime Interface, which
// containerd and CRI-O serve, and cri-dockerd for Docker.
package cri
