#!/bin/sh
# Runs a command as root: as it is where we are root, else through sudo with the environment, so that
# go and its caches are found.
set -eu
if [ "$(id -u)" -eq 0 ]; then
	exec "$@"
fi
if ! command -v sudo >/dev/null; then
	echo "$1 needs root, and there is no sudo here: run make as root" >&2
	exit 1
fi
exec sudo -E env "PATH=$PATH" "$@"
