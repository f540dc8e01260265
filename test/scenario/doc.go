// SPDX-License-Identifier: Apache-2.0

// Package scenario proves what the product as a whole does on the kernel at
// hand: the built agent is started, real processes run, and the events and
// the ends of the processes are looked at. It needs root; -short skips all of
// it.
package scenario
