// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/filter"
	"github.com/vedette-io/vedette/internal/stream"
)

// GetEvents streams the events that pass the filters, from now on: once the client has the headers, it
// misses none. No kind of event is aggregated yet, so that aggregation options change nothing.
func (s *sensors) GetEvents(request *tetragon.GetEventsRequest, out grpc.ServerStreamingServer[tetragon.GetEventsResponse]) error {
	options, err := s.streamOptions(request)
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	events, err := s.server.cfg.Hub.Subscribe(out.Context(), options)
	if err != nil {
		return subscribeError(err)
	}
	defer events.Close()
	defer context.AfterFunc(s.server.stopping, events.Finish)()
	if err := out.SendHeader(metadata.MD{}); err != nil {
		return err
	}
	return forward(events, out)
}

// forward sends events until the client leaves, or the agent stops: then the stream ends well once
// everything in the queue has been sent.
func forward(events *stream.Subscription, out grpc.ServerStreamingServer[tetragon.GetEventsResponse]) error {
	for {
		next, err := events.Next(out.Context())
		switch {
		case out.Context().Err() != nil:
			return status.FromContextError(out.Context().Err()).Err()
		case errors.Is(err, stream.ErrClosed):
			return nil
		case err != nil:
			return err
		}
		if err := out.Send(next); err != nil {
			return err
		}
	}
}

func (s *sensors) streamOptions(request *tetragon.GetEventsRequest) (stream.Options, error) {
	set, err := filter.Compile(request.AllowList, request.DenyList, s.server.cfg.Filter)
	if err != nil {
		return stream.Options{}, err
	}
	fields, err := filter.CompileFieldFilters(request.FieldFilters)
	if err != nil {
		return stream.Options{}, err
	}
	return stream.Options{Filter: set, Fields: fields}, nil
}

func subscribeError(err error) error {
	if errors.Is(err, stream.ErrTooMany) {
		return status.Error(codes.ResourceExhausted, err.Error())
	}
	return status.Error(codes.Unavailable, err.Error())
}
