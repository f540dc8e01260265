// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/agent"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/vmtest"
)

// fakeAgent answers the calls of clients with what a test gave it, and remembers their requests.
type fakeAgent struct {
	tetragon.UnimplementedFineGuidanceSensorsServer

	address string
	events  []*tetragon.GetEventsResponse
	answers map[string]proto.Message
	err     error
	// hold keeps streams open after the last event.
	hold bool

	mu       sync.Mutex
	requests []proto.Message
}

func (f *fakeAgent) answer(request, response proto.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, request)
	if f.err != nil {
		return f.err
	}
	if answer, ok := f.answers[string(response.ProtoReflect().Descriptor().Name())]; ok {
		proto.Merge(response, answer)
	}
	return nil
}

// received returns the requests so far.
func (f *fakeAgent) received() []proto.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests
}

func (f *fakeAgent) GetEvents(r *tetragon.GetEventsRequest, stream tetragon.FineGuidanceSensors_GetEventsServer) error {
	if err := f.answer(r, &tetragon.GetEventsResponse{}); err != nil {
		return err
	}
	for _, e := range f.events {
		if err := stream.Send(e); err != nil {
			return err
		}
	}
	if f.hold {
		<-stream.Context().Done()
	}
	return nil
}

func (f *fakeAgent) GetHealth(_ context.Context, r *tetragon.GetHealthStatusRequest) (*tetragon.GetHealthStatusResponse, error) {
	response := &tetragon.GetHealthStatusResponse{}
	return response, f.answer(r, response)
}

func (f *fakeAgent) GetVersion(_ context.Context, r *tetragon.GetVersionRequest) (*tetragon.GetVersionResponse, error) {
	response := &tetragon.GetVersionResponse{}
	return response, f.answer(r, response)
}

func (f *fakeAgent) GetInfo(_ context.Context, r *tetragon.GetInfoRequest) (*tetragon.GetInfoResponse, error) {
	response := &tetragon.GetInfoResponse{}
	return response, f.answer(r, response)
}

func (f *fakeAgent) GetDebug(_ context.Context, r *tetragon.GetDebugRequest) (*tetragon.GetDebugResponse, error) {
	response := &tetragon.GetDebugResponse{}
	return response, f.answer(r, response)
}

func (f *fakeAgent) SetDebug(_ context.Context, r *tetragon.SetDebugRequest) (*tetragon.SetDebugResponse, error) {
	response := &tetragon.SetDebugResponse{Arg: &tetragon.SetDebugResponse_Level{Level: r.GetLevel()}}
	return response, f.answer(r, response)
}

func (f *fakeAgent) AddTracingPolicy(_ context.Context, r *tetragon.AddTracingPolicyRequest) (*tetragon.AddTracingPolicyResponse, error) {
	response := &tetragon.AddTracingPolicyResponse{}
	return response, f.answer(r, response)
}

func (f *fakeAgent) DeleteTracingPolicy(_ context.Context, r *tetragon.DeleteTracingPolicyRequest) (*tetragon.DeleteTracingPolicyResponse, error) {
	response := &tetragon.DeleteTracingPolicyResponse{}
	return response, f.answer(r, response)
}

func (f *fakeAgent) ConfigureTracingPolicy(_ context.Context, r *tetragon.ConfigureTracingPolicyRequest) (*tetragon.ConfigureTracingPolicyResponse, error) {
	response := &tetragon.ConfigureTracingPolicyResponse{}
	return response, f.answer(r, response)
}

func (f *fakeAgent) ListTracingPolicies(_ context.Context, r *tetragon.ListTracingPoliciesRequest) (*tetragon.ListTracingPoliciesResponse, error) {
	response := &tetragon.ListTracingPoliciesResponse{}
	return response, f.answer(r, response)
}

func (f *fakeAgent) ListDomains(_ context.Context, r *tetragon.ListDomainsRequest) (*tetragon.ListDomainsResponse, error) {
	response := &tetragon.ListDomainsResponse{}
	return response, f.answer(r, response)
}

// mustServe serves the agent on a unix socket until the test ends.
func mustServe(tb testing.TB, f *fakeAgent, options ...grpc.ServerOption) *fakeAgent {
	tb.Helper()
	socket := filepath.Join(tb.TempDir(), "agent.sock")
	mustServeAt(tb, f, "unix", socket, options...)
	f.address = "unix://" + socket
	return f
}

func mustServeAt(tb testing.TB, f *fakeAgent, network, address string, options ...grpc.ServerOption) net.Addr {
	tb.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		tb.Fatal(err)
	}
	server := grpc.NewServer(options...)
	tetragon.RegisterFineGuidanceSensorsServer(server, f)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(listener); err != nil {
			tb.Errorf("serve: %v", err)
		}
	})
	tb.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	return listener.Addr()
}

// outcome is what a run of the program left.
type outcome struct {
	status         int
	stdout, stderr string
}

// session is a program under test.
type session struct {
	stdin      string // content of a pipe; /dev/null where it is empty
	stdout     io.Writer
	runAgent   func(context.Context, agent.Config, *slog.Logger) error
	runCommand func(context.Context, agent.Config, agent.Command, func(*event.Event)) (agent.CommandResult, error)
	runGuest   func(ctx context.Context, g vmtest.Guest, argv ...string) (vmtest.Result, error)
	ctx        context.Context
}

func (s session) run(tb testing.TB, args ...string) outcome {
	tb.Helper()
	var stdout, stderr bytes.Buffer
	p := Program{Stdin: mustStdin(tb, s.stdin), Stdout: &stdout, Stderr: &stderr, RunAgent: s.runAgent, RunCommand: s.runCommand, RunGuest: s.runGuest}
	if s.stdout != nil {
		p.Stdout = s.stdout
	}
	ctx := s.ctx
	if ctx == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
	}
	return outcome{p.Run(ctx, args), stdout.String(), stderr.String()}
}

// mustStdin returns /dev/null, or a pipe with a text.
func mustStdin(tb testing.TB, text string) *os.File {
	tb.Helper()
	if text == "" {
		null, err := os.Open(os.DevNull)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = null.Close() })
		return null
	}
	r, w, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		if _, err := io.WriteString(w, text); err != nil && !errors.Is(err, os.ErrClosed) && !strings.Contains(err.Error(), "broken pipe") {
			tb.Errorf("write standard input: %v", err)
		}
		_ = w.Close()
	})
	tb.Cleanup(func() {
		_ = r.Close()
		writing.Wait()
	})
	return r
}

// mustWrite writes a file below a new directory and returns its path.
func mustWrite(tb testing.TB, name, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// check compares an outcome with what is expected of it.
func (o outcome) check(tb testing.TB, status int, stdout, stderr string) {
	tb.Helper()
	if o.status != status {
		tb.Errorf("exit status %d, want %d", o.status, status)
	}
	if o.stdout != stdout {
		tb.Errorf("standard output\n%q, want\n%q", o.stdout, stdout)
	}
	if o.stderr != stderr {
		tb.Errorf("standard error\n%q, want\n%q", o.stderr, stderr)
	}
}
