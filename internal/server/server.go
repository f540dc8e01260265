// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/vedette-io/vedette/api/tetragon"
)

const (
	// maxMessage bounds a message of a client, 10 MiB.
	maxMessage = 10 << 20
	// maxAnswer bounds a message to a client, 64 MiB: what a full process cache can come to. Clients have
	// bounds of their own.
	maxAnswer = 64 << 20
	// maxStreams bounds the calls of one connection at a time.
	maxStreams = 128
	// maxHeaders bounds the headers of a call, in bytes.
	maxHeaders = 64 << 10
	// handshakeTimeout bounds what a connection may take to begin to speak the protocol.
	handshakeTimeout = 10 * time.Second
)

// Server serves the interface. Make one with [New].
type Server struct {
	cfg       Config
	endpoints []endpoint
	// stopping is done when streams are to end.
	stopping context.Context
	health   *health.Server
	stop     context.CancelFunc
}

// endpoint is an address with the gRPC server that serves it: credentials belong to a server.
type endpoint struct {
	listener net.Listener
	grpc     *grpc.Server
}

// New binds the addresses, so that an error names one that cannot be served. With an empty address the
// server has none, and Serve only waits.
func New(ctx context.Context, cfg Config) (*Server, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, health: health.NewServer()}
	for _, service := range []string{LivenessService, tetragon.FineGuidanceSensors_ServiceDesc.ServiceName, tetragon.EventLogService_ServiceDesc.ServiceName} {
		s.health.SetServingStatus(service, grpc_health_v1.HealthCheckResponse_SERVING)
	}
	if err := s.bind(ctx); err != nil {
		return nil, errors.Join(err, s.closeListeners())
	}
	s.stopping, s.stop = context.WithCancel(context.Background())
	return s, nil
}

func (s *Server) bind(ctx context.Context) error {
	if s.cfg.Address == "" {
		return nil
	}
	at, err := parseAddress(s.cfg.Address)
	if err != nil {
		return err
	}
	if at.socket == "" {
		l, err := listenTCP(ctx, at.tcp)
		if err != nil {
			return err
		}
		options, err := s.tcpOptions(l)
		if err != nil {
			return errors.Join(err, l.Close())
		}
		s.add(l, options...)
		at.socket = s.cfg.Socket
	}
	l, err := listenUnix(ctx, at.socket)
	if err != nil {
		return err
	}
	s.add(l)
	return nil
}

func (s *Server) tcpOptions(l net.Listener) ([]grpc.ServerOption, error) {
	config, err := s.cfg.TLS.Config(s.cfg.Log)
	if err != nil {
		return nil, err
	}
	if config != nil {
		return []grpc.ServerOption{grpc.Creds(credentials.NewTLS(config))}, nil
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		s.cfg.Log.Warn("the server is open to the network: everyone who reaches it may read events and change policies",
			"address", l.Addr().String())
	}
	return nil, nil
}

func (s *Server) add(l net.Listener, options ...grpc.ServerOption) {
	options = append(options,
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxAnswer),
		grpc.MaxConcurrentStreams(maxStreams), grpc.MaxHeaderListSize(maxHeaders),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.ChainUnaryInterceptor(s.recoverUnary), grpc.ChainStreamInterceptor(s.recoverStream),
	)
	g := grpc.NewServer(options...)
	tetragon.RegisterFineGuidanceSensorsServer(g, &sensors{server: s})
	tetragon.RegisterEventLogServiceServer(g, &eventLog{server: s})
	grpc_health_v1.RegisterHealthServer(g, s.health)
	reflection.Register(g)
	s.endpoints = append(s.endpoints, endpoint{l, g})
}

// Addresses returns what is served: "host:port" with the real port, then "unix:///path".
func (s *Server) Addresses() []string {
	var addresses []string
	for _, e := range s.endpoints {
		if addr := e.listener.Addr(); addr.Network() == "unix" {
			addresses = append(addresses, unixScheme+addr.String())
		} else {
			addresses = append(addresses, addr.String())
		}
	}
	return addresses
}

// Serve serves until ctx is done and then ends: streams end with OK, other calls are finished, what takes
// longer than Config.Shutdown is broken off. The sockets are gone when it returns.
func (s *Server) Serve(ctx context.Context) error {
	group, failed := errgroup.WithContext(ctx)
	for _, e := range s.endpoints {
		group.Go(func() error {
			// It is stopped already when ctx was done from the beginning.
			if err := e.grpc.Serve(e.listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
				return fmt.Errorf("serve on %s: %w", e.listener.Addr(), err)
			}
			return nil
		})
	}
	group.Go(func() error {
		<-failed.Done()
		s.end()
		return nil
	})
	return group.Wait()
}

func (s *Server) end() {
	s.stop()
	s.health.Shutdown()
	timer := time.AfterFunc(s.cfg.Shutdown, func() {
		for _, e := range s.endpoints {
			e.grpc.Stop()
		}
	})
	defer timer.Stop()
	for _, e := range s.endpoints {
		e.grpc.GracefulStop()
	}
}

// Close gives up the addresses of a server that was never served.
func (s *Server) Close() error {
	s.stop()
	return s.closeListeners()
}

func (s *Server) closeListeners() error {
	var errs []error
	for _, e := range s.endpoints {
		e.grpc.Stop()
		if err := e.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
