// SPDX-License-Identifier: Apache-2.0

package event

import "github.com/vedette-io/vedette/api/tetragon"

// Kind says which event it is. Its numbers are those of the members of GetEventsResponse.event.
type Kind = tetragon.EventType

// The kinds of events.
const (
	KindExec       Kind = tetragon.EventType_PROCESS_EXEC
	KindExit       Kind = tetragon.EventType_PROCESS_EXIT
	KindKprobe     Kind = tetragon.EventType_PROCESS_KPROBE
	KindTracepoint Kind = tetragon.EventType_PROCESS_TRACEPOINT
	KindLoader     Kind = tetragon.EventType_PROCESS_LOADER
	KindUprobe     Kind = tetragon.EventType_PROCESS_UPROBE
	KindThrottle   Kind = tetragon.EventType_PROCESS_THROTTLE
	KindLSM        Kind = tetragon.EventType_PROCESS_LSM
	KindUsdt       Kind = tetragon.EventType_PROCESS_USDT
	KindTest       Kind = tetragon.EventType_TEST
	KindRateLimit  Kind = tetragon.EventType_RATE_LIMIT_INFO
	KindLost       Kind = tetragon.EventType_VEDETTE_LOST_EVENTS
)

// Event is one event of any [Kind]. Of the sections below Ancestors only the one that belongs to the
// kind is encoded.
type Event struct {
	Kind Kind
	// Time is when it happened in nanoseconds since the Unix epoch; 0 is not encoded.
	Time int64
	// NodeName, ClusterName and NodeLabels say where it happened.
	NodeName    string
	ClusterName string
	NodeLabels  Labels
	// Aggregated is how many events this one stands for, where events are aggregated.
	Aggregated Optional[uint64]

	// Process is the process that caused the event. Throttle, rate limit, lost and test events have none.
	Process *Process
	// TID is the thread that caused the event where it differs from the process's own; 0 means it
	// does not differ.
	TID uint32
	// Parent is the parent of Process, nil when unknown.
	Parent *Process
	// Ancestors are the processes above the parent, nearest first.
	Ancestors []*Process

	// Exit belongs to KindExit.
	Exit Exit
	// Hook belongs to KindKprobe, KindTracepoint, KindUprobe, KindUsdt and KindLSM.
	Hook Hook
	// Loader belongs to KindLoader.
	Loader Loader
	// Throttle belongs to KindThrottle.
	Throttle Throttle
	// Lost belongs to KindLost.
	Lost Lost
	// RateLimited belongs to KindRateLimit: the number of events dropped by the export rate limit.
	RateLimited uint64
	// Test belongs to KindTest.
	Test [4]uint64
}

// Exit says how a process ended.
type Exit struct {
	// Signal is the name of the signal that ended it ("SIGKILL"), empty when it exited by itself.
	Signal string
	// Status is the exit code, 0 to 255.
	Status uint32
	// Time is when it ended in nanoseconds since the Unix epoch; 0 is not encoded.
	Time int64
}

// Loader is an executable file mapped into a process.
type Loader struct {
	Path    []byte
	BuildID []byte
}

// Throttle says that events of a cgroup begin or stop being throttled.
type Throttle struct {
	Type   tetragon.ThrottleType
	Cgroup string
}

// Lost reports events that are missing from the stream.
type Lost struct {
	// Stage is where they were lost: "kernel ring", "decode", "queue" or "export".
	Stage string
	// Cause is why they were lost.
	Cause string
	// Count is how many were lost.
	Count uint64
}

// Reset empties e and keeps the storage of its slices for reuse.
func (e *Event) Reset() {
	*e = Event{
		Ancestors: e.Ancestors[:0],
		Loader:    Loader{Path: e.Loader.Path[:0], BuildID: e.Loader.BuildID[:0]},
		Hook:      e.Hook.reset(),
	}
}
