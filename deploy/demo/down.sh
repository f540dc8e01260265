#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Removes the demonstration's cluster, and with it all that the steps made but the images on this machine.
. "$(dirname "$0")/common.sh"
need_kind
shown kind delete cluster --name "$CLUSTER"
