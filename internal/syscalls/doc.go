// SPDX-License-Identifier: Apache-2.0

// Package syscalls knows the system calls of Linux: their numbers in the table of each ABI and the
// arguments of the common ones. It asks no kernel: the tables are generated from the constants of
// golang.org/x/sys/unix.
//
// ABIs are named as in policies and events: "x64", "i386", "arm64" and "arm32".
package syscalls

//go:generate go run ./gen
