// SPDX-License-Identifier: Apache-2.0

// Package stacktrace turns the addresses of stack traces into names: those of
// the kernel by /proc/kallsyms, those of programs by their files.
//
// It works beside the way of events, on a queue of bounded length: an event
// whose stacks are to be named waits, the others do not. All that it keeps is
// bounded too: the functions of files by their size, the mappings of
// processes by their number.
//
// Where a frame of a program is in a file is known of a process that still
// runs by its /proc/PID/maps, and of one that has ended by the build id that
// the kernel has looked up: the file is then searched among those known, the
// program, and the libraries that it asks for.
package stacktrace
