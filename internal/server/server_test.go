// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/export"
	"github.com/vedette-io/vedette/internal/filter"
	"github.com/vedette-io/vedette/internal/stream"
)

// fakePolicies notes calls and answers with err.
type fakePolicies struct {
	mu    sync.Mutex
	calls []string
	err   error
	list  []*tetragon.TracingPolicyStatus
}

func (f *fakePolicies) note(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	return f.err
}

func (f *fakePolicies) Add(_ context.Context, yaml, domain string) error {
	if yaml == "panic" {
		panic("a defect")
	}
	return f.note("add %s %s", yaml, domain)
}

func (f *fakePolicies) Delete(_ context.Context, ref Ref) error { return f.note("delete %v", ref) }

func (f *fakePolicies) List(domain string) []*tetragon.TracingPolicyStatus {
	_ = f.note("list %s", domain)
	return f.list
}

func (f *fakePolicies) Configure(_ context.Context, ref Ref, enable *bool, mode *tetragon.TracingPolicyMode) error {
	text := fmt.Sprintf("configure %v", ref)
	if enable != nil {
		text += fmt.Sprint(" enable=", *enable)
	}
	if mode != nil {
		text += fmt.Sprint(" mode=", *mode)
	}
	return f.note("%s", text)
}

func (f *fakePolicies) Domains() []string { return []string{"grpc", "static"} }

// fixture is a running server with a client.
type fixture struct {
	hub      *stream.Hub
	policies *fakePolicies
	server   *Server
	client   tetragon.FineGuidanceSensorsClient
	log      tetragon.EventLogServiceClient
	// stop ends the server and returns the error of Serve.
	stop func() error
}

func mustServe(tb testing.TB, change func(*Config)) *fixture {
	tb.Helper()
	f := &fixture{hub: stream.NewHub(stream.Config{NodeName: "node"}), policies: &fakePolicies{}}
	cfg := Config{
		Address: "unix://" + filepath.Join(tb.TempDir(), "s"), Hub: f.hub, Policies: f.policies,
		Version: "v1.2.3", Log: slog.New(slog.DiscardHandler), Filter: filter.Options{PIDSet: true},
	}
	if change != nil {
		change(&cfg)
	}
	f.hub = cfg.Hub
	var err error
	if f.server, err = New(tb.Context(), cfg); err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- f.server.Serve(ctx) }()
	f.stop = sync.OnceValue(func() error { cancel(); return <-served })
	tb.Cleanup(func() {
		if err := f.stop(); err != nil {
			tb.Error(err)
		}
	})
	conn := mustDial(tb, f.server.Addresses()[0])
	f.client, f.log = tetragon.NewFineGuidanceSensorsClient(conn), tetragon.NewEventLogServiceClient(conn)
	return f
}

func mustDial(tb testing.TB, address string, options ...grpc.DialOption) *grpc.ClientConn {
	tb.Helper()
	conn, err := grpc.NewClient(address, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}

// mustStream begins a stream and waits until it is subscribed.
func mustStream(tb testing.TB, ctx context.Context, client tetragon.FineGuidanceSensorsClient, request *tetragon.GetEventsRequest) tetragon.FineGuidanceSensors_GetEventsClient {
	tb.Helper()
	events, err := client.GetEvents(ctx, request)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := events.Header(); err != nil {
		tb.Fatal(err)
	}
	return events
}

func mustRecv(tb testing.TB, events tetragon.FineGuidanceSensors_GetEventsClient) *tetragon.GetEventsResponse {
	tb.Helper()
	m, err := events.Recv()
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("it never happens: %s", what)
		}
	}
}

func testContext(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	tb.Cleanup(cancel)
	return ctx
}

func execEvent(pid int, arguments string) *event.Event {
	return &event.Event{Kind: event.KindExec, Process: &event.Process{PID: uint32(pid), Binary: "/bin/true", Arguments: arguments}}
}

func pidOf(m *tetragon.GetEventsResponse) int {
	return int(m.GetProcessExec().GetProcess().GetPid().GetValue())
}

func isError(err error, code codes.Code, text string) bool {
	return status.Code(err) == code && strings.Contains(status.Convert(err).Message(), text)
}

func TestSimpleCalls(t *testing.T) {
	f := mustServe(t, func(c *Config) {
		c.Info = func(r *tetragon.GetInfoResponse) { r.Probes = []*tetragon.GetInfoResponse_Probe{{Name: "btf"}} }
	})
	ctx := testContext(t)
	health, err := f.client.GetHealth(ctx, &tetragon.GetHealthStatusRequest{})
	if err != nil || len(health.HealthStatus) != 1 || health.HealthStatus[0].Details != "running" ||
		health.HealthStatus[0].Status != tetragon.HealthStatusResult_HEALTH_STATUS_RUNNING {
		t.Errorf("health %v, %v", health, err)
	}
	version, err := f.client.GetVersion(ctx, &tetragon.GetVersionRequest{})
	if err != nil || version.Version != "v1.2.3" {
		t.Errorf("version %v, %v", version, err)
	}
	info, err := f.client.GetInfo(ctx, &tetragon.GetInfoRequest{})
	if err != nil || info.Version != "v1.2.3" || info.Build.GoVersion == "" || len(info.Probes) != 1 {
		t.Errorf("info %v, %v", info, err)
	}
}

func TestCallsThatFail(t *testing.T) {
	f := mustServe(t, nil)
	ctx := testContext(t)
	for name, test := range map[string]struct {
		call func() error
		text string
	}{
		"list":    {func() error { _, err := f.client.ListSensors(ctx, &tetragon.ListSensorsRequest{}); return err }, "ListSensors is deprecated"},
		"enable":  {func() error { _, err := f.client.EnableSensor(ctx, &tetragon.EnableSensorRequest{}); return err }, "EnableSensor is deprecated"},
		"disable": {func() error { _, err := f.client.DisableSensor(ctx, &tetragon.DisableSensorRequest{}); return err }, "DisableSensor is deprecated"},
		"remove":  {func() error { _, err := f.client.RemoveSensor(ctx, &tetragon.RemoveSensorRequest{}); return err }, "RemoveSensor is deprecated"},
		"enable policy": {func() error {
			_, err := f.client.EnableTracingPolicy(ctx, &tetragon.EnableTracingPolicyRequest{Name: "x"})
			return err
		}, "EnableTracingPolicy is deprecated"},
		"disable policy": {func() error {
			_, err := f.client.DisableTracingPolicy(ctx, &tetragon.DisableTracingPolicyRequest{Name: "x"})
			return err
		}, "DisableTracingPolicy is deprecated"},
		"runtime hook": {func() error { _, err := f.client.RuntimeHook(ctx, &tetragon.RuntimeHookRequest{}); return err }, "runtime hooks"},
		"dump": {func() error {
			_, err := f.client.GetDebug(ctx, &tetragon.GetDebugRequest{Flag: tetragon.ConfigFlag_CONFIG_FLAG_DUMP_PROCESS_CACHE})
			return err
		}, "does not tell what its process cache holds"},
		"fixed level": {func() error { _, err := f.client.GetDebug(ctx, &tetragon.GetDebugRequest{}); return err }, "is fixed"},
	} {
		if err := test.call(); !isError(err, codes.Unimplemented, test.text) {
			t.Errorf("%s: error %v, want %q", name, err, test.text)
		}
	}
	if len(f.policies.calls) > 0 {
		t.Errorf("policies were called: %q", f.policies.calls)
	}
}

func TestPolicyCalls(t *testing.T) {
	f := mustServe(t, func(c *Config) { c.DeprecatedPolicyCalls = true })
	f.policies.list = []*tetragon.TracingPolicyStatus{{Id: 1, Name: "p", State: tetragon.TracingPolicyState_TP_STATE_ENABLED}}
	ctx := testContext(t)
	var errs []error
	note := func(_ any, err error) { errs = append(errs, err) }
	note(f.client.AddTracingPolicy(ctx, &tetragon.AddTracingPolicyRequest{Yaml: "y"}))
	note(f.client.AddTracingPolicy(ctx, &tetragon.AddTracingPolicyRequest{Yaml: "y", Domain: "d"}))
	note(f.client.DeleteTracingPolicy(ctx, &tetragon.DeleteTracingPolicyRequest{Name: "p", Namespace: "n"}))
	note(f.client.ConfigureTracingPolicy(ctx, &tetragon.ConfigureTracingPolicyRequest{
		Name: "p", Enable: proto.Bool(false), Mode: tetragon.TracingPolicyMode_TP_MODE_MONITOR.Enum()}))
	note(f.client.ConfigureTracingPolicy(ctx, &tetragon.ConfigureTracingPolicyRequest{Name: "p", Domain: "d"}))
	note(f.client.EnableTracingPolicy(ctx, &tetragon.EnableTracingPolicyRequest{Name: "p"}))
	note(f.client.DisableTracingPolicy(ctx, &tetragon.DisableTracingPolicyRequest{Name: "p"}))
	list, err := f.client.ListTracingPolicies(ctx, &tetragon.ListTracingPoliciesRequest{})
	if err != nil || len(list.Policies) != 1 || list.Policies[0].Name != "p" {
		t.Errorf("list %v, %v", list, err)
	}
	domains, err := f.client.ListDomains(ctx, &tetragon.ListDomainsRequest{})
	if err != nil || !slices.Equal(domains.Domains, []string{"grpc", "static"}) {
		t.Errorf("domains %v, %v", domains, err)
	}
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	want := []string{
		"add y grpc", "add y d", "delete {p n grpc}", "configure {p  grpc} enable=false mode=TP_MODE_MONITOR",
		"configure {p  d}", "configure {p  grpc} enable=true", "configure {p  grpc} enable=false", "list ",
	}
	if !slices.Equal(f.policies.calls, want) {
		t.Errorf("calls %q\nwant  %q", f.policies.calls, want)
	}
}

func TestPolicyErrors(t *testing.T) {
	f := mustServe(t, nil)
	ctx := testContext(t)
	for _, test := range []struct {
		err  error
		code codes.Code
	}{
		{fmt.Errorf("policy.yaml:3:7: unknown field %q\n  kprobs:\n  ^~~~~~: %w", "kprobs", ErrInvalid), codes.InvalidArgument},
		{fmt.Errorf("p: %w", ErrExists), codes.AlreadyExists},
		{fmt.Errorf("p: %w", ErrNotFound), codes.NotFound},
		{context.DeadlineExceeded, codes.DeadlineExceeded},
		{errors.New("plain"), codes.Unknown},
	} {
		f.policies.err = test.err
		if _, err := f.client.AddTracingPolicy(ctx, &tetragon.AddTracingPolicyRequest{}); !isError(err, test.code, test.err.Error()) {
			t.Errorf("add: error %v, want %v: %v", err, test.code, test.err)
		}
		if _, err := f.client.DeleteTracingPolicy(ctx, &tetragon.DeleteTracingPolicyRequest{Name: "p"}); !isError(err, test.code, test.err.Error()) {
			t.Errorf("delete: error %v, want %v: %v", err, test.code, test.err)
		}
	}
	f.policies.err = nil
	for name, test := range map[string]struct {
		call func() error
		code codes.Code
		text string
	}{
		"1 MiB and a byte": {func() error {
			_, err := f.client.AddTracingPolicy(ctx, &tetragon.AddTracingPolicyRequest{Yaml: strings.Repeat("#", maxPolicy+1)})
			return err
		}, codes.InvalidArgument, "policy of 1048577 bytes: at most 1048576"},
		"11 MiB": {func() error {
			_, err := f.client.AddTracingPolicy(ctx, &tetragon.AddTracingPolicyRequest{Yaml: strings.Repeat("#", 11<<20)})
			return err
		}, codes.ResourceExhausted, "larger than max"},
		"no name": {func() error {
			_, err := f.client.DeleteTracingPolicy(ctx, &tetragon.DeleteTracingPolicyRequest{})
			return err
		}, codes.InvalidArgument, "name of the policy is missing"},
		"mode": {func() error {
			_, err := f.client.ConfigureTracingPolicy(ctx, &tetragon.ConfigureTracingPolicyRequest{
				Name: "p", Mode: tetragon.TracingPolicyMode_TP_MODE_MONITOR_ONLY.Enum()})
			return err
		}, codes.InvalidArgument, "TP_MODE_MONITOR_ONLY: it is one of"},
		"panic": {func() error {
			_, err := f.client.AddTracingPolicy(ctx, &tetragon.AddTracingPolicyRequest{Yaml: "panic"})
			return err
		}, codes.Internal, "internal error in /tetragon.FineGuidanceSensors/AddTracingPolicy"},
	} {
		if err := test.call(); !isError(err, test.code, test.text) {
			t.Errorf("%s: error %v, want %v %q", name, err, test.code, test.text)
		}
	}
	if _, err := f.client.GetHealth(ctx, &tetragon.GetHealthStatusRequest{}); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

func TestEvents(t *testing.T) {
	f := mustServe(t, nil)
	ctx := testContext(t)
	list, err := filter.ParseFieldFilters(`{"fields":"process.arguments","action":"EXCLUDE"}`)
	if err != nil {
		t.Fatal(err)
	}
	some := mustStream(t, ctx, f.client, &tetragon.GetEventsRequest{
		AllowList: []*tetragon.Filter{{Pid: []uint32{1, 2}}}, DenyList: []*tetragon.Filter{{ArgumentsRegex: []string{"secret"}}},
		FieldFilters: list, AggregationOptions: &tetragon.AggregationOptions{},
	})
	all := mustStream(t, ctx, f.client, &tetragon.GetEventsRequest{})
	f.hub.Publish(execEvent(1, "secret"))
	f.hub.Publish(execEvent(2, "open"))
	f.hub.Publish(execEvent(3, "open"))
	if m := mustRecv(t, some); pidOf(m) != 2 || m.GetProcessExec().Process.Arguments != "" {
		t.Errorf("event %v", m)
	}
	for pid := 1; pid <= 3; pid++ {
		if m := mustRecv(t, all); pidOf(m) != pid || m.GetProcessExec().Process.Arguments == "" {
			t.Errorf("event %v, want pid %d", m, pid)
		}
	}
}

func TestBadFilters(t *testing.T) {
	f := mustServe(t, nil)
	for want, request := range map[string]*tetragon.GetEventsRequest{
		`allow_list[0].binary_regex[0]: "(": missing closing )`:           {AllowList: []*tetragon.Filter{{BinaryRegex: []string{"("}}}},
		`deny_list[0].labels[0]: "a in b"`:                                {DenyList: []*tetragon.Filter{{Labels: []string{"a in b"}}}},
		"--enable-process-cred":                                           {AllowList: []*tetragon.Filter{{Capabilities: &tetragon.CapFilter{}}}},
		`allow_list[0].cel_expression[0]: "1 +": <input>:1:4: Syntax err`: {AllowList: []*tetragon.Filter{{CelExpression: []string{"1 +"}}}},
		"field_filters[0].fields: no field is named":                      {FieldFilters: []*tetragon.FieldFilter{{}}},
	} {
		events, err := f.client.GetEvents(testContext(t), request)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := events.Recv(); !isError(err, codes.InvalidArgument, want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if n := f.hub.Stats().Subscribers; n != 0 {
		t.Errorf("%d subscribers are left", n)
	}
}

// TestSlowClient has one client that does not read: others get every event, and the slow one learns
// exactly how many it has missed once it reads.
func TestSlowClient(t *testing.T) {
	const published = 3000
	hub := stream.NewHub(stream.Config{NodeName: "node", Queue: 100})
	f := mustServe(t, func(c *Config) { c.Hub = hub })
	ctx := testContext(t)
	slow := mustStream(t, ctx, tetragon.NewFineGuidanceSensorsClient(mustDial(t, f.server.Addresses()[0])), &tetragon.GetEventsRequest{})
	quick := mustStream(t, ctx, f.client, &tetragon.GetEventsRequest{})
	arguments := strings.Repeat("x", 2000)
	for pid := 1; pid <= published; pid++ {
		hub.Publish(execEvent(pid, arguments))
		if m := mustRecv(t, quick); pidOf(m) != pid {
			t.Fatalf("the quick client gets event %d, want %d", pidOf(m), pid)
		}
	}
	seen, lost := 0, 0
	for seen+lost < published {
		m := mustRecv(t, slow)
		if report := m.GetVedetteLostEvents(); report != nil {
			lost += int(report.Count)
			continue
		}
		seen++
		if pidOf(m) != seen+lost {
			t.Fatalf("event %d after %d seen and %d lost", pidOf(m), seen, lost)
		}
	}
	if lost == 0 || uint64(lost) != hub.Stats().Dropped {
		t.Errorf("%d events lost, hub %+v", lost, hub.Stats())
	}
}

func TestVanishingClient(t *testing.T) {
	f := mustServe(t, nil)
	conn := mustDial(t, f.server.Addresses()[0])
	mustStream(t, testContext(t), tetragon.NewFineGuidanceSensorsClient(conn), &tetragon.GetEventsRequest{})
	ctx, cancel := context.WithCancel(testContext(t))
	mustStream(t, ctx, f.client, &tetragon.GetEventsRequest{})
	if n := f.hub.Stats().Subscribers; n != 2 {
		t.Fatalf("%d subscribers, want 2", n)
	}
	cancel()
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both subscribers are removed", func() bool { return f.hub.Stats().Subscribers == 0 })
}

// TestFiftyClients come, read and go while policies are listed.
func TestFiftyClients(t *testing.T) {
	const clients, published = 50, 200
	f := mustServe(t, nil)
	ctx := testContext(t)
	var ready, done sync.WaitGroup
	ready.Add(clients)
	for i := range clients {
		client := tetragon.NewFineGuidanceSensorsClient(mustDial(t, f.server.Addresses()[0]))
		done.Go(func() {
			events, err := client.GetEvents(ctx, &tetragon.GetEventsRequest{})
			if err == nil {
				_, err = events.Header()
			}
			ready.Done()
			if err != nil {
				t.Error(err)
				return
			}
			for pid := 1; pid <= published; pid++ {
				if m, err := events.Recv(); err != nil || pidOf(m) != pid {
					t.Errorf("client %d: event %d, %v, want %d", i, pidOf(m), err, pid)
					return
				}
			}
			if _, err := client.ListTracingPolicies(ctx, &tetragon.ListTracingPoliciesRequest{}); err != nil {
				t.Error(err)
			}
		})
	}
	ready.Wait()
	for pid := 1; pid <= published; pid++ {
		f.hub.Publish(execEvent(pid, ""))
	}
	done.Wait()
}

func TestTooManyStreams(t *testing.T) {
	hub := stream.NewHub(stream.Config{MaxSubscribers: 1})
	f := mustServe(t, func(c *Config) { c.Hub = hub })
	ctx := testContext(t)
	mustStream(t, ctx, f.client, &tetragon.GetEventsRequest{})
	events, err := f.client.GetEvents(ctx, &tetragon.GetEventsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := events.Recv(); !isError(err, codes.ResourceExhausted, "too many subscribers") {
		t.Errorf("error %v", err)
	}
}

func TestStopEndsStreamsWell(t *testing.T) {
	f := mustServe(t, nil)
	path := strings.TrimPrefix(f.server.Addresses()[0], unixScheme)
	events := mustStream(t, testContext(t), f.client, &tetragon.GetEventsRequest{})
	for pid := 1; pid <= 100; pid++ {
		f.hub.Publish(execEvent(pid, ""))
	}
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	for pid := 1; pid <= 100; pid++ {
		if m := mustRecv(t, events); pidOf(m) != pid {
			t.Fatalf("event %v, want pid %d", m, pid)
		}
	}
	if _, err := events.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("error %v, want EOF", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

// TestStopIsBounded has a client that does not read when the server stops.
func TestStopIsBounded(t *testing.T) {
	f := mustServe(t, func(c *Config) { c.Shutdown = 50 * time.Millisecond })
	mustStream(t, testContext(t), f.client, &tetragon.GetEventsRequest{})
	for range 300 { // more than the windows of the connection hold
		f.hub.Publish(execEvent(1, strings.Repeat("x", 10_000)))
	}
	time.Sleep(50 * time.Millisecond)
	stopped := make(chan error, 1)
	go func() { stopped <- f.stop() }()
	select {
	case err := <-stopped:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the server does not stop")
	}
}

func TestServeAfterTheEnd(t *testing.T) {
	f := mustServe(t, nil)
	s, err := New(t.Context(), Config{Address: "unix://" + filepath.Join(t.TempDir(), "s"), Hub: f.hub, Policies: f.policies})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Serve(ctx); err != nil {
		t.Error(err)
	}
}

func TestDebugLevel(t *testing.T) {
	var level slog.LevelVar
	f := mustServe(t, func(c *Config) { c.LogLevel = &level })
	ctx := testContext(t)
	for wire := range tetragon.LogLevel_name {
		want := tetragon.LogLevel(wire)
		set, err := f.client.SetDebug(ctx, &tetragon.SetDebugRequest{Arg: &tetragon.SetDebugRequest_Level{Level: want}})
		if err != nil || set.GetLevel() != want {
			t.Errorf("set %v: %v, %v", want, set, err)
		}
		if got, err := f.client.GetDebug(ctx, &tetragon.GetDebugRequest{}); err != nil || got.GetLevel() != want {
			t.Errorf("get: %v, %v, want %v", got, err, want)
		}
	}
	if _, err := f.client.SetDebug(ctx, &tetragon.SetDebugRequest{Arg: &tetragon.SetDebugRequest_Level{Level: 99}}); !isError(err, codes.InvalidArgument, "99") {
		t.Errorf("error %v", err)
	}
	if _, err := f.client.SetDebug(ctx, &tetragon.SetDebugRequest{}); !isError(err, codes.InvalidArgument, "level is missing") {
		t.Errorf("error %v", err)
	}
}

func TestEventLog(t *testing.T) {
	w, err := export.Open(export.Config{Filename: filepath.Join(t.TempDir(), "e.log"), Params: export.DefaultParams})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close(context.Background()) })
	f := mustServe(t, func(c *Config) { c.EventLog = w })
	ctx := testContext(t)
	get := func() *tetragon.GetEventLogParamsResponse {
		t.Helper()
		p, err := f.log.GetEventLogParams(ctx, &tetragon.GetEventLogParamsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := get(); p.MaxSize != 10 || p.MaxBackups != 5 || p.RotationInterval != "0s" {
		t.Errorf("defaults %v", p)
	}
	if _, err := f.log.SetEventLogParams(ctx, &tetragon.SetEventLogParamsRequest{MaxSize: proto.Int32(7), RotationInterval: proto.String("1h30m")}); err != nil {
		t.Fatal(err)
	}
	if p := get(); p.MaxSize != 7 || p.MaxBackups != 5 || p.RotationInterval != "1h30m0s" {
		t.Errorf("params %v", p)
	}
	for want, request := range map[string]*tetragon.SetEventLogParamsRequest{
		"maximum size":              {MaxSize: proto.Int32(0)},
		"number of backups":         {MaxBackups: proto.Int32(-1)},
		"invalid duration \"soon\"": {RotationInterval: proto.String("soon")},
		"must not be negative":      {RotationInterval: proto.String("-1s")},
	} {
		if _, err := f.log.SetEventLogParams(ctx, request); !isError(err, codes.InvalidArgument, want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	none := mustServe(t, nil)
	if _, err := none.log.GetEventLogParams(ctx, &tetragon.GetEventLogParamsRequest{}); !isError(err, codes.FailedPrecondition, "--export-filename") {
		t.Errorf("error %v", err)
	}
}

func TestTCPAndSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "run", "s")
	f := mustServe(t, func(c *Config) { c.Address, c.Socket = "localhost:0", socket })
	addresses := f.server.Addresses()
	if len(addresses) != 2 || addresses[1] != "unix://"+socket {
		t.Fatalf("addresses %q", addresses)
	}
	for _, address := range addresses {
		client := tetragon.NewFineGuidanceSensorsClient(mustDial(t, address))
		if _, err := client.GetVersion(testContext(t), &tetragon.GetVersionRequest{}); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestNoServer(t *testing.T) {
	s, err := New(t.Context(), Config{Hub: stream.NewHub(stream.Config{}), Policies: &fakePolicies{}})
	if err != nil || len(s.Addresses()) != 0 {
		t.Fatalf("addresses %q, %v", s.Addresses(), err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- s.Serve(ctx) }()
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	stale, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := stale.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := listenUnix(t.Context(), path) // a socket that nobody listens on is replaced
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v, want 0660", info.Mode(), err)
	}
	var inUse *InUseError
	if _, err := listenUnix(t.Context(), path); !errors.As(err, &inUse) || !strings.Contains(err.Error(), "another instance") {
		t.Errorf("error %v, want InUseError", err)
	}
	conn, err := net.Dial("unix", path) // and is not harmed by the attempt
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

// TestSocketNeverOpenToOthers checks the mode that a socket has before it is changed to the final one.
func TestSocketNeverOpenToOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := bindRestricted(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&^0o660 != 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestListenErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"unix://relative":                     "an absolute path must follow",
		"unix:/x":                             "a socket is written unix:///path",
		"/run/x.sock":                         "a socket is written unix:///path",
		"localhost":                           "neither host:port nor",
		"localhost:":                          "neither host:port nor",
		"unix://" + file:                      "not a socket",
		"unix:///" + strings.Repeat("a", 200): "the path of a socket has at most 107",
		"localhost:99999":                     "listen on localhost:99999",
	} {
		s, err := New(t.Context(), Config{Address: address, Hub: stream.NewHub(stream.Config{}), Policies: &fakePolicies{}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", address, s, err, want)
		}
	}
	if _, err := New(t.Context(), Config{}); err == nil {
		t.Error("a server without hub and policies is made")
	}
}
