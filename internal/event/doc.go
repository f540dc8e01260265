// SPDX-License-Identifier: Apache-2.0

// Package event holds the event as the agent carries it from the kernel to its subscribers, and its
// encodings: the compatible JSON ([AppendJSON]), one line for people ([AppendCompact]) and the wire
// message ([ToProto], [FromProto]).
//
// An [Event] is made to be reused: its slices may point into buffers that the next event overwrites,
// and both text encoders append to the caller's buffer, so that the way from the kernel's ring to a
// file allocates nothing per event. Who keeps an event takes a [Event.Clone] of it.
//
// Text may contain any bytes a process chose. Every encoding replaces each run of invalid UTF-8 by
// one U+FFFD, as strings.ToValidUTF8 does.
package event
