// SPDX-License-Identifier: Apache-2.0

// Package mapping tells which files processes map to execute them.
//
// A [Source] reads what the kernel tells of mappings in perf's ring buffers
// (PERF_RECORD_MMAP2, perf_event_open(2)): each mapping of a file that may be
// executed, those that the kernel makes when it executes a program and those
// that become executable later included. Since Linux 5.12 the kernel tells the
// build id of the file too; where it does not, [BuildIDs] reads it.
package mapping
