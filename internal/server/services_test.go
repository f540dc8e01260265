// SPDX-License-Identifier: Apache-2.0

package server

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
)

func TestReflectionAndHealth(t *testing.T) {
	f := mustServe(t, nil)
	conn := mustDial(t, f.server.Addresses()[0])
	for _, service := range []string{"", "liveness", "tetragon.FineGuidanceSensors", "tetragon.EventLogService"} {
		got, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: service})
		if err != nil || got.Status != grpc_health_v1.HealthCheckResponse_SERVING {
			t.Errorf("health of %q: %v, %v", service, got, err)
		}
	}
	info, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	request := &grpc_reflection_v1.ServerReflectionRequest{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}}
	if err := info.Send(request); err != nil {
		t.Fatal(err)
	}
	answer, err := info.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range answer.GetListServicesResponse().GetService() {
		names = append(names, s.Name)
	}
	if !slices.Contains(names, "tetragon.FineGuidanceSensors") || !slices.Contains(names, "tetragon.EventLogService") {
		t.Errorf("reflection tells of %q", names)
	}
}

// TestAggregation checks that events that repeat arrive as one, at the end of the window or of the stream.
func TestAggregation(t *testing.T) {
	f := mustServe(t, nil)
	repeat := func(function string, times int) {
		for i := range times {
			f.hub.Publish(&event.Event{Kind: event.KindKprobe, Time: int64(i), Process: &event.Process{ExecID: "a"}, Hook: event.Hook{Function: function}})
		}
	}
	window := func(size time.Duration, events uint64) *tetragon.GetEventsRequest {
		return &tetragon.GetEventsRequest{AggregationOptions: &tetragon.AggregationOptions{WindowSize: durationpb.New(size), ChannelBufferSize: events}}
	}
	check := func(m *tetragon.GetEventsResponse, function string, count uint64) {
		t.Helper()
		if m.GetProcessKprobe().GetFunctionName() != function || m.GetAggregationInfo().GetCount() != count {
			t.Errorf("received %v, want %d of %s", m, count, function)
		}
	}
	short := mustStream(t, t.Context(), f.client, window(200*time.Millisecond, 0))
	full := mustStream(t, t.Context(), f.client, window(time.Hour, 2))
	atEnd := mustStream(t, t.Context(), f.client, window(time.Hour, 0))
	repeat("f", 5)
	repeat("g", 1)
	check(mustRecv(t, full), "f", 5)
	check(mustRecv(t, full), "g", 0)
	total := uint64(0) // the five can be in two windows
	for total < 5 {
		m := mustRecv(t, short)
		if m.GetProcessKprobe().GetFunctionName() != "f" {
			t.Fatalf("received %v after %d of f", m, total)
		}
		total += max(m.GetAggregationInfo().GetCount(), 1)
	}
	check(mustRecv(t, short), "g", 0)
	// What waits in a window is sent before the stream ends with the server.
	f.hub.Close()
	check(mustRecv(t, atEnd), "f", 5)
	check(mustRecv(t, atEnd), "g", 0)

	bad, err := f.client.GetEvents(t.Context(), window(-time.Second, 0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bad.Recv(); !isError(err, codes.InvalidArgument, "window_size") && !isError(err, codes.Unavailable, "closed") {
		t.Errorf("error %v", err)
	}
}
