#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs tasks of the Makefile at the same time:
#
#   together.sh 'test-race fuzz' test-native
#
# Each argument is a list of tasks that run one after the other. What a list
# prints comes when it is done, in the order of the arguments. The status is
# that of the first list that failed, and then the others still end first.
set -uo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || { echo "usage: ${0##*/} 'TASK...'..." >&2; exit 2; }

tmp=$(mktemp -d)
pids=()
trap 'rm -rf "$tmp"' EXIT
# A list is a process group of its own, so that it can be ended with its children.
trap 'for p in "${pids[@]}"; do kill -TERM -- "-$p"; done; exit 130' INT TERM
set -m
for i in $(seq $#); do
	# shellcheck disable=SC2086 # names of tasks
	(for task in ${!i}; do ${MAKE:-make} --no-print-directory "$task" || exit; done) </dev/null >"$tmp/$i" 2>&1 &
	pids+=($!)
done
status=0
for i in $(seq $#); do
	wait "${pids[i - 1]}" || { failed=$?; [ "$status" != 0 ] || status=$failed; }
	cat "$tmp/$i"
done
exit "$status"
