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
	"google.golang.org/grpc/keepalive"

	"github.com/vedette-io/vedette/api/tetragon"
)

const (
	// maxMessage bounds a message in either direction, 10 MiB.
	maxMessage = 10 << 20
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
	s := &Server{cfg: cfg}
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
		s.add(l, s.tcpOptions(l)...)
		at.socket = s.cfg.Socket
	}
	l, err := listenUnix(ctx, at.socket)
	if err != nil {
		return err
	}
	s.add(l)
	return nil
}

func (s *Server) tcpOptions(l net.Listener) []grpc.ServerOption {
	if s.cfg.TLS != nil {
		return []grpc.ServerOption{grpc.Creds(credentials.NewTLS(s.cfg.TLS))}
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		s.cfg.Log.Warn("the server is open to the network: everyone who reaches it may read events and change policies",
			"address", l.Addr().String())
	}
	return nil
}

func (s *Server) add(l net.Listener, options ...grpc.ServerOption) {
	options = append(options,
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		grpc.MaxConcurrentStreams(maxStreams), grpc.MaxHeaderListSize(maxHeaders),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.ChainUnaryInterceptor(s.recoverUnary), grpc.ChainStreamInterceptor(s.recoverStream),
	)
	g := grpc.NewServer(options...)
	tetragon.RegisterFineGuidanceSensorsServer(g, &sensors{server: s})
	tetragon.RegisterEventLogServiceServer(g, &eventLog{server: s})
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
