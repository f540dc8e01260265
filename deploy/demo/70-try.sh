#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Step 7: what the policy does, and what it leaves alone.
. "$(dirname "$0")/common.sh"
need_kubectl

# status COMMAND... runs a command in the pod and says how it ended.
status() {
	local code=0
	printf '$ kubectl exec iris-nopriv -- %s\n' "$*"
	kubectl exec iris-nopriv -- "$@" || code=$?
	echo "exit status $code"
	return "$code"
}

say "another file can be read"
status cat /usr/irissys/mgr/iris.cpf

say "the key cannot: 137 is SIGKILL"
code=0
status cat /usr/irissys/mgr/iris.key || code=$?
[ "$code" -eq 137 ] || give_up "the cat was not killed"

say "in a session of the database the killed command's exit code is -1"
printf 'ZF cat /usr/irissys/mgr/iris.key\nZF pwd\n' |
	shown kubectl exec -i iris-nopriv -- /usr/irissys/bin/irisdb -w /home/irisowner -s /usr/irissys/mgr
