#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Shows what Vedette does, on the running machine: the events of a real
# command, and the scenario that started the project with its kill. Ends by
# itself, with 0 only when the kill was really seen, and leaves nothing behind.
set -eu

cd "$(dirname "$0")/.."

if [ "$(id -u)" -ne 0 ]; then
	exec sudo "PATH=$PATH" "$0" "$@"
fi

agent='' container='' watcher='' mailbox=''
tmp=$(mktemp -d "${TMPDIR:-/tmp}/vedette-demo.XXXXXX")

# finish ends what this script has started, by its id, and removes its files.
finish() {
	status=$?
	trap - EXIT INT TERM HUP PIPE
	if [ -n "$mailbox" ]; then exec 3>&-; fi
	for pid in $watcher $agent $container; do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	rm -rf "$tmp"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP
trap 'exit 141' PIPE

bold='' plain='' red='' green=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m') red=$(printf '\033[31m') green=$(printf '\033[32m')
fi

title() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
say() { printf '   %s\n' "$*"; }
shown() { printf '%s $ %s%s\n' "$bold" "$*" "$plain"; }

# give_up ends the demonstration with what went wrong.
give_up() {
	printf '%s   %s%s\n' "$red" "$*" "$plain" >&2
	if [ -s "$tmp/agent.log" ]; then sed 's/^/   agent: /' "$tmp/agent.log" >&2; fi
	exit 1
}

# await runs a condition until it is true, for at most 20 seconds.
await() {
	what=$1
	shift
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -lt 200 ] || give_up "$what did not happen in time"
		sleep 0.1
	done
}

# build makes the two programs where a source is newer than they are.
build() {
	vedette=bin/vedette
	if [ ! -x "$vedette" ] || [ -n "$(find cmd internal api bpf go.mod -newer "$vedette" -name '*[!~]' -type f -print | head -n 1)" ]; then
		say "building $vedette ..."
		CGO_ENABLED=0 go build -o "$vedette" ./cmd/vedette
	fi
	vedette=$PWD/$vedette
	CGO_ENABLED=0 go build -o "$tmp/irisdb" ./test/irisdb
}

first_part() {
	title "1. Any command, watched: which processes it starts, and how each ends"
	command="ls /etc/os-release | tr a-z A-Z; exit 3"
	shown "vedette run -- sh -c '$command'"
	code=0
	"$vedette" run --color never -- sh -c "$command" >"$tmp/run" 2>&1 || code=$?
	sed 's/^/   /' "$tmp/run"
	[ "$code" -eq 3 ] || give_up "the exit status is $code, that of the command is 3"
	grep -q '💥 exit .*/ls' "$tmp/run" || give_up "the events of ls are missing"
	say "(exit status: $code, that of the command)"
}

start_container() {
	mkdir "$tmp/container"
	mkfifo "$tmp/commands"
	"$tmp/irisdb" container "$tmp/container" <"$tmp/commands" >"$tmp/database" 2>&1 &
	container=$!
	exec 3>"$tmp/commands"
	mailbox=open
	ask "READKEY"
	inside=$(cat "$tmp/container/pid")
}

# ask gives the database a command and waits for its answer.
ask() {
	before=$(grep -c '^exit code:' "$tmp/database" || :)
	echo "$*" >&3
	await "an answer of the database" more_answers "$before"
}

more_answers() { [ "$(grep -c '^exit code:' "$tmp/database")" -gt "$1" ]; }

start_agent() {
	"$vedette" agent --run-dir "$tmp/run.d" --tracing-policy-dir '' --server-address "$server" \
		--tracing-policy "$policy" >"$tmp/agent.log" 2>&1 &
	agent=$!
	await "the start of the agent" "$vedette" status --server-address "$server"
	grep -q 'policy loaded' "$tmp/agent.log" || give_up "the policy was not loaded"
	"$vedette" getevents -o compact --color never --server-address "$server" \
		--process '^/usr/bin/(cat|head)$' -e PROCESS_EXEC,PROCESS_KPROBE,PROCESS_EXIT </dev/null >>"$tmp/events" 2>"$tmp/watcher.log" &
	watcher=$!
	# The first event seen says that the watcher is there.
	await "a first event" probe
	: >"$tmp/events"
}

probe() {
	/usr/bin/cat /dev/null
	grep -q . "$tmp/events"
}

enter() {
	code=0
	nsenter -t "$inside" -p -m -- "$@" >"$tmp/out" 2>/dev/null || code=$?
}

second_part() {
	title "2. A policy that kills: only the database may read its key"
	say "A container with a database in it: a pid namespace, a mount namespace, and the"
	say "key in $key. The policy is the one that started the project:"
	say "whoever enters from outside and reads the key is killed."
	policy=internal/policy/testdata/iris-read-file-sigkill.yaml
	server=unix://$tmp/vedette.sock
	key=/usr/irissys/mgr/iris.key
	start_container
	start_agent
	shown "vedette tracingpolicy list"
	"$vedette" tracingpolicy list --server-address "$server" | sed 's/^/   /'

	shown "nsenter -t $inside -p -m cat /usr/irissys/mgr/iris.cpf     # another file"
	enter cat /usr/irissys/mgr/iris.cpf
	other=$code
	sed 's/^/   /' "$tmp/out"

	shown "nsenter -t $inside -p -m cat $key     # the key"
	enter cat "$key"
	stolen=$code
	bytes=$(wc -c <"$tmp/out" | tr -d ' ')
	say "exit status $stolen, $bytes bytes printed"

	shown "READKEY     # the database itself"
	ask "READKEY"
	tail -n 2 "$tmp/database" | sed 's/^/   /'
	database=$(tail -n 1 "$tmp/database")

	await "the event of the kill" grep -q 'exit .*iris.key SIGKILL' "$tmp/events"
	printf "\n"
	say "What vedette saw:"
	grep iris "$tmp/events" | sed 's/^/   /'
}

verdict() {
	printf '\n'
	[ "$other" -eq 0 ] || give_up "the other file could not be read"
	[ "$stolen" -eq 137 ] || give_up "the cat of the key was not killed"
	[ "$bytes" -eq 0 ] || give_up "$bytes bytes of the key got out"
	[ "$database" = "exit code: 0" ] || give_up "the database cannot read its key"
	grep -q 'read .*iris.key' "$tmp/events" || give_up "the event of the kill is missing"
	printf '%s   The cat was killed before it printed a byte; the database reads its key.%s\n' "$green" "$plain"
}

key=/usr/irissys/mgr/iris.key
build
first_part
second_part
verdict
