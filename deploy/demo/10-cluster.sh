#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Step 1: a kind cluster of three workers without a default CNI.
. "$(dirname "$0")/common.sh"
need_docker
need_kind
need_kubectl

if kind get clusters 2>/dev/null | grep -qx "$CLUSTER"; then
	say "the cluster $CLUSTER is there already"
else
	say "a cluster of three workers, without a network of its own"
	shown kind create cluster --name "$CLUSTER" --config kind.yaml
fi
shown kind export kubeconfig --name "$CLUSTER"
kubectl get nodes
