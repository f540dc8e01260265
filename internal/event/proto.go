// SPDX-License-Identifier: Apache-2.0

package event

import (
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/vedette-io/vedette/api/tetragon"
)

// ToProto returns e as a message that shares no memory with e.
func ToProto(e *Event) *tetragon.GetEventsResponse {
	m := &tetragon.GetEventsResponse{
		NodeName:    valid(e.NodeName),
		Time:        protoTime(e.Time),
		ClusterName: valid(e.ClusterName),
		NodeLabels:  protoLabels(e.NodeLabels),
	}
	if e.Aggregated.Set {
		m.AggregationInfo = &tetragon.AggregationInfo{Count: e.Aggregated.Value}
	}
	setMember(m, e)
	return m
}

func setMember(m *tetragon.GetEventsResponse, e *Event) {
	switch e.Kind {
	case KindExec:
		m.Event = &tetragon.GetEventsResponse_ProcessExec{ProcessExec: protoExec(e)}
	case KindExit:
		m.Event = &tetragon.GetEventsResponse_ProcessExit{ProcessExit: protoExit(e)}
	case KindKprobe:
		m.Event = &tetragon.GetEventsResponse_ProcessKprobe{ProcessKprobe: protoKprobe(e)}
	case KindTracepoint:
		m.Event = &tetragon.GetEventsResponse_ProcessTracepoint{ProcessTracepoint: protoTracepoint(e)}
	case KindLoader:
		m.Event = &tetragon.GetEventsResponse_ProcessLoader{ProcessLoader: protoLoader(e)}
	case KindUprobe:
		m.Event = &tetragon.GetEventsResponse_ProcessUprobe{ProcessUprobe: protoUprobe(e)}
	case KindThrottle:
		m.Event = &tetragon.GetEventsResponse_ProcessThrottle{ProcessThrottle: &tetragon.ProcessThrottle{
			Type: e.Throttle.Type, Cgroup: valid(e.Throttle.Cgroup),
		}}
	case KindLSM:
		m.Event = &tetragon.GetEventsResponse_ProcessLsm{ProcessLsm: protoLSM(e)}
	case KindUsdt:
		m.Event = &tetragon.GetEventsResponse_ProcessUsdt{ProcessUsdt: protoUsdt(e)}
	case KindTest:
		m.Event = &tetragon.GetEventsResponse_Test{Test: &tetragon.Test{
			Arg0: e.Test[0], Arg1: e.Test[1], Arg2: e.Test[2], Arg3: e.Test[3],
		}}
	case KindRateLimit:
		m.Event = &tetragon.GetEventsResponse_RateLimitInfo{RateLimitInfo: &tetragon.RateLimitInfo{
			NumberOfDroppedProcessEvents: e.RateLimited,
		}}
	case KindLost:
		m.Event = &tetragon.GetEventsResponse_VedetteLostEvents{VedetteLostEvents: &tetragon.LostEvents{
			Stage: valid(e.Lost.Stage), Cause: valid(e.Lost.Cause), Count: e.Lost.Count,
		}}
	}
}

func protoExec(e *Event) *tetragon.ProcessExec {
	return &tetragon.ProcessExec{
		Process:   protoProcess(e.Process, e.TID),
		Parent:    protoProcess(e.Parent, 0),
		Ancestors: protoAncestors(e.Ancestors),
	}
}

func protoExit(e *Event) *tetragon.ProcessExit {
	return &tetragon.ProcessExit{
		Process:   protoProcess(e.Process, e.TID),
		Parent:    protoProcess(e.Parent, 0),
		Signal:    valid(e.Exit.Signal),
		Status:    e.Exit.Status,
		Time:      protoTime(e.Exit.Time),
		Ancestors: protoAncestors(e.Ancestors),
	}
}

func protoLoader(e *Event) *tetragon.ProcessLoader {
	return &tetragon.ProcessLoader{
		Process:   protoProcess(e.Process, e.TID),
		Path:      valid(string(e.Loader.Path)),
		Buildid:   append([]byte(nil), e.Loader.BuildID...),
		Parent:    protoProcess(e.Parent, 0),
		Ancestors: protoAncestors(e.Ancestors),
	}
}

func protoAncestors(ancestors []*Process) []*tetragon.Process {
	return convert(ancestors, func(p **Process) *tetragon.Process {
		if *p == nil {
			return &tetragon.Process{}
		}
		return protoProcess(*p, 0)
	})
}

// convert returns the results of f for each element, nil when there are none.
func convert[From, To any](from []From, f func(*From) To) []To {
	if len(from) == 0 {
		return nil
	}
	to := make([]To, len(from))
	for i := range from {
		to[i] = f(&from[i])
	}
	return to
}

// valid returns s with each run of invalid UTF-8 replaced by U+FFFD.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func protoTime(ns int64) *timestamppb.Timestamp {
	if ns == 0 {
		return nil
	}
	seconds, nanos := splitNanos(ns)
	return &timestamppb.Timestamp{Seconds: seconds, Nanos: int32(nanos)}
}

func protoLabels(labels Labels) map[string]string {
	if len(labels) == 0 {
		return nil
	}
	m := make(map[string]string, len(labels))
	for _, label := range labels {
		m[valid(label.Key)] = valid(label.Value)
	}
	return m
}

func protoOptional(o Optional[uint32]) *wrapperspb.UInt32Value {
	if !o.Set {
		return nil
	}
	return wrapperspb.UInt32(o.Value)
}
