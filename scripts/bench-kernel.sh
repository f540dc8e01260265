#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Counts the instructions that Vedette costs, in guests whose clock counts
# them, and compares the figures with the budget:
#
#   bench-kernel.sh             compare; the table goes to standard output
#   bench-kernel.sh -update     make what is measured the budget
#
# PARTS are what is measured, a guest each: process, costs (of arguments and
# selectors) and kinds of hooks.
# KERNEL is the series; VMRUN is the command that runs guests.
set -euo pipefail
cd "$(dirname "$0")/.."

kernel=${KERNEL:-6.12}
parts=${PARTS:-process costs syscall tracepoint function fentry,fmod_ret,kprobe,lsm}
vmrun=${VMRUN:-go run ./internal/vmtest/vmrun}
cc=$(command -v clang-19 || command -v cc)
tries=3

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$tmp/vedette" ./cmd/vedette
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$tmp/bench" ./test/bench
CGO_ENABLED=0 go test -c -trimpath -ldflags '-s -w' -o "$tmp/hook.test" ./internal/hook
"$cc" -O2 -Wall -Wextra -Werror -static -o "$tmp/load" test/bench/load/load.c

# measure PART runs a guest. QEMU 7.2 now and then breaks one that counts
# instructions (wrong flags after cmpxchg16b): then it is run again.
measure() {
	# shellcheck disable=SC2086 # words of a command
	$vmrun -k "$kernel" -smp 2 -m 2048 -icount -append 'nokaslr norandmaps' -timeout 9m \
		-f "$tmp/vedette:/vedette" -f "$tmp/load:/load" -f "$tmp/bench:/bench" -f "$tmp/hook.test:/hook.test" \
		/bench measure -vedette /vedette -load /load -hook-test /hook.test -only "$1" >"$tmp/$1.json" 2>"$tmp/$1.log"
}

for part in $parts; do
	echo "measuring $part on $kernel" >&2
	try=1
	until measure "$part"; do
		[ "$try" -lt "$tries" ] || { tail -n 40 "$tmp/$part.log" >&2; exit 1; }
		try=$((try + 1))
	done
done
# shellcheck disable=SC2086 # one name each
"$tmp/bench" check -budget test/bench/budget.json "$@" $(printf "$tmp/%s.json " $parts)
