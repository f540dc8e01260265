#!/bin/sh
# Fails when a Go file is not formatted as gofmt does, or a shell script does not parse.
set -eu
cd "$(dirname "$0")/.."

unformatted=$(find . \( -path ./.git -o -path ./bin -o -path ./tmp \) -prune -o -name '*.go' -exec gofmt -l {} +)
if [ -n "$unformatted" ]; then
	echo "not formatted, run gofmt -w:" >&2
	echo "$unformatted" >&2
	exit 1
fi
find . \( -path ./.git -o -path ./bin -o -path ./tmp \) -prune -o -name '*.sh' -print | while read -r script; do
	case $(head -n 1 "$script") in
	*bash) bash -n "$script" ;;
	*) sh -n "$script" ;;
	esac
done
bash -n .ci/run
