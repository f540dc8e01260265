// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/vedette-io/vedette/api/tetragon"
)

func TestStatus(t *testing.T) {
	health := func(result tetragon.HealthStatusResult, details string) proto.Message {
		return &tetragon.GetHealthStatusResponse{HealthStatus: []*tetragon.HealthStatus{{Status: result, Details: details}}}
	}
	for _, test := range []struct {
		name           string
		answer         proto.Message
		status         int
		stdout, stderr string
	}{
		{"running", health(tetragon.HealthStatusResult_HEALTH_STATUS_RUNNING, "running"), 0, "Health Status: running\n", ""},
		{"stopped", health(tetragon.HealthStatusResult_HEALTH_STATUS_STOPPED, "stopped"), 1, "Health Status: stopped\n", "vedette: the agent is not running well\n"},
		{"nothing", &tetragon.GetHealthStatusResponse{}, 1, "", "vedette: the agent is not running well\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := mustServe(t, &fakeAgent{answers: map[string]proto.Message{"GetHealthStatusResponse": test.answer}})
			session{}.run(t, "status", "--server-address", f.address).check(t, test.status, test.stdout, test.stderr)
		})
	}
}

func TestVersion(t *testing.T) {
	f := mustServe(t, &fakeAgent{answers: map[string]proto.Message{"GetVersionResponse": &tetragon.GetVersionResponse{Version: "v9"}}})
	session{}.run(t, "version").check(t, 0, "CLI version: "+Version()+"\n", "")
	session{}.run(t, "version", "-s", "--server-address", f.address).
		check(t, 0, "CLI version: "+Version()+"\nServer version: v9\n", "")
	if got := (session{}).run(t, "version", "-b").stdout; !strings.Contains(got, "GoVersion: go") {
		t.Errorf("version -b prints %q", got)
	}
}

func TestBuildVersion(t *testing.T) {
	for _, test := range []struct {
		build build
		want  string
	}{
		{build{}, "devel"},
		{build{module: "v1.2.3"}, "v1.2.3"},
		{build{module: "(devel)", commit: "0123456789abcdef"}, "devel-0123456789ab"},
		{build{commit: "0123456789abcdef", modified: true}, "devel-0123456789ab-modified"},
	} {
		if got := buildVersion(test.build); got != test.want {
			t.Errorf("buildVersion(%+v) = %q, want %q", test.build, got, test.want)
		}
	}
}

func TestLogLevel(t *testing.T) {
	f := mustServe(t, &fakeAgent{answers: map[string]proto.Message{
		"GetDebugResponse": &tetragon.GetDebugResponse{Arg: &tetragon.GetDebugResponse_Level{Level: tetragon.LogLevel_LOG_LEVEL_INFO}},
	}})
	session{}.run(t, "loglevel", "get", "--server-address", f.address).check(t, 0, "Log level: info\n", "")
	session{}.run(t, "log", "set", "debug", "--server-address", f.address).check(t, 0, "Log level: debug\n", "")
	got := f.received()
	if level := got[len(got)-1].(*tetragon.SetDebugRequest).GetLevel(); level != tetragon.LogLevel_LOG_LEVEL_DEBUG {
		t.Errorf("level %v was set", level)
	}
	session{}.run(t, "loglevel", "set", "loud").check(t, exitUsage, "",
		"vedette: \"loud\" is no log level; there are panic, fatal, error, warn, info, debug, trace (see \"vedette loglevel set --help\")\n")
}

func TestUnreachableAgent(t *testing.T) {
	dir := t.TempDir()
	missing := "unix://" + filepath.Join(dir, "missing.sock")
	session{}.run(t, "status", "--retries", "0", "--server-address", missing).check(t, 1, "",
		"vedette: no agent listens at "+missing+": start one with \"vedette agent\", or give --server-address\n")

	// A file of a dead agent refuses connections.
	dead := filepath.Join(dir, "dead.sock")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	session{}.run(t, "status", "--retries", "0", "--server-address", dead).check(t, 1, "",
		"vedette: no agent listens at "+dead+": start one with \"vedette agent\", or give --server-address\n")

	for address, want := range map[string]string{
		"unix://":   `server address "unix://" has no path; write unix:///path/to/socket`,
		"localhost": `server address "localhost" is neither unix:///path nor host:port`,
	} {
		session{}.run(t, "status", "--server-address", address).check(t, 1, "", "vedette: "+want+"\n")
	}
}

func TestPermissionDenied(t *testing.T) {
	c := &connection{address: "unix:///x.sock", dialer: &dialer{err: os.ErrPermission}}
	err := c.explain(t.Context(), status.Error(codes.Unavailable, "transport: x"))
	if want := "permission denied for unix:///x.sock: run as root, or as a user that may open the socket"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestAgentThatDoesNotAnswer(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "silent.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, command := range []string{"status", "getevents"} {
		session{}.run(t, command, "--timeout", "100ms", "--retries", "0", "--server-address", socket).
			check(t, 1, "", "vedette: no answer from the agent at "+socket+" within the time of --timeout\n")
	}
}

func TestRefusal(t *testing.T) {
	f := mustServe(t, &fakeAgent{err: status.Error(codes.NotFound, "tracing policy x does not exist")})
	session{}.run(t, "tp", "delete", "x", "--server-address", f.address).
		check(t, 1, "", "vedette: tracing policy x does not exist\n")
}

func TestInterruptedCall(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(signalError{2})
	f := mustServe(t, &fakeAgent{})
	session{ctx: ctx}.run(t, "status", "--server-address", f.address).check(t, 130, "", "")
}

func TestRetries(t *testing.T) {
	f := mustServe(t, &fakeAgent{err: status.Error(codes.Unavailable, "starting")})
	c := &client{address: f.address, timeout: 5 * time.Second, retries: 2, maxReceive: defaultMaxReceive, backoffBase: time.Millisecond}
	err := c.call(t.Context(), func(ctx context.Context, conn *connection) error {
		_, err := conn.GetVersion(ctx, &tetragon.GetVersionRequest{})
		return err
	})
	if want := "the agent at " + f.address + " cannot be reached: starting"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	if got := len(f.received()); got != 3 {
		t.Errorf("%d attempts, want 3", got)
	}
}

func TestServerAddress(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.json")
	for _, test := range []struct {
		name     string
		flag     string
		infoFile string
		want     string
	}{
		{"flag", "host:1", mustWrite(t, "info.json", `{"server_address":"host:2"}`), "host:1"},
		{"info file", "", mustWrite(t, "info.json", `{"pid":1,"server_address":"localhost:54321"}`), "localhost:54321"},
		{"info file without an address", "", mustWrite(t, "info.json", `{"pid":1}`), defaultAddress},
		{"default", "", missing, defaultAddress},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &client{address: test.flag, infoFile: test.infoFile}
			got, err := c.serverAddress()
			if err != nil || got != test.want {
				t.Errorf("address %q, error %v, want %q", got, err, test.want)
			}
		})
	}
	if _, err := (&client{infoFile: mustWrite(t, "info.json", "{")}).serverAddress(); err == nil {
		t.Error("a broken info file was accepted")
	}
}

func TestParseAddress(t *testing.T) {
	for address, want := range map[string]target{
		"unix:///run/a b%20.sock": {"unix", "/run/a b%20.sock"},
		"unix:/run/a.sock":        {"unix", "/run/a.sock"},
		"/run/a.sock":             {"unix", "/run/a.sock"},
		"unix:a.sock":             {"unix", "a.sock"},
		"localhost:54321":         {"tcp", "localhost:54321"},
		"[::1]:54321":             {"tcp", "[::1]:54321"},
		":54321":                  {"tcp", ":54321"},
	} {
		if got, err := parseAddress(address); err != nil || got != want {
			t.Errorf("parseAddress(%q) = %v, %v, want %v", address, got, err, want)
		}
	}
	for _, address := range []string{"", "unix:", "unix://", "localhost", "localhost:", "a:b:c"} {
		if got, err := parseAddress(address); err == nil {
			t.Errorf("parseAddress(%q) = %v, want an error", address, got)
		}
	}
}

// TestExportStatus prints what the agent tells of its exports, and nothing else of its configuration.
func TestExportStatus(t *testing.T) {
	text, err := anypb.New(wrapperspb.String("3 events accepted"))
	if err != nil {
		t.Fatal(err)
	}
	f := mustServe(t, &fakeAgent{answers: map[string]proto.Message{
		"GetHealthStatusResponse": &tetragon.GetHealthStatusResponse{HealthStatus: []*tetragon.HealthStatus{
			{Status: tetragon.HealthStatusResult_HEALTH_STATUS_RUNNING, Details: "running"},
		}},
		"GetInfoResponse": &tetragon.GetInfoResponse{Conf: []*tetragon.GetInfoResponse_ConfVal{
			{Key: "other", Value: text}, {Key: "export/siem", Value: text},
		}},
	}})
	session{}.run(t, "status", "--server-address", f.address).check(t, 0, "Health Status: running\nExport siem: 3 events accepted\n", "")
}
