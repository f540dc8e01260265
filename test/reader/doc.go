// SPDX-License-Identifier: Apache-2.0

// Reader gets at the bytes of a file in every way that the kernel offers, one
// a run, for the tests of policies that forbid it:
//
//	reader MODE FILE
//
// It writes what it has read to standard output, so that a test can tell
// whether a byte got out, and ends with 0. [modes] lists the ways.
package main
