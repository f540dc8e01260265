// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// LivenessService is the name that probes ask the health service for.
const LivenessService = "liveness"

// Health is the standard gRPC health service, for the probes of an orchestrator, on a port of its own.
type Health struct {
	endpoint endpoint
	status   *health.Server
	alive    func() bool
	interval time.Duration
}

// NewHealth binds the address, "host:port". The service says that the agent lives as long as alive, asked
// at every interval, says so.
func NewHealth(ctx context.Context, address string, interval time.Duration, alive func() bool) (*Health, error) {
	if interval <= 0 {
		return nil, fmt.Errorf("health service: interval of %v: must be positive", interval)
	}
	l, err := listenTCP(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("health service: %w", err)
	}
	g := grpc.NewServer(grpc.MaxConcurrentStreams(maxStreams), grpc.MaxRecvMsgSize(maxHeaders), grpc.ConnectionTimeout(handshakeTimeout))
	h := &Health{endpoint: endpoint{l, g}, status: health.NewServer(), alive: alive, interval: interval}
	grpc_health_v1.RegisterHealthServer(g, h.status)
	return h, nil
}

// Address returns "host:port" with the real port.
func (h *Health) Address() string { return h.endpoint.listener.Addr().String() }

// Serve serves until ctx is done.
func (h *Health) Serve(ctx context.Context) error {
	h.look()
	watched := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(watched)
		h.watch(ctx)
		h.status.Shutdown()
		h.endpoint.grpc.Stop()
	}()
	err := h.endpoint.grpc.Serve(h.endpoint.listener)
	stopped := ctx.Err() != nil
	cancel()
	<-watched
	if err != nil && !stopped {
		return fmt.Errorf("health service on %s: %w", h.Address(), err)
	}
	return nil
}

func (h *Health) watch(ctx context.Context) {
	ticker := time.NewTicker(h.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			h.look()
		case <-ctx.Done():
			return
		}
	}
}

func (h *Health) look() {
	status := grpc_health_v1.HealthCheckResponse_NOT_SERVING
	if h.alive() {
		status = grpc_health_v1.HealthCheckResponse_SERVING
	}
	h.status.SetServingStatus(LivenessService, status)
}
