#!/bin/sh
# Runs every fuzz target for a while: fuzz.sh 20s. An input that fails is kept below the package's
# testdata/fuzz, where the next ordinary test finds it.
set -eu
cd "$(dirname "$0")/.."
time=${1:?how long, e.g. 20s}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# run PACKAGE TARGET
run() {
	echo "fuzz $1 $2"
	if go test -run '^$' -fuzz "^$2\$" -fuzztime "$time" -fuzzminimizetime 5s "$1" >"$log" 2>&1; then
		return
	fi
	# The end of the time can look like a failure of the last input: then no input
	# was written.
	if grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log"; then
		return
	fi
	cat "$log" >&2
	return 1
}

grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' api bpf cmd internal test 2>/dev/null | sort | while read -r file; do
	sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file" | while read -r target; do
		run "./$(dirname "$file")" "$target"
	done
done
