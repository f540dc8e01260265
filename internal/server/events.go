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
	"github.com/vedette-io/vedette/internal/aggregate"
	"github.com/vedette-io/vedette/internal/filter"
	"github.com/vedette-io/vedette/internal/stream"
)

// GetEvents streams the events that pass the filters, from now on: once the client has the headers, it
// misses none. With aggregation options those that repeat are joined, see [aggregate.Window].
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
	if request.AggregationOptions != nil {
		window, err := newWindow(request.AggregationOptions)
		if err != nil {
			return err
		}
		if err := out.SendHeader(metadata.MD{}); err != nil {
			return err
		}
		return forwardJoined(events, out, window)
	}
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

func newWindow(asked *tetragon.AggregationOptions) (*aggregate.Window, error) {
	options, err := aggregate.ParseOptions(asked)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	return aggregate.New(options)
}

// forwardJoined is forward for a client that wants events that repeat to be joined: what a window holds is sent
// at its end.
func forwardJoined(events *stream.Subscription, out grpc.ServerStreamingServer[tetragon.GetEventsResponse], window *aggregate.Window) error {
	for {
		ended, err := fill(events, out.Context(), window)
		if out.Context().Err() != nil {
			return status.FromContextError(out.Context().Err()).Err()
		}
		if err != nil {
			return err
		}
		if err := window.Flush(out.Send); err != nil || ended {
			return err
		}
	}
}

// fill fills a window until its time is over or it is full. It reports whether the events have ended.
func fill(events *stream.Subscription, ctx context.Context, window *aggregate.Window) (ended bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, window.Size())
	defer cancel()
	for {
		next, err := events.Next(ctx)
		switch {
		case errors.Is(err, stream.ErrClosed):
			return true, nil
		case ctx.Err() != nil && err != nil:
			return false, nil
		case err != nil:
			return false, err
		}
		full, err := window.Add(next)
		if err != nil || full || ctx.Err() != nil {
			return false, err
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
