// SPDX-License-Identifier: Apache-2.0

// Package nri is a plugin of the container runtime (Node Resource Interface of containerd and CRI-O), which
// hears of each container before its first instruction.
package nri
