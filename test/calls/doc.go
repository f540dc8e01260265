// SPDX-License-Identifier: Apache-2.0

// Package calls makes system calls whose effect can be seen, to prove that a
// refused one has none.
//
// [All] lists the calls that internal/syscalls says can be refused, each with
// variants for the different paths through it. A variant runs in a child of
// its own ([Variant.Start]) that makes nothing but the call: it is a fork with
// one thread that carries out a list of system calls in assembly, waiting
// between them in futex, which passes no LSM hook. So a test may refuse a
// call to the child, even read or mmap, and nothing else of the test is hit.
//
// The package is for x86-64, whose calls include the old ones (open, fork).
package calls
