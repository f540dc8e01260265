// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/export"
	"github.com/vedette-io/vedette/internal/filter"
	"github.com/vedette-io/vedette/internal/instance"
	"github.com/vedette-io/vedette/internal/stream"
)

const (
	// DefaultSocket is the path of the unix socket that is always served beside a TCP address.
	DefaultSocket = instance.DefaultDir + "/vedette.sock"
	// DefaultAddress is the default of the agent's option --server-address.
	DefaultAddress = "localhost:54321"
	// DefaultDomain is the domain of the policies that come over this interface.
	DefaultDomain = "grpc"
	// DefaultShutdown is how long calls may take to end when the server stops.
	DefaultShutdown = 5 * time.Second
)

// Ref names a policy.
type Ref struct {
	Name string
	// Namespace is empty for a policy that concerns the whole host.
	Namespace string
	Domain    string
}

// Policies is what the server needs of the agent's policies. Its errors are shown to the user as they
// are; those that wrap one of [ErrInvalid], [ErrExists] and [ErrNotFound] get the matching gRPC code.
type Policies interface {
	// Add parses, checks and loads a policy.
	Add(ctx context.Context, yaml, domain string) error
	// Delete unloads and forgets a policy.
	Delete(ctx context.Context, ref Ref) error
	// List returns the state of the policies of a domain, of all domains when it is empty.
	List(domain string) []*tetragon.TracingPolicyStatus
	// Configure enables or disables a policy and sets its mode; what is nil stays as it is.
	Configure(ctx context.Context, ref Ref, enable *bool, mode *tetragon.TracingPolicyMode) error
	// Domains returns the names of the domains.
	Domains() []string
}

// Errors that the implementation of [Policies] wraps.
var (
	ErrInvalid  = errors.New("invalid policy")
	ErrExists   = errors.New("policy exists already")
	ErrNotFound = errors.New("policy does not exist")
)

// EventLog is the export file whose settings EventLogService changes; [export.Writer] is one.
type EventLog interface {
	Params() export.Params
	SetParams(export.Params) error
}

// Config says what a [Server] serves, and where.
type Config struct {
	// Address is "host:port", "unix:///path", or empty for no server at all. With a TCP address Socket is
	// served as well.
	Address string
	// Socket is the path of that unix socket, [DefaultSocket] when empty.
	Socket string
	// TLS secures the TCP address; without a certificate it is open to whoever can reach it.
	TLS TLSFiles
	// Shutdown is how long calls may take to end, [DefaultShutdown] when 0.
	Shutdown time.Duration

	Hub      *stream.Hub
	Policies Policies
	// EventLog is nil when there is no export file.
	EventLog EventLog
	// Filter says what clients can filter events by.
	Filter filter.Options
	// Version is the version of the agent.
	Version string
	// Info completes the answer to GetInfo, which has the version and the build already; it may be nil.
	Info func(*tetragon.GetInfoResponse)
	// RuntimeHook is told of containers about to start; nil when the agent has no use for that.
	RuntimeHook func(context.Context, *tetragon.RuntimeHookRequest) error
	// Processes returns what the process cache holds; it may be nil.
	Processes func(*tetragon.DumpProcessCacheReqArgs) []*tetragon.ProcessInternal
	// LogLevel is the level that GetDebug and SetDebug are about; it may be nil.
	LogLevel *slog.LevelVar
	// DeprecatedPolicyCalls lets EnableTracingPolicy and DisableTracingPolicy work
	// (--enable-deprecated-tracingpolicy-grpc).
	DeprecatedPolicyCalls bool
	// Log is [slog.Default] when nil.
	Log *slog.Logger
}

func (c *Config) complete() error {
	if c.Hub == nil || c.Policies == nil {
		return errors.New("server: no hub or no policies")
	}
	if c.Socket == "" {
		c.Socket = DefaultSocket
	}
	if c.Shutdown == 0 {
		c.Shutdown = DefaultShutdown
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return nil
}
