// SPDX-License-Identifier: Apache-2.0

package bpf

//go:generate sh generate.sh
