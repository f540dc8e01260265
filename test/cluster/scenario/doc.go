// SPDX-License-Identifier: Apache-2.0

// Package scenario installs Vedette into a real Kubernetes of three nodes, as its users do, and runs the scenario that
// started the project there. "make test-cluster" builds what it needs and runs it; it needs root, and -short skips all of
// it. What a person sees along the way is compared with docs/kubernetes.md, and written there with -update.
package scenario
