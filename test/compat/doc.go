// SPDX-License-Identifier: Apache-2.0

// Package compat makes 32-bit system calls from a 64-bit process, as a program
// does that wants to get around what watches the calls of x86-64. Only tests
// use it.
package compat
