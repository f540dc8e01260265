// SPDX-License-Identifier: Apache-2.0

// Package record turns the bytes of the kernel's ring buffers into typed records. It is pure and
// allocates nothing: a [Record] is reused, its strings are parts of the bytes that were decoded.
//
// The layout is the contract of bpf/vedette.h. Nothing in a record is trusted: every length is
// checked against the size that the record states of itself, and a corrupt record gives an [Error]
// that says what is wrong and at which byte.
//
// The reverse direction (AppendExec and the like) makes the recorded streams of tests and
// benchmarks.
package record
