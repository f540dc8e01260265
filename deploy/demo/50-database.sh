#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Step 5: the stand-in database, a pod that is not privileged, and what an agent tells of it with no policy at all.
. "$(dirname "$0")/common.sh"
need_kubectl

say "the database"
shown kubectl apply -f iris-nopriv.yaml
shown kubectl wait --for=condition=Ready pod/iris-nopriv --timeout=2m

node=$(kubectl get pod iris-nopriv -o 'jsonpath={.spec.nodeName}')
agent=$(agent_on "$node")
say "it runs on $node; the agent there is $agent. In another terminal:"
echo "\$ kubectl exec -n $NAMESPACE $agent -- vedette getevents -o compact --pods iris-nopriv"

say "a session of the database: a direct call, and one through a shell"
printf 'ZF pwd\nSHELL pwd\n' | shown kubectl exec -i iris-nopriv -- /usr/irissys/bin/irisdb -w /home/irisowner -s /usr/irissys/mgr
