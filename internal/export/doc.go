// SPDX-License-Identifier: Apache-2.0

// Package export writes events, one a line, to files that are rotated by size and age, to the standard output, and
// to receivers of JSON lines or syslog.
//
// A [Writer] stands between the reader of the kernel's ring and the disk: a bounded buffer in front of
// one goroutine that writes. A disk that is slow, full or gone costs events only when the buffer is
// full; each of them is counted, logged, reported to [Config.OnLost] and, at the place of the gap, in
// the file itself. Lines are never torn: what a failed write left behind of a line is cut off.
//
// An [Exporter] puts filters, field filters, a format and a rate limit in front of a Writer. A [FanOut] hands events to
// any number of them, which a [Spec] can describe.
package export
