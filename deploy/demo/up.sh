#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# All steps of the demonstration. Each can be run again.
set -euo pipefail
cd "$(dirname "$0")"
for step in [1-9]0-*.sh; do
	"./$step"
done
