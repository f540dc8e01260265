// SPDX-License-Identifier: Apache-2.0

// Package pid1 is the first process of a guest of package vmtest: it makes the machine usable, runs one
// command, reports how that ended and turns the machine off.
//
// It is part of the program that starts the guest, which puts itself into the guest as /init.
package pid1
