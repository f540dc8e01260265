// SPDX-License-Identifier: Apache-2.0

// Bench counts what Vedette costs, in instructions. It runs as root in a guest
// whose clock counts instructions (QEMU's -icount: one nanosecond is one
// instruction), so that its figures repeat whatever the host does:
// scripts/bench-kernel.sh builds and starts it, with the loops of load/load.c.
//
//	bench measure -vedette FILE -load FILE -hook-test FILE   measures, and prints the figures as JSON
//	bench check -budget FILE [-update] FILE… compares figures with the budget, and prints a table
package main
