# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the steps of the demonstration have in common. They source it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Settings, from the environment.
CLUSTER=${CLUSTER:-vedette-demo}
NAMESPACE=${NAMESPACE:-kube-system}
# Where a node has the machine's own /proc: see kind.yaml.
NODE_PROC=${NODE_PROC:-/procHost}
# A chart of Cilium: a name in a repository that helm knows, a file or a directory.
CILIUM_CHART=${CILIUM_CHART:-cilium/cilium}
export CLUSTER NAMESPACE NODE_PROC CILIUM_CHART

say() { printf '\n== %s\n' "$*"; }
give_up() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# shown prints a command as one would type it, and runs it.
shown() {
	printf '$ %s\n' "$*"
	"$@"
}

# need TOOL VERSION COMMAND...: the tool must be there, and what the command prints must have at least that version.
need() {
	local tool=$1 want=$2 have
	shift 2
	command -v "$tool" >/dev/null || give_up "$tool is not installed, version $want or newer is needed"
	have=$("$@" 2>/dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1) || give_up "the version of $tool is not known"
	printf '%s\n%s\n' "$want" "$have" | sort -C -V || give_up "$tool is of version $have, $want or newer is needed"
}

need_kubectl() { need kubectl 1.30 kubectl version --client; }
need_helm() { need helm 3.14 helm version --short; }
need_docker() { need docker 25.0 docker version --format '{{.Client.Version}}'; }
need_kind() { need kind 0.23 kind version; }
need_go() { need go 1.26 go version; }

# agent_on NODE prints the name of the agent's pod on a node.
agent_on() {
	kubectl -n "$NAMESPACE" get pods -l app.kubernetes.io/name=vedette --field-selector "spec.nodeName=$1" -o name
}
