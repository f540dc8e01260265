#!/bin/bash
# manifests.sh HELM [DIR]: writes the plain manifests of deploy/manifests (or DIR) from the chart: vedette.yaml with the
# chart's defaults in the namespace kube-system, and crds.yaml. Helm's own marks are left out.
set -euo pipefail
cd "$(dirname "$0")/.."
helm=$1 out=${2:-deploy/manifests}

render() {
	echo '# SPDX-License-Identifier: Apache-2.0'
	echo '# Generated from deploy/chart/vedette by scripts/manifests.sh. Do not edit.'
	"$helm" template vedette deploy/chart/vedette --namespace kube-system --set tests.enabled=false "$@" |
		sed -e '/app.kubernetes.io\/managed-by: Helm/d' -e '/helm.sh\/chart:/d' -e '/helm.sh\/resource-policy:/d' -e '/^# Source:/d'
}

render --set crds.install=false >"$out/vedette.yaml"
if compgen -G 'deploy/chart/vedette/files/crds/*.yaml' >/dev/null; then
	render --show-only templates/crds.yaml >"$out/crds.yaml"
fi
