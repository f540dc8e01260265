// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/agent"
)

// mustConfigure runs the command agent and returns the configuration that it would run with.
func mustConfigure(tb testing.TB, args ...string) agent.Config {
	tb.Helper()
	var got agent.Config
	s := session{runAgent: func(_ context.Context, cfg agent.Config, _ *slog.Logger) error {
		got = cfg
		return nil
	}}
	s.run(tb, append([]string{"agent"}, args...)...).check(tb, 0, "", "")
	return got
}

// checkConfiguration compares a configuration with the default one, changed.
func checkConfiguration(tb testing.TB, got agent.Config, change func(*agent.Config)) {
	tb.Helper()
	want := agent.DefaultConfig()
	want.Version = Version()
	change(&want)
	level := cmp.Comparer(func(a, b *slog.LevelVar) bool { return a.Level() == b.Level() })
	if diff := cmp.Diff(want, got, level, protocmp.Transform(), cmpopts.EquateEmpty()); diff != "" {
		tb.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestAgentDefaults(t *testing.T) {
	checkConfiguration(t, mustConfigure(t), func(*agent.Config) {})
}

// TestAgentReferenceDefaults compares the defaults with those of the reference agent.
func TestAgentReferenceDefaults(t *testing.T) {
	flags := pflag.NewFlagSet("agent", pflag.ContinueOnError)
	newAgentFlags().define(flags)
	for name, want := range map[string]string{
		"config-dir": "", "debug": "false", "cluster-name": "", "procfs": "/proc/", "btf": "", "log-level": "info", "log-format": "text", "log-file": "",
		"process-cache-size": "65536", "event-queue-size": "10000", "rb-size": "0", "rb-size-total": "0", "execve-map-entries": "0",
		"retprobes-cache-size": "4096", "enable-process-cred": "false", "enable-process-ns": "false", "enable-ancestors": "[]",
		"expose-stack-addresses": "false", "export-filename": "", "export-file-max-size-mb": "10", "export-file-rotation-interval": "0s",
		"export-file-max-backups": "5", "export-file-compress": "false", "export-file-perm": "600", "export-rate-limit": "-1",
		"export-allowlist": "", "export-denylist": "", "field-filters": "", "health-server-interval": "10",
		"tracing-policy-dir": "/etc/vedette/vedette.tp.d", "server-address": "unix:///var/run/vedette/vedette.sock",
	} {
		if flag := flags.Lookup(name); flag == nil || flag.DefValue != want {
			t.Errorf("--%s is %+v, want default %q", name, flag, want)
		}
	}
}

func TestAgentFlags(t *testing.T) {
	got := mustConfigure(t,
		"--server-address", "localhost:54321", "--health-server-address=:6789", "--health-server-interval", "3",
		"--tracing-policy", "a.yaml", "--tracing-policy", "b.yaml", "--tracing-policy-dir", "/policies",
		"--export-filename", "/log", "--export-file-max-size-mb", "1", "--export-file-rotation-interval", "1h",
		"--export-file-max-backups", "2", "--export-file-compress", "--export-file-perm", "640", "--export-rate-limit", "60",
		"--export-allowlist", `{"event_set":["PROCESS_EXEC"]} {"pid":[1]}`, "--export-denylist", `{"namespace":[""]}`,
		"--field-filters", `{"fields":"parent","action":"EXCLUDE"}`,
		"--process-cache-size", "1", "--event-queue-size", "2", "--rb-size", "256K", "--rb-size-total", "4m", "--retprobes-cache-size", "3",
		"--execve-map-entries", "4", "--enable-process-cred", "--enable-process-ns=true", "--enable-ancestors", "base,kprobe",
		"--cluster-name", "c", "--procfs", "/host/proc", "--btf", "/btf", "--attach", "kprobe,fentry", "--log-level", "warn")
	checkConfiguration(t, got, func(c *agent.Config) {
		c.ServerAddress, c.HealthServerAddress, c.HealthServerInterval = "localhost:54321", ":6789", 3*time.Second
		c.Policies, c.PolicyDir, c.PolicyDirOptional = []string{"a.yaml", "b.yaml"}, "/policies", false
		c.Export = agent.ExportConfig{
			Filename: "/log", MaxSizeMB: 1, RotationInterval: time.Hour, MaxBackups: 2, Compress: true, Perm: 0o640, RateLimit: 60,
			AllowList:    []*tetragon.Filter{{EventSet: []tetragon.EventType{tetragon.EventType_PROCESS_EXEC}}, {Pid: []uint32{1}}},
			DenyList:     []*tetragon.Filter{{Namespace: []string{""}}},
			FieldFilters: []*tetragon.FieldFilter{{Fields: &fieldmaskpb.FieldMask{Paths: []string{"parent"}}, Action: tetragon.FieldFilterAction_EXCLUDE}},
		}
		c.ProcessCacheSize, c.EventQueueSize, c.RingBufferSize, c.RingBufferTotalSize = 1, 2, 256<<10, 4<<20
		c.RetprobesCacheSize, c.ExecveMapEntries = 3, 4
		c.EnableProcessCred, c.EnableProcessNS = true, true
		c.AncestorEvents = []tetragon.EventType{tetragon.EventType_PROCESS_EXEC, tetragon.EventType_PROCESS_EXIT, tetragon.EventType_PROCESS_KPROBE}
		c.ClusterName, c.ProcFS, c.BTF = "c", "/host/proc", "/btf"
		c.Attach = []string{"kprobe", "fentry"}
		c.LogLevel.Set(slog.LevelWarn)
	})
}

// TestAgentRunDir shows that the default socket is in the run directory.
func TestAgentRunDir(t *testing.T) {
	checkConfiguration(t, mustConfigure(t, "--run-dir", "/r"), func(c *agent.Config) {
		c.RunDir, c.ServerAddress = "/r", "unix:///r/vedette.sock"
	})
	checkConfiguration(t, mustConfigure(t, "--run-dir", "/r", "--server-address", "unix:///s"), func(c *agent.Config) {
		c.RunDir, c.ServerAddress = "/r", "unix:///s"
	})
}

func TestAgentDebug(t *testing.T) {
	for args, want := range map[string]slog.Level{"-d": slog.LevelDebug, "--log-level=trace": slog.LevelDebug - 4, "--log-level=error": slog.LevelError} {
		if got := mustConfigure(t, args).LogLevel.Level(); got != want {
			t.Errorf("%s: level %v, want %v", args, got, want)
		}
	}
	if got := mustConfigure(t, "--log-level=trace", "-d").LogLevel.Level(); got != slog.LevelDebug-4 {
		t.Errorf("--debug made the log level %v", got)
	}
}

func TestAgentBadValues(t *testing.T) {
	for args, want := range map[string]string{
		"--rb-size=lots":                  `invalid argument "lots" for "--rb-size" flag: must be a number of bytes, such as 65536, 64K, 4M or 1G`,
		"--rb-size=9999999999G":           "is too large",
		"--rb-size=-1":                    "must be a number of bytes",
		"--export-file-perm=999":          "must be an octal number from 0 to 777, such as 600",
		"--export-file-perm=7777":         "must be an octal number",
		"--export-file-max-size-mb=0":     "vedette: --export-file-max-size-mb must be greater than 0, not 0\n",
		"--export-file-max-backups=-1":    "vedette: --export-file-max-backups must not be negative\n",
		"--event-queue-size=0":            "vedette: --event-queue-size must be greater than 0, not 0\n",
		"--health-server-interval=0":      "must be a number of seconds greater than 0",
		"--health-server-address=here":    `vedette: --health-server-address: "here" is not host:port` + "\n",
		"--server-address=here":           `vedette: --server-address: server address "here" is neither unix:///path nor host:port` + "\n",
		"--tracing-policy-dir=here":       `vedette: --tracing-policy-dir must be an absolute path, not "here"` + "\n",
		"--enable-ancestors=all":          `vedette: --enable-ancestors: unknown word "all"; there are base, kprobe, tracepoint, uprobe, lsm and usdt` + "\n",
		`--export-allowlist={"pids":[1]}`: "vedette: --export-allowlist: ",
		"--export-denylist={":             "vedette: --export-denylist: ",
		"--field-filters=x":               "vedette: --field-filters: ",
		"--log-format=xml":                "must be text or json",
		"--enable-pod-info":               "vedette: --enable-pod-info is not yet supported by vedette\n",
		"--cri-endpoint=here":             `vedette: --cri-endpoint must be unix:///path, not "here"` + "\n",
		"--nri-socket=here":               `vedette: --nri-socket must be an absolute path, not "here"` + "\n",
		"--event-cache-retries=-1":        "vedette: --event-cache-retries must not be negative\n",
		"--event-cache-retry-delay=0":     "must be a number of seconds greater than 0",
		"--deleted-pod-cache-size=0":      "vedette: --deleted-pod-cache-size must be greater than 0, not 0\n",
		"--metrics-server=:2112":          "vedette: --metrics-server is not yet supported by vedette\n",
		"--enable-event-metrics=false":    "vedette: --enable-event-metrics is not yet supported by vedette\n",
		"--config-dir=/does/not/exist":    "vedette: --config-dir: open /does/not/exist: no such file or directory\n",
		"--log-file=/does/not/exist":      "vedette: log file: open /does/not/exist: no such file or directory\n",
		"--enable-process-creds":          "unknown flag --enable-process-creds; did you mean --enable-process-cred?",
	} {
		got := session{}.run(t, "agent", args)
		if got.status == 0 || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: status %d, %q, want %q", args, got.status, got.stderr, want)
		}
	}
}

func TestPlannedFlagsWithTheirDefaults(t *testing.T) {
	var args []string
	for _, planned := range plannedFlags {
		args = append(args, "--"+planned.name+"="+planned.value)
	}
	checkConfiguration(t, mustConfigure(t, args...), func(*agent.Config) {})
}

func TestAgentEnds(t *testing.T) {
	terminated, cancel := context.WithCancelCause(t.Context())
	cancel(signalError{syscall.SIGTERM})
	for name, test := range map[string]struct {
		ctx    context.Context
		err    error
		status int
		stderr string
	}{
		"signal":            {terminated, context.Canceled, 0, ""},
		"signal, and clean": {terminated, nil, 0, ""},
		"failure":           {t.Context(), errors.New("needs root"), 1, "vedette: needs root\n"},
	} {
		s := session{ctx: test.ctx, runAgent: func(context.Context, agent.Config, *slog.Logger) error { return test.err }}
		t.Run(name, func(t *testing.T) { s.run(t, "agent").check(t, test.status, "", test.stderr) })
	}
}

func TestAgentLog(t *testing.T) {
	s := session{runAgent: func(_ context.Context, _ agent.Config, log *slog.Logger) error {
		log.Info("hello")
		log.Debug("details")
		return nil
	}}
	if got := s.run(t, "agent").stderr; !strings.Contains(got, "level=INFO msg=hello\n") || strings.Contains(got, "details") {
		t.Errorf("log %q", got)
	}
	file := filepath.Join(t.TempDir(), "agent.log")
	s.run(t, "agent", "--log-file", file, "--log-format", "json", "-d").check(t, 0, "", "")
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), `"msg":"hello"`) || !strings.Contains(string(text), `"msg":"details"`) {
		t.Errorf("log file %q, %v", text, err)
	}
}

func TestAgentWarnsOfOpenAddress(t *testing.T) {
	for address, want := range map[string]bool{
		":54321": true, "0.0.0.0:1": true, "host:1": true, "[::]:1": true,
		"localhost:54321": false, "127.0.0.1:1": false, "[::1]:1": false, "unix:///x": false, "": false,
	} {
		if got := openToNetwork(address); got != want {
			t.Errorf("openToNetwork(%q) = %v, want %v", address, got, want)
		}
	}
	s := session{runAgent: func(context.Context, agent.Config, *slog.Logger) error { return nil }}
	if got := s.run(t, "agent", "--server-address", ":54321").stderr; !strings.Contains(got, "level=WARN") {
		t.Errorf("no warning in %q", got)
	}
}
