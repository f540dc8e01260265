// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

func TestHealth(t *testing.T) {
	var alive atomic.Bool
	alive.Store(true)
	h, err := NewHealth(t.Context(), "localhost:0", time.Millisecond, alive.Load)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- h.Serve(ctx) }()
	client := grpc_health_v1.NewHealthClient(mustDial(t, h.Address()))
	check := func(service string) (grpc_health_v1.HealthCheckResponse_ServingStatus, error) {
		r, err := client.Check(testContext(t), &grpc_health_v1.HealthCheckRequest{Service: service})
		return r.GetStatus(), err
	}
	if got, err := check(LivenessService); err != nil || got != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("status %v, %v", got, err)
	}
	if _, err := check("other"); status.Code(err) != codes.NotFound {
		t.Errorf("error %v, want NotFound", err)
	}
	alive.Store(false)
	eventually(t, "the agent is found dead", func() bool {
		got, err := check(LivenessService)
		return err == nil && got == grpc_health_v1.HealthCheckResponse_NOT_SERVING
	})
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestHealthErrors(t *testing.T) {
	for want, test := range map[string]struct {
		address  string
		interval time.Duration
	}{
		"interval of 0s": {"localhost:0", 0},
		"health service: listen on localhost:99999": {"localhost:99999", time.Second},
	} {
		if _, err := NewHealth(t.Context(), test.address, test.interval, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
