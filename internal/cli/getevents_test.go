// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/vedette-io/vedette/api/tetragon"
)

func execEvent(binary string) *tetragon.GetEventsResponse {
	return &tetragon.GetEventsResponse{
		Event: &tetragon.GetEventsResponse_ProcessExec{ProcessExec: &tetragon.ProcessExec{
			Process: &tetragon.Process{Binary: binary, Arguments: "cilium.io", Pid: wrapperspb.UInt32(7)},
			Parent:  &tetragon.Process{Binary: "/bin/sh"},
		}},
		NodeName: "my-node",
		Time:     &timestamppb.Timestamp{},
	}
}

const (
	curlJSON = `{"process_exec":{"process":{"pid":7,"binary":"/usr/bin/curl","arguments":"cilium.io"},"parent":{"binary":"/bin/sh"}},"node_name":"my-node","time":"1970-01-01T00:00:00Z"}` + "\n"
	catJSON  = `{"process_exec":{"process":{"pid":7,"binary":"/usr/bin/cat","arguments":"cilium.io"},"parent":{"binary":"/bin/sh"}},"node_name":"my-node","time":"1970-01-01T00:00:00Z"}` + "\n"
)

func TestGetEventsFormats(t *testing.T) {
	f := mustServe(t, &fakeAgent{events: []*tetragon.GetEventsResponse{execEvent("/usr/bin/curl"), execEvent("/usr/bin/cat")}})
	for _, test := range []struct {
		name, want string
		args       []string
	}{
		{"json is the default", curlJSON + catJSON, nil},
		{"json", curlJSON + catJSON, []string{"-o", "json", "--color", "always"}},
		{"compact", "🚀 process my-node /usr/bin/curl cilium.io\n🚀 process my-node /usr/bin/cat cilium.io\n", []string{"-o", "compact"}},
		{"timestamps", "1970-01-01T00:00:00.000000000Z 🚀 process my-node /usr/bin/curl cilium.io\n" +
			"1970-01-01T00:00:00.000000000Z 🚀 process my-node /usr/bin/cat cilium.io\n", []string{"-o", "compact", "--timestamps"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := append([]string{"getevents", "--server-address", f.address}, test.args...)
			session{}.run(t, args...).check(t, 0, test.want, "")
		})
	}
	colored := session{}.run(t, "getevents", "--server-address", f.address, "-o", "compact", "--color", "always")
	if !strings.Contains(colored.stdout, "\x1b[") {
		t.Errorf("no colors in %q", colored.stdout)
	}
}

func TestGetEventsRequest(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want *tetragon.GetEventsRequest
	}{
		{"everything", nil, &tetragon.GetEventsRequest{AllowList: []*tetragon.Filter{{}}}},
		{
			"conditions",
			[]string{
				"-e", "PROCESS_EXEC,exit", "-n", "a,b", "--namespace", "c", "--host", "--namespace-regex", "^t", "--pod", "p", "--pods", "q",
				"--process", "sh$", "--processes", "ls$", "--containers", "c", "--policy-names", "x,y", "--cel-expression", `process_exec.process.uid == 0u`,
			},
			&tetragon.GetEventsRequest{AllowList: []*tetragon.Filter{{
				EventSet:           []tetragon.EventType{tetragon.EventType_PROCESS_EXEC, tetragon.EventType_PROCESS_EXIT},
				Namespace:          []string{"a", "b", "c", ""},
				NamespaceRegex:     []string{"^t"},
				PodRegex:           []string{"p", "q"},
				BinaryRegex:        []string{"sh$", "ls$"},
				ContainerNameRegex: []string{"c"},
				PolicyNames:        []string{"x", "y"},
				CelExpression:      []string{"process_exec.process.uid == 0u"},
			}}},
		},
		{
			"fields",
			[]string{"-f", "process.binary,process.pid", "-F", "parent"},
			&tetragon.GetEventsRequest{
				AllowList: []*tetragon.Filter{{}},
				FieldFilters: []*tetragon.FieldFilter{
					{Fields: &fieldmaskpb.FieldMask{Paths: []string{"process.binary", "process.pid"}}},
					{Fields: &fieldmaskpb.FieldMask{Paths: []string{"parent"}}, Action: tetragon.FieldFilterAction_EXCLUDE},
				},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := mustServe(t, &fakeAgent{})
			session{}.run(t, append([]string{"getevents", "--server-address", f.address}, test.args...)...).check(t, 0, "", "")
			if diff := cmp.Diff([]proto.Message{test.want}, f.received(), protocmp.Transform()); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGetEventsMistakes(t *testing.T) {
	for args, want := range map[string]string{
		"--process=(":               `missing closing ): "("`,
		"--fields-that=x":           "unknown flag --fields-that",
		"-f=proces.pid":             `did you mean "process"?`,
		"--cel-expression=process(": "Syntax error",
	} {
		got := session{}.run(t, "getevents", args)
		if got.status != exitUsage || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: status %d, %q, want %q", args, got.status, got.stderr, want)
		}
	}
}

func TestGetEventsFromStdin(t *testing.T) {
	long := strings.Replace(catJSON, "cilium.io", strings.Repeat("a", 3<<20), 1)
	for _, test := range []struct {
		name, stdin, want, stderr string
		args                      []string
	}{
		{"all", curlJSON + catJSON, curlJSON + catJSON, "", nil},
		{"selected", curlJSON + catJSON, catJSON, "", []string{"--process", "cat$"}},
		{"of the host", curlJSON, curlJSON, "", []string{"--host"}},
		{"of no namespace", curlJSON, "", "", []string{"-n", "default"}},
		{"last line without its end", strings.TrimSpace(curlJSON), curlJSON, "", nil},
		{"fields", curlJSON, `{"process_exec":{"process":{"binary":"/usr/bin/curl"}},"node_name":"my-node","time":"1970-01-01T00:00:00Z"}` + "\n", "", []string{"-f", "process.binary"}},
		{"fields of a newer agent", `{"process_exec":{"process":{"pid":7},"new":1},"newer":{}}`, `{"process_exec":{"process":{"pid":7}}}` + "\n", "", nil},
		{"invalid lines", "x\n\n" + curlJSON + `{"node_name":"n"}` + "\n{}\n", curlJSON, "vedette: 3 of 4 lines skipped: not an event\n", nil},
		{"long line", long + curlJSON, long + curlJSON, "", nil},
		{"compact", curlJSON, "🚀 process my-node /usr/bin/curl cilium.io\n", "", []string{"-o", "compact"}},
		{"blank", "\n", "", "vedette: standard input is empty; to ask the agent, use </dev/null or --server-address\n", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			session{stdin: test.stdin}.run(t, append([]string{"getevents"}, test.args...)...).check(t, 0, test.want, test.stderr)
		})
	}
}

func TestGetEventsSource(t *testing.T) {
	f := mustServe(t, &fakeAgent{events: []*tetragon.GetEventsResponse{execEvent("/usr/bin/cat")}})
	// An address on the command line is more than a pipe that happens to be there.
	session{stdin: curlJSON}.run(t, "getevents", "--server-address", f.address).check(t, 0, catJSON, "")

	closed := mustStdin(t, "x")
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	file, err := os.Open(mustWrite(t, "events", curlJSON))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, test := range map[string]struct {
		file *os.File
		want bool
	}{
		"nothing": {nil, false}, "closed": {closed, false}, "null": {mustStdin(t, ""), false}, "directory": {dir, false},
		"pipe": {mustStdin(t, "x"), true}, "file": {file, true},
	} {
		if got := hasEvents(test.file); got != test.want {
			t.Errorf("%s: hasEvents = %v, want %v", name, got, test.want)
		}
	}
}

// brokenPipe is an output that nobody reads any more after some bytes.
type brokenPipe struct{ rest int }

func (b *brokenPipe) Write(p []byte) (int, error) {
	if b.rest -= len(p); b.rest < 0 {
		return 0, &os.PathError{Op: "write", Path: "|1", Err: syscall.EPIPE}
	}
	return len(p), nil
}

func TestGetEventsWithoutReader(t *testing.T) {
	f := mustServe(t, &fakeAgent{events: slices.Repeat([]*tetragon.GetEventsResponse{execEvent("/usr/bin/cat")}, 5000), hold: true})
	session{stdout: &brokenPipe{}}.run(t, "getevents", "--server-address", f.address).check(t, 0, "", "")
	session{stdout: &brokenPipe{100000}, stdin: strings.Repeat(catJSON, 5000)}.run(t, "getevents").check(t, 0, "", "")
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestGetEventsWriteError(t *testing.T) {
	f := mustServe(t, &fakeAgent{events: []*tetragon.GetEventsResponse{execEvent("/usr/bin/cat")}, hold: true})
	session{stdout: fullDisk{}}.run(t, "getevents", "--server-address", f.address).
		check(t, 1, "", "vedette: write events: no space left on device\n")
}

func TestGetEventsInterrupted(t *testing.T) {
	f := mustServe(t, &fakeAgent{events: []*tetragon.GetEventsResponse{execEvent("/usr/bin/cat")}, hold: true})
	ctx, cancel := context.WithCancelCause(t.Context())
	printed := make(chan struct{})
	stdout := writerFunc(func(p []byte) (int, error) {
		close(printed)
		return len(p), nil
	})
	go func() {
		<-printed
		cancel(signalError{syscall.SIGINT})
	}()
	session{ctx: ctx, stdout: stdout}.run(t, "getevents", "--server-address", f.address).check(t, 0, "", "")
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestGetEventsRefused(t *testing.T) {
	f := mustServe(t, &fakeAgent{err: status.Error(codes.InvalidArgument, "bad filter")})
	session{}.run(t, "getevents", "--reconnect", "--server-address", f.address).check(t, 1, "", "vedette: bad filter\n")
}

func TestGetEventsReconnects(t *testing.T) {
	f := mustServe(t, &fakeAgent{events: []*tetragon.GetEventsResponse{execEvent("/usr/bin/cat")}})
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var lines int
	stdout := writerFunc(func(p []byte) (int, error) {
		if lines++; lines == 3 {
			cancel(signalError{syscall.SIGINT})
		}
		return len(p), nil
	})
	got := session{ctx: ctx, stdout: stdout}.run(t, "getevents", "--reconnect", "--reconnect-wait", "1ms", "--server-address", f.address)
	notice := "vedette: connection lost, next attempt in 1ms: the agent ended it\n"
	got.check(t, 0, "", notice+notice)
}

func TestGetEventsTerminal(t *testing.T) {
	write := func(path, text string) *tetragon.GetEventsResponse {
		return &tetragon.GetEventsResponse{Event: &tetragon.GetEventsResponse_ProcessKprobe{ProcessKprobe: &tetragon.ProcessKprobe{
			Process: &tetragon.Process{Binary: "/bin/sh"},
			Args: []*tetragon.KprobeArgument{
				{Arg: &tetragon.KprobeArgument_FileArg{FileArg: &tetragon.KprobeFile{Path: path}}},
				{Arg: &tetragon.KprobeArgument_BytesArg{BytesArg: []byte(text)}},
			},
		}}}
	}
	f := mustServe(t, &fakeAgent{events: []*tetragon.GetEventsResponse{
		execEvent("/bin/sh"), write("/dev/pts/1", "a\r\n"), write("/dev/pts/2", "x"), write("/dev/pts/1", "\x1b[1mb"),
	}})
	session{}.run(t, "getevents", "-t", "/dev/pts/1", "--server-address", f.address).check(t, 0, "a\r\n\x1b[1mb", "")
}

func TestGetEventsWithoutProcess(t *testing.T) {
	f := mustServe(t, &fakeAgent{events: []*tetragon.GetEventsResponse{
		{Event: &tetragon.GetEventsResponse_ProcessExec{ProcessExec: &tetragon.ProcessExec{}}}, execEvent("/usr/bin/cat"),
	}})
	session{}.run(t, "getevents", "-o", "compact", "--server-address", f.address).check(t, 0,
		"🚀 process my-node /usr/bin/cat cilium.io\n",
		"vedette: 1 event left out: without a process, or of a kind that cannot be printed so\n")
}

func TestLineTooLong(t *testing.T) {
	s := newLineSource(strings.NewReader(strings.Repeat("x", 200000) + "\n" + curlJSON))
	s.limit = 100000
	event, err := s.Next()
	if err != nil || event.GetProcessExec().GetProcess().GetBinary() != "/usr/bin/curl" {
		t.Fatalf("event %v, error %v", event, err)
	}
	if s.invalid != 1 || s.lines != 2 || cap(s.line) > 200000 {
		t.Errorf("%d of %d lines invalid, %d bytes kept", s.invalid, s.lines, cap(s.line))
	}
}

func BenchmarkPrintMessage(b *testing.B) {
	for _, output := range []string{formatJSON, formatCompact} {
		b.Run(output, func(b *testing.B) {
			p := newEventPrinter(writerFunc(func(p []byte) (int, error) { return len(p), nil }), eventFormat{output: output, color: colorNever})
			m := execEvent("/usr/bin/curl")
			for b.Loop() {
				if err := p.PrintMessage(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestStreamOutlivesTimeout(t *testing.T) {
	f := mustServe(t, &fakeAgent{hold: true})
	ctx, cancel := context.WithTimeoutCause(t.Context(), 400*time.Millisecond, fmt.Errorf("test: %w", context.Canceled))
	defer cancel()
	start := time.Now()
	session{ctx: ctx}.run(t, "getevents", "--timeout", "50ms", "--server-address", f.address)
	if took := time.Since(start); took < 350*time.Millisecond {
		t.Errorf("the stream ended after %v with its timeout", took)
	}
}
