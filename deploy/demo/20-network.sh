#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Step 2: Cilium is the cluster's network.
. "$(dirname "$0")/common.sh"
need_helm
need_kubectl

if [ ! -e "$CILIUM_CHART" ] && ! helm show chart "$CILIUM_CHART" >/dev/null 2>&1; then
	give_up "helm does not find the chart $CILIUM_CHART: add Cilium's repository under the name cilium as its documentation" \
		"says (helm repo add), or set CILIUM_CHART"
fi
say "Cilium"
shown helm upgrade --install cilium "$CILIUM_CHART" --namespace kube-system --set ipam.mode=kubernetes --wait --timeout 10m
shown kubectl wait --for=condition=Ready nodes --all --timeout=5m
