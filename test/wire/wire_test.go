// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/filter"
	"github.com/vedette-io/vedette/internal/server"
	"github.com/vedette-io/vedette/internal/stream"
)

// ownNumbers begin where fields of our own are.
const ownNumbers = 50000

// TestSameNumbers compares the messages of the schema with those that the server was generated from: names,
// numbers, types and JSON names.
func TestSameNumbers(t *testing.T) {
	file := mustSchema(t)
	compared := 0
	var compare func(want protoreflect.MessageDescriptor)
	compare = func(want protoreflect.MessageDescriptor) {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(want.FullName())
		if err != nil {
			t.Errorf("%s: %v", want.FullName(), err)
			return
		}
		got := found.(protoreflect.MessageDescriptor)
		compared++
		for i := range want.Fields().Len() {
			w := want.Fields().Get(i)
			g := got.Fields().ByNumber(w.Number())
			if g == nil {
				t.Errorf("%s is missing, number %d", w.FullName(), w.Number())
				continue
			}
			if describe(g) != describe(w) {
				t.Errorf("number %d of %s is\n%s, want\n%s", w.Number(), want.FullName(), describe(g), describe(w))
			}
		}
		for i := range got.Fields().Len() {
			if g := got.Fields().Get(i); g.Number() < ownNumbers && want.Fields().ByNumber(g.Number()) == nil {
				t.Errorf("%s, number %d, is not of the interface", g.FullName(), g.Number())
			}
		}
		for i := range want.Messages().Len() {
			compare(want.Messages().Get(i))
		}
	}
	for i := range file.Messages().Len() {
		compare(file.Messages().Get(i))
	}
	for i := range file.Enums().Len() {
		want := file.Enums().Get(i)
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(want.FullName())
		if err != nil {
			t.Errorf("%s: %v", want.FullName(), err)
			continue
		}
		for j := range want.Values().Len() {
			w := want.Values().Get(j)
			if g := found.(protoreflect.EnumDescriptor).Values().ByName(w.Name()); g == nil || g.Number() != w.Number() {
				t.Errorf("%s = %d is %v", w.FullName(), w.Number(), g)
			}
		}
	}
	if compared < 100 {
		t.Errorf("only %d messages were compared", compared)
	}
}

// describe is what must be the same of a field.
func describe(f protoreflect.FieldDescriptor) string {
	text := string(f.Name()) + " " + f.Kind().String() + " " + f.Cardinality().String() + " json=" + f.JSONName()
	if f.Message() != nil {
		text += " of " + string(f.Message().FullName())
	}
	if f.Enum() != nil {
		text += " of " + string(f.Enum().FullName())
	}
	if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
		text += " in " + string(o.Name())
	}
	return text
}

// policies keeps what it is told.
type policies struct{ yaml, domain string }

func (p *policies) Add(_ context.Context, yaml, domain string) error {
	p.yaml, p.domain = yaml, domain
	return nil
}
func (p *policies) Delete(context.Context, server.Ref) error { return server.ErrNotFound }
func (p *policies) List(string) []*tetragon.TracingPolicyStatus {
	return []*tetragon.TracingPolicyStatus{{
		Id: 7, Name: "p", State: tetragon.TracingPolicyState_TP_STATE_ENABLED, Mode: tetragon.TracingPolicyMode_TP_MODE_ENFORCE,
		KernelMemoryBytes: 1 << 40, Stats: &tetragon.TracingPolicyStats{ActionCounters: &tetragon.TracingPolicyActionCounters{Post: 3}},
	}}
}
func (p *policies) Configure(context.Context, server.Ref, *bool, *tetragon.TracingPolicyMode) error {
	return nil
}
func (p *policies) Domains() []string { return []string{"grpc", "static"} }

// client calls methods by their names in the schema.
type client struct {
	conn *grpc.ClientConn
	file protoreflect.FileDescriptor
}

// mustClient starts a server and returns a client of it.
func mustClient(tb testing.TB, p *policies) (*client, *stream.Hub) {
	tb.Helper()
	hub := stream.NewHub(stream.Config{NodeName: "node"})
	srv, err := server.New(tb.Context(), server.Config{
		Address: "unix://" + filepath.Join(tb.TempDir(), "s"), Hub: hub, Policies: p, Version: "v1.2.3",
		Log: slog.New(slog.DiscardHandler), Filter: filter.Options{PIDSet: true}, LogLevel: new(slog.LevelVar),
		Processes: func(*tetragon.DumpProcessCacheReqArgs) []*tetragon.ProcessInternal {
			return []*tetragon.ProcessInternal{{Process: &tetragon.Process{Binary: "/bin/a"}, Color: "running"}}
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx) }()
	path := strings.TrimPrefix(srv.Addresses()[0], "unix://")
	conn, err := grpc.NewClient("passthrough:///server", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = conn.Close()
		cancel()
		if err := <-served; err != nil {
			tb.Error(err)
		}
	})
	return &client{conn, mustSchema(tb)}, hub
}

// method returns the path of a method, and empty messages of its request and its answer.
func (c *client) method(tb testing.TB, service, name string) (path string, in, out *dynamicpb.Message) {
	tb.Helper()
	m := c.file.Services().ByName(protoreflect.Name(service)).Methods().ByName(protoreflect.Name(name))
	return "/" + packageName + "." + service + "/" + name, dynamicpb.NewMessage(m.Input()), dynamicpb.NewMessage(m.Output())
}

// call calls a method with a request in JSON and returns the answer in JSON, without spaces.
func (c *client) call(tb testing.TB, service, name, request string) (string, error) {
	tb.Helper()
	path, in, out := c.method(tb, service, name)
	if err := protojson.Unmarshal([]byte(request), in); err != nil {
		tb.Fatal(err)
	}
	if err := c.conn.Invoke(tb.Context(), path, in, out); err != nil {
		return "", err
	}
	return plainJSON(tb, out), nil
}

// plainJSON is JSON without the spaces that protojson scatters, and without what the schema does not know.
func plainJSON(tb testing.TB, m *dynamicpb.Message) string {
	tb.Helper()
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	return strings.NewReplacer(": ", ":", ", ", ",").Replace(string(text))
}

func TestCalls(t *testing.T) {
	p := &policies{}
	c, _ := mustClient(t, p)
	const sensors, log = "FineGuidanceSensors", "EventLogService"
	for _, test := range []struct {
		service, method, request string
		want                     string // in the answer
		code                     codes.Code
	}{
		{sensors, "GetHealth", `{"event_set":["HEALTH_STATUS_TYPE_STATUS"]}`, `{"health_status":[{"event":"HEALTH_STATUS_TYPE_STATUS","status":"HEALTH_STATUS_RUNNING","details":"running"}]}`, codes.OK},
		{sensors, "GetVersion", `{}`, `{"version":"v1.2.3"}`, codes.OK},
		{sensors, "GetInfo", `{}`, `"go_version":"go`, codes.OK},
		{sensors, "AddTracingPolicy", `{"yaml":"text","domain":"mine"}`, `{}`, codes.OK},
		{sensors, "DeleteTracingPolicy", `{"name":"x"}`, "does not exist", codes.NotFound},
		{sensors, "ConfigureTracingPolicy", `{"name":"x","enable":false,"mode":"TP_MODE_MONITOR"}`, `{}`, codes.OK},
		{sensors, "ListTracingPolicies", `{}`, `{"policies":[{"id":"7","name":"p","state":"TP_STATE_ENABLED","kernel_memory_bytes":"1099511627776","mode":"TP_MODE_ENFORCE","stats":{"action_counters":{"post":"3"}}}]}`, codes.OK},
		{sensors, "ListDomains", `{}`, `["grpc","static"]`, codes.OK},
		{sensors, "EnableTracingPolicy", `{"name":"x"}`, "deprecated", codes.Unimplemented},
		{sensors, "DisableTracingPolicy", `{"name":"x"}`, "deprecated", codes.Unimplemented},
		{sensors, "ListSensors", `{}`, "ListSensors is deprecated", codes.Unimplemented},
		{sensors, "EnableSensor", `{"name":"x"}`, "EnableSensor is deprecated", codes.Unimplemented},
		{sensors, "DisableSensor", `{"name":"x"}`, "DisableSensor is deprecated", codes.Unimplemented},
		{sensors, "RemoveSensor", `{"name":"x"}`, "RemoveSensor is deprecated", codes.Unimplemented},
		{sensors, "SetDebug", `{"flag":"CONFIG_FLAG_LOG_LEVEL","level":"LOG_LEVEL_DEBUG"}`, `{"level":"LOG_LEVEL_DEBUG"}`, codes.OK},
		{sensors, "GetDebug", `{"flag":"CONFIG_FLAG_LOG_LEVEL"}`, `{"level":"LOG_LEVEL_DEBUG"}`, codes.OK},
		{sensors, "GetDebug", `{"flag":"CONFIG_FLAG_DUMP_PROCESS_CACHE","dump":{"skip_zero_refcnt":true}}`, `{"flag":"CONFIG_FLAG_DUMP_PROCESS_CACHE","processes":{"processes":[{"process":{"binary":"/bin/a"},"color":"running"}]}}`, codes.OK},
		{log, "GetEventLogParams", `{}`, "no export file", codes.FailedPrecondition},
		{log, "SetEventLogParams", `{"max_size":5}`, "no export file", codes.FailedPrecondition},
	} {
		got, err := c.call(t, test.service, test.method, test.request)
		if err != nil {
			got = status.Convert(err).Message()
		}
		if status.Code(err) != test.code || !strings.Contains(got, test.want) {
			t.Errorf("%s %s: %v %q, want %v %q", test.method, test.request, status.Code(err), got, test.code, test.want)
		}
	}
	if p.yaml != "text" || p.domain != "mine" {
		t.Errorf("the policy arrived as %q in domain %q", p.yaml, p.domain)
	}
}

func TestStream(t *testing.T) {
	c, hub := mustClient(t, &policies{})
	path, request, _ := c.method(t, "FineGuidanceSensors", "GetEvents")
	err := protojson.Unmarshal([]byte(`{"allow_list":[{"binary_regex":["^/bin/"],"event_set":["PROCESS_EXIT"]}],
		"deny_list":[{"pid":[2]}],"field_filters":[{"fields":"process.binary,process.pid,signal","action":"INCLUDE"}]}`), request)
	if err != nil {
		t.Fatal(err)
	}
	events, err := c.conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, path)
	if err != nil {
		t.Fatal(err)
	}
	if err := events.SendMsg(request); err != nil {
		t.Fatal(err)
	}
	if err := events.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := events.Header(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []event.Process{{Binary: "/sbin/a", PID: 1}, {Binary: "/bin/b", PID: 2}, {Binary: "/bin/c", PID: 3, CWD: "/"}} {
		hub.Publish(&event.Event{Kind: event.KindExit, NodeName: "node", Time: 1, Process: &p, Exit: event.Exit{Signal: "SIGKILL"}})
	}
	_, _, answer := c.method(t, "FineGuidanceSensors", "GetEvents")
	if err := events.RecvMsg(answer); err != nil {
		t.Fatal(err)
	}
	want := `{"process_exit":{"process":{"pid":3,"binary":"/bin/c"},"signal":"SIGKILL"},"node_name":"node","time":"1970-01-01T00:00:00.000000001Z"}`
	if got := plainJSON(t, answer); got != want {
		t.Errorf("received\n%s, want\n%s", got, want)
	}
	// What the schema does not know has numbers of our own.
	hub.Publish(&event.Event{Kind: event.KindLost, NodeName: "node", Time: 1, Lost: event.Lost{Count: 1}})
	lost := dynamicpb.NewMessage(answer.Descriptor())
	if err := events.RecvMsg(lost); err != nil {
		t.Fatal(err)
	}
	if size := len(lost.GetUnknown()); size == 0 || proto.Size(lost) <= size {
		t.Errorf("a lost event is received as %v", lost)
	}
}
