// SPDX-License-Identifier: Apache-2.0

// Package bpf holds the kernel programs, their one contract header, and what
// bpf2go generates of them: the objects and the Go types of everything that
// crosses the border between kernel and user space.
package bpf
