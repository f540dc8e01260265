// SPDX-License-Identifier: Apache-2.0

package event

import (
	"math"

	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/vedette-io/vedette/api/tetragon"
)

// FromProto returns the message as an event that shares no buffer with it. What the message lacks is
// absent from the encodings of the event, too. Not kept are what no agent sends: addresses that are no
// IP addresses, times outside the years 1678 to 2261, numbers of enums that stand for bits and are none.
func FromProto(m *tetragon.GetEventsResponse) *Event {
	e := &Event{
		NodeName:    m.GetNodeName(),
		Time:        nanosOf(m.GetTime()),
		ClusterName: m.GetClusterName(),
		NodeLabels:  LabelsOf(m.GetNodeLabels()),
	}
	if info := m.GetAggregationInfo(); info != nil {
		e.Aggregated = Some(info.GetCount())
	}
	e.fromMember(m)
	return e
}

func (e *Event) fromMember(m *tetragon.GetEventsResponse) {
	switch member := m.GetEvent().(type) {
	case *tetragon.GetEventsResponse_ProcessExec:
		e.Kind = KindExec
		e.fromProcesses(member.ProcessExec)
	case *tetragon.GetEventsResponse_ProcessExit:
		e.fromExit(member.ProcessExit)
	case *tetragon.GetEventsResponse_ProcessKprobe:
		e.fromKprobe(member.ProcessKprobe)
	case *tetragon.GetEventsResponse_ProcessTracepoint:
		e.fromTracepoint(member.ProcessTracepoint)
	case *tetragon.GetEventsResponse_ProcessLoader:
		e.fromLoader(member.ProcessLoader)
	case *tetragon.GetEventsResponse_ProcessUprobe:
		e.fromUprobe(member.ProcessUprobe)
	case *tetragon.GetEventsResponse_ProcessThrottle:
		e.Kind = KindThrottle
		e.Throttle = Throttle{Type: member.ProcessThrottle.GetType(), Cgroup: member.ProcessThrottle.GetCgroup()}
	case *tetragon.GetEventsResponse_ProcessLsm:
		e.fromLSM(member.ProcessLsm)
	case *tetragon.GetEventsResponse_ProcessUsdt:
		e.fromUsdt(member.ProcessUsdt)
	case *tetragon.GetEventsResponse_Test:
		e.Kind = KindTest
		t := member.Test
		e.Test = [4]uint64{t.GetArg0(), t.GetArg1(), t.GetArg2(), t.GetArg3()}
	case *tetragon.GetEventsResponse_RateLimitInfo:
		e.Kind = KindRateLimit
		e.RateLimited = member.RateLimitInfo.GetNumberOfDroppedProcessEvents()
	case *tetragon.GetEventsResponse_VedetteLostEvents:
		e.Kind = KindLost
		lost := member.VedetteLostEvents
		e.Lost = Lost{Stage: lost.GetStage(), Cause: lost.GetCause(), Count: lost.GetCount()}
	}
}

// processMember is what all events of a process have.
type processMember interface {
	GetProcess() *tetragon.Process
	GetParent() *tetragon.Process
	GetAncestors() []*tetragon.Process
}

func (e *Event) fromProcesses(m processMember) {
	e.Process = processOf(m.GetProcess())
	e.Parent = processOf(m.GetParent())
	e.Ancestors = convert(m.GetAncestors(), func(p **tetragon.Process) *Process { return processOf(*p) })
}

func (e *Event) fromExit(m *tetragon.ProcessExit) {
	e.Kind = KindExit
	e.fromProcesses(m)
	e.Exit = Exit{Signal: m.GetSignal(), Status: m.GetStatus(), Time: nanosOf(m.GetTime())}
}

func (e *Event) fromLoader(m *tetragon.ProcessLoader) {
	e.Kind = KindLoader
	e.fromProcesses(m)
	e.Loader = Loader{Path: []byte(m.GetPath()), BuildID: append([]byte(nil), m.GetBuildid()...)}
}

// nanosOf returns nanoseconds since the Unix epoch, 0 for no time or one that does not fit.
func nanosOf(t *timestamppb.Timestamp) int64 {
	const limit = math.MaxInt64/nanosPerSecond - 1
	if t.GetSeconds() > limit || t.GetSeconds() < -limit {
		return 0
	}
	return t.GetSeconds()*nanosPerSecond + int64(t.GetNanos())
}

func optionalOf(w *wrapperspb.UInt32Value) Optional[uint32] {
	return Optional[uint32]{Value: w.GetValue(), Set: w != nil}
}
