// SPDX-License-Identifier: Apache-2.0

// Package vmtest runs a command as root under another kernel, in a guest that boots in about two seconds.
//
// The guest is QEMU's microvm without hardware virtualization, so that it runs wherever a process runs.
// Its root is an initramfs that is written for each run: the command with the shared libraries that it is
// linked with, the files that were asked for, and busybox for the rest. The first process of the guest is
// package [pid1], which is part of the program that starts the guest: its main calls [pid1.Main] first.
//
// Kernels are directories that scripts/kernels.sh fetches; [Find] finds them.
package vmtest
