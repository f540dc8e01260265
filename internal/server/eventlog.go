// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"math"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/export"
)

// eventLog is the service EventLogService. Its sizes are in MB of 1,048,576 bytes.
type eventLog struct {
	tetragon.UnimplementedEventLogServiceServer
	server *Server
}

func (e *eventLog) log() (EventLog, error) {
	if e.server.cfg.EventLog == nil {
		return nil, status.Error(codes.FailedPrecondition, "there is no export file (the agent's option --export-filename)")
	}
	return e.server.cfg.EventLog, nil
}

// GetEventLogParams returns the settings of the export file.
func (e *eventLog) GetEventLogParams(context.Context, *tetragon.GetEventLogParamsRequest) (*tetragon.GetEventLogParamsResponse, error) {
	log, err := e.log()
	if err != nil {
		return nil, err
	}
	p := log.Params()
	return &tetragon.GetEventLogParamsResponse{
		MaxSize:          int32(min(p.MaxSize/export.BytesPerMB, math.MaxInt32)),
		RotationInterval: p.RotationInterval.String(),
		MaxBackups:       int32(min(p.MaxBackups, math.MaxInt32)),
	}, nil
}

// SetEventLogParams changes the settings that are given.
func (e *eventLog) SetEventLogParams(_ context.Context, request *tetragon.SetEventLogParamsRequest) (*tetragon.SetEventLogParamsResponse, error) {
	log, err := e.log()
	if err != nil {
		return nil, err
	}
	p := log.Params()
	if request.MaxSize != nil {
		p.MaxSize = int64(*request.MaxSize) * export.BytesPerMB
	}
	if request.MaxBackups != nil {
		p.MaxBackups = int(*request.MaxBackups)
	}
	if request.RotationInterval != nil {
		if p.RotationInterval, err = time.ParseDuration(*request.RotationInterval); err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "rotation interval: %v", err)
		}
	}
	if err := log.SetParams(p); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	return &tetragon.SetEventLogParamsResponse{}, nil
}
