// SPDX-License-Identifier: Apache-2.0

// Package export writes events as JSON lines to a file that is rotated by size and age.
//
// A [Writer] stands between the reader of the kernel's ring and the disk: a bounded buffer in front of
// one goroutine that writes. A disk that is slow, full or gone costs events only when the buffer is
// full; each of them is counted, logged, reported to [Config.OnLost] and, at the place of the gap, in
// the file itself. Lines are never torn: what a failed write left behind of a line is cut off.
//
// An [Exporter] puts filters, field filters and a rate limit in front of a Writer.
package export
