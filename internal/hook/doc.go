// SPDX-License-Identifier: Apache-2.0

// Package hook loads compiled hooks into the kernel: it specialises the
// programs of package bpf to a [compile.Hook], attaches them, exchanges them
// without a gap when policies change, and counts what they do.
package hook
