// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"runtime"
	"runtime/debug"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vedette-io/vedette/api/tetragon"
)

// sensors is the service FineGuidanceSensors.
type sensors struct {
	tetragon.UnimplementedFineGuidanceSensorsServer
	server *Server
}

// GetHealth says that the agent runs: it would not answer otherwise.
func (*sensors) GetHealth(context.Context, *tetragon.GetHealthStatusRequest) (*tetragon.GetHealthStatusResponse, error) {
	return &tetragon.GetHealthStatusResponse{HealthStatus: []*tetragon.HealthStatus{{
		Event:   tetragon.HealthStatusType_HEALTH_STATUS_TYPE_STATUS,
		Status:  tetragon.HealthStatusResult_HEALTH_STATUS_RUNNING,
		Details: "running",
	}}}, nil
}

// GetVersion returns the version of the agent.
func (s *sensors) GetVersion(context.Context, *tetragon.GetVersionRequest) (*tetragon.GetVersionResponse, error) {
	return &tetragon.GetVersionResponse{Version: s.server.cfg.Version}, nil
}

// GetInfo returns the version, the build and what the agent adds.
func (s *sensors) GetInfo(context.Context, *tetragon.GetInfoRequest) (*tetragon.GetInfoResponse, error) {
	info := &tetragon.GetInfoResponse{Version: s.server.cfg.Version, Name: "vedette", Build: buildInfo()}
	if s.server.cfg.Info != nil {
		s.server.cfg.Info(info)
	}
	return info, nil
}

func buildInfo() *tetragon.GetInfoResponse_BuildInfo {
	b := &tetragon.GetInfoResponse_BuildInfo{GoVersion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.Commit = setting.Value
		case "vcs.time":
			b.Time = setting.Value
		case "vcs.modified":
			b.Modified = setting.Value
		}
	}
	return b
}

// RuntimeHook tells the agent of a container about to start.
func (s *sensors) RuntimeHook(ctx context.Context, request *tetragon.RuntimeHookRequest) (*tetragon.RuntimeHookResponse, error) {
	if s.server.cfg.RuntimeHook == nil {
		return nil, status.Error(codes.Unimplemented, "runtime hooks are not implemented by this agent")
	}
	if err := s.server.cfg.RuntimeHook(ctx, request); err != nil {
		return nil, err
	}
	return &tetragon.RuntimeHookResponse{}, nil
}

func deprecated(call string) error {
	return status.Errorf(codes.Unimplemented, "%s is deprecated", call)
}

// ListSensors always fails.
func (*sensors) ListSensors(context.Context, *tetragon.ListSensorsRequest) (*tetragon.ListSensorsResponse, error) {
	return nil, deprecated("ListSensors")
}

// EnableSensor always fails.
func (*sensors) EnableSensor(context.Context, *tetragon.EnableSensorRequest) (*tetragon.EnableSensorResponse, error) {
	return nil, deprecated("EnableSensor")
}

// DisableSensor always fails.
func (*sensors) DisableSensor(context.Context, *tetragon.DisableSensorRequest) (*tetragon.DisableSensorResponse, error) {
	return nil, deprecated("DisableSensor")
}

// RemoveSensor always fails.
func (*sensors) RemoveSensor(context.Context, *tetragon.RemoveSensorRequest) (*tetragon.RemoveSensorResponse, error) {
	return nil, deprecated("RemoveSensor")
}
