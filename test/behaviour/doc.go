// SPDX-License-Identifier: Apache-2.0

// Package behaviour proves in the kernel what the policy language promises. Its tests are tables: a row has a
// policy, what a process of its own then does, call by call, and the events, or the kill, that must follow.
//
// One agent runs for all tables, inside the test's process, with its own run directory; policies are added and
// events are read through its gRPC interface, as users do. What acts is the test binary, executed again as an
// actor (see actor in actor_test.go), so that every system call is exactly the one of the row. All policies of a
// table are in force together while its rows run: each row also shows that its policy is not disturbed by the
// others on the same hook.
//
// The tests need root. The calls they make are those of amd64. With -short they are skipped.
package behaviour
