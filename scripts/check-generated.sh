#!/bin/sh
# Generates everything anew and fails when a file changes, appears or disappears. The new files stay,
# so that they can be looked at and committed.
set -eu
cd "$(dirname "$0")/.."

sums() {
	find api bpf internal/syscalls deploy/crds -type f ! -name '*_test.go' -exec sha256sum {} + | sort -k 2
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
sums >"$tmp/before"
go generate ./api ./bpf ./internal/syscalls ./internal/crd
sums >"$tmp/after"
if ! diff "$tmp/before" "$tmp/after" >"$tmp/diff"; then
	echo "generated files are not up to date; run \"make generate\" and commit:" >&2
	sed -n 's/^[<>] [0-9a-f]*  /  /p' "$tmp/diff" | sort -u >&2
	exit 1
fi
