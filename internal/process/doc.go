// SPDX-License-Identifier: Apache-2.0

// Package process keeps the process tree: who is who by exec id, who descends from whom, and what
// events show of each process.
//
// A node of the [Tree] is one image of a process: a fork makes one, and every exec makes a new one
// whose parent is the image before it, unless it is the first exec since the fork. Nodes are linked
// by process id and start time, so that a reused process id is never taken for its earlier owner.
//
// A node lives while its image runs or has running descendants, and a grace period longer, because
// the rings of the kernel are read one after the other and a late record may still speak of it. The
// number of nodes, the bytes of long command lines and the command lines that await their exec are
// bounded; what that costs is counted in [Stats].
package process
