// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/export"
	"github.com/vedette-io/vedette/internal/server"
	"github.com/vedette-io/vedette/internal/stream"
)

// logSettings implements [server.EventLog].
type logSettings struct{ now export.Params }

func (l *logSettings) Params() export.Params { return l.now }
func (l *logSettings) SetParams(p export.Params) error {
	l.now = p
	return nil
}

// mustRealServer serves the agent's own server without an agent behind it, and returns its address.
func mustRealServer(tb testing.TB, log server.EventLog) string {
	tb.Helper()
	address := "unix://" + filepath.Join(tb.TempDir(), "s")
	srv, err := server.New(tb.Context(), server.Config{
		Address: address, Hub: stream.NewHub(stream.Config{}), Policies: struct{ server.Policies }{}, Version: "v1.2.3",
		EventLog: log, Log: slog.New(slog.DiscardHandler),
		Processes: func(r *tetragon.DumpProcessCacheReqArgs) []*tetragon.ProcessInternal {
			all := []*tetragon.ProcessInternal{{Process: &tetragon.Process{Binary: "/bin/a"}, Color: "running"}}
			if r.ExcludeExecveMapProcesses {
				return nil
			}
			return all
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			tb.Error(err)
		}
	})
	return address
}

func TestInfoAndDebug(t *testing.T) {
	address := mustRealServer(t, nil)
	var info struct{ Version, Name string }
	if err := json.Unmarshal([]byte(session{}.run(t, "info", "--server-address", address).stdout), &info); err != nil || info.Version != "v1.2.3" || info.Name != "vedette" {
		t.Errorf("info %+v, %v", info, err)
	}
	var dump struct {
		Processes []struct {
			Process struct{ Binary string }
			Color   string
		}
	}
	got := session{}.run(t, "debug", "dump", "processcache", "--server-address", address).stdout
	if err := json.Unmarshal([]byte(got), &dump); err != nil || len(dump.Processes) != 1 || dump.Processes[0].Process.Binary != "/bin/a" {
		t.Errorf("dump %q, %v", got, err)
	}
	got = session{}.run(t, "debug", "dump", "processcache", "--exclude-execve-map-processes", "--server-address", address).stdout
	if strings.Contains(got, "/bin/a") {
		t.Errorf("dump without what runs: %q", got)
	}
	for _, args := range [][]string{{"list"}, {"enable", "x"}, {"disable", "x"}, {"rm", "x"}} {
		got := session{}.run(t, append(append([]string{"sensors"}, args...), "--server-address", address)...)
		if got.status != 1 || !strings.Contains(got.stderr, "is deprecated") {
			t.Errorf("sensors %q: status %d, %q", args, got.status, got.stderr)
		}
	}
}

func TestEventLog(t *testing.T) {
	log := &logSettings{export.Params{MaxSize: 10 * export.BytesPerMB, MaxBackups: 5}}
	address := mustRealServer(t, log)
	session{}.run(t, "eventlog", "set", "--max-size", "7", "--rotation-interval", "1h", "--server-address", address).check(t, 0, "", "")
	session{}.run(t, "eventlog", "get", "--server-address", address).
		check(t, 0, "Max size: 7 MB\nRotation interval: 1h0m0s\nMax backups: 5\n", "")
	if got := (session{}).run(t, "eventlog", "set", "--server-address", address); got.status != exitUsage || !strings.Contains(got.stderr, "nothing to change") {
		t.Errorf("status %d, %q", got.status, got.stderr)
	}
	without := mustRealServer(t, nil)
	if got := (session{}).run(t, "eventlog", "get", "--server-address", without); got.status != 1 || !strings.Contains(got.stderr, "--export-filename") {
		t.Errorf("without an export file: status %d, %q", got.status, got.stderr)
	}
}

func TestNamedAsTheReferenceClient(t *testing.T) {
	var out strings.Builder
	p := Program{Name: "tetra", Stdin: mustStdin(t, ""), Stdout: &out, Stderr: &out}
	if status := p.Run(t.Context(), []string{"tp", "--help"}); status != 0 || !strings.Contains(out.String(), "tetra tracingpolicy [command]") {
		t.Errorf("status %d, %s", status, out.String())
	}
}
