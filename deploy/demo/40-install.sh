#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Step 4: Vedette by Helm, one agent on every node. Arguments go to helm, e.g. --set export.mode=sidecar.
. "$(dirname "$0")/common.sh"
need_helm
need_kubectl

say "Vedette"
shown helm upgrade --install vedette ../chart/vedette --namespace "$NAMESPACE" --set "hostPaths.proc=$NODE_PROC" "$@"
shown kubectl -n "$NAMESPACE" rollout status daemonset/vedette --timeout=5m
shown kubectl -n "$NAMESPACE" get pods -l app.kubernetes.io/name=vedette -o wide
