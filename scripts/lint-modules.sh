#!/bin/bash
# Checks what "go vet ./..." of the repository does not see: the modules nested in it, except those that only say what is
# built from others, and the shell scripts of what is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
staticcheck=$(go tool -n staticcheck)
export CGO_ENABLED=0

for module in deploy/tools test/cluster; do
	(
		cd "$module"
		go mod tidy -diff
		go vet ./...
		"$staticcheck" ./...
	)
done
shellcheck -x -P SCRIPTDIR deploy/demo/*.sh test/cluster/*.sh scripts/image.sh scripts/manifests.sh scripts/lint-modules.sh
