// SPDX-License-Identifier: Apache-2.0

// Package enforce proves that what a policy forbids does not happen: system
// calls that are overridden have no effect, and processes that are killed for
// reading a file have read none of it. It needs root and, for most of it, a
// kernel with trampolines; docs/kernels.md tells how to run it in a guest.
package enforce
