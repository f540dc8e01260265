// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"log/slog"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vedette-io/vedette/api/tetragon"
)

// levels maps the levels of the interface to those of slog, which has fewer names but any number.
var levels = []struct {
	wire tetragon.LogLevel
	slog slog.Level
}{
	{tetragon.LogLevel_LOG_LEVEL_TRACE, slog.LevelDebug - 4},
	{tetragon.LogLevel_LOG_LEVEL_DEBUG, slog.LevelDebug},
	{tetragon.LogLevel_LOG_LEVEL_INFO, slog.LevelInfo},
	{tetragon.LogLevel_LOG_LEVEL_WARN, slog.LevelWarn},
	{tetragon.LogLevel_LOG_LEVEL_ERROR, slog.LevelError},
	{tetragon.LogLevel_LOG_LEVEL_FATAL, slog.LevelError + 4},
	{tetragon.LogLevel_LOG_LEVEL_PANIC, slog.LevelError + 8},
}

// GetDebug returns the level of the log, or the processes that the agent remembers.
func (s *sensors) GetDebug(_ context.Context, request *tetragon.GetDebugRequest) (*tetragon.GetDebugResponse, error) {
	if request.Flag == tetragon.ConfigFlag_CONFIG_FLAG_DUMP_PROCESS_CACHE {
		return s.dumpProcesses(request.GetDump())
	}
	if err := s.checkFlag(request.Flag); err != nil {
		return nil, err
	}
	return &tetragon.GetDebugResponse{
		Flag: request.Flag,
		Arg:  &tetragon.GetDebugResponse_Level{Level: wireLevel(s.server.cfg.LogLevel.Level())},
	}, nil
}

// SetDebug sets the level of the log.
func (s *sensors) SetDebug(_ context.Context, request *tetragon.SetDebugRequest) (*tetragon.SetDebugResponse, error) {
	if err := s.checkFlag(request.Flag); err != nil {
		return nil, err
	}
	level, given := request.Arg.(*tetragon.SetDebugRequest_Level)
	if !given {
		return nil, status.Error(codes.InvalidArgument, "the level is missing")
	}
	for _, known := range levels {
		if known.wire == level.Level {
			s.server.cfg.LogLevel.Set(known.slog)
			s.server.cfg.Log.Info("log level changed by a client", "level", known.slog)
			return &tetragon.SetDebugResponse{Flag: request.Flag, Arg: &tetragon.SetDebugResponse_Level{Level: known.wire}}, nil
		}
	}
	return nil, status.Errorf(codes.InvalidArgument, "%d: not a log level", level.Level)
}

func (s *sensors) checkFlag(flag tetragon.ConfigFlag) error {
	if flag != tetragon.ConfigFlag_CONFIG_FLAG_LOG_LEVEL {
		return status.Errorf(codes.Unimplemented, "%v is not implemented by this agent", flag)
	}
	if s.server.cfg.LogLevel == nil {
		return status.Error(codes.Unimplemented, "the log level of this agent is fixed")
	}
	return nil
}

// wireLevel returns the lowest level of the interface that is not below the given one.
func wireLevel(level slog.Level) tetragon.LogLevel {
	for _, known := range levels {
		if level <= known.slog {
			return known.wire
		}
	}
	return tetragon.LogLevel_LOG_LEVEL_PANIC
}
