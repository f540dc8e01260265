#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Step 6: the policy. Whoever enters the pod from outside and reads the database's key is killed.
. "$(dirname "$0")/common.sh"
need_kubectl

kubectl get crd tracingpolicies.cilium.io >/dev/null 2>&1 ||
	give_up "policies are no resources of this cluster: the chart of this version has no definitions of them"

say "the policy"
shown kubectl apply -f iris-read-file-sigkill.yaml
shown kubectl wait --for=condition=Programmed tracingpolicy/iris-read-file-sigkill --timeout=1m
shown kubectl get tracingpolicies
