// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func (s *Server) recoverUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (response any, err error) {
	defer s.recovered(info.FullMethod, &err)
	return handler(ctx, request)
}

func (s *Server) recoverStream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer s.recovered(info.FullMethod, &err)
	return handler(service, stream)
}

// recovered turns a panic into an error: one call that fails is better than an agent that ends.
func (s *Server) recovered(method string, err *error) {
	if cause := recover(); cause != nil {
		s.cfg.Log.Error("panic while serving a call", "method", method, "panic", cause, "stack", string(debug.Stack()))
		*err = status.Errorf(codes.Internal, "internal error in %s: it is in the agent's log", method)
	}
}
