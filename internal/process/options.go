// SPDX-License-Identifier: Apache-2.0

package process

import (
	"time"

	"github.com/vedette-io/vedette/internal/workload"
)

// DefaultCapacity is how many images a [Tree] keeps unless [Options] say otherwise.
const DefaultCapacity = 65536

// DefaultGrace is how long an image stays known after it and its descendants have ended unless
// [Options] say otherwise.
const DefaultGrace = 10 * time.Second

// Options are what a [Tree] is made with.
type Options struct {
	// Node is the name of this node, which is part of every exec id.
	Node string
	// Clock turns the kernel's times into wall clock time. It must be set.
	Clock *Clock
	// Resolver tells containers and pods. It must be set.
	Resolver workload.Resolver
	// Capacity is how many images are kept at most, 0 for DefaultCapacity.
	Capacity int
	// Grace is how long an image is kept after its end, 0 for DefaultGrace.
	Grace time.Duration
	// Credentials adds credentials, capabilities and what is special about the binary.
	Credentials bool
	// Namespaces adds namespaces; HostNamespaces are those to compare with.
	Namespaces     bool
	HostNamespaces workload.Namespaces
	// CommandLine returns the argument area of a running process, or nil. It is asked for processes
	// older than the agent only, whose memory the kernel program cannot read. nil asks nobody.
	CommandLine func(pid uint32) []byte
	// Redact returns the arguments of a process of the binary as they are to be kept and shown; nil keeps
	// them as they are.
	Redact func(binary, arguments string) string
}

// Stats counts what happened to a [Tree].
type Stats struct {
	// Images is how many are kept now, Running how many of them have not ended.
	Images, Running int
	// EvictedEnded counts images that went before their grace period was over, EvictedHeld ended
	// ones with running descendants, and EvictedRunning running ones, all for want of capacity.
	EvictedEnded, EvictedHeld, EvictedRunning uint64
	// UnknownParents counts forks and execs of parents that were not in the tree.
	UnknownParents uint64
	// UnknownExits counts exits of images that were not in the tree, DuplicateExits those of images
	// that had ended, and MissedExits images that ended without an exit: their id was reused.
	UnknownExits, DuplicateExits, MissedExits uint64
	// ArgumentsDropped counts parts of command lines that were dropped: their exec did not come, or
	// too many were waiting, or they came with a gap.
	ArgumentsDropped uint64
	// ArgumentsCut counts long command lines that were cut after their exec event to bound memory.
	ArgumentsCut uint64
}
