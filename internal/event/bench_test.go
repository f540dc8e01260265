// SPDX-License-Identifier: Apache-2.0

package event

import (
	"net/netip"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// realisticExec is the event of a curl with 1 KiB of arguments; it and its parent run in a Kubernetes pod,
// whose description takes 1 KiB more.
func realisticExec() *Event {
	pod := &Pod{
		Namespace: "default", Name: "xwing-7d9c5c6b8-q8k2m", UID: "9d6a2b4e-3f0c-4b7e-8f0a-1c2d3e4f5a6b",
		Container: &Container{
			ID: "containerd://551e161c47d8ff0eb665438a7bcd5b4e3ef5a297282b40a92b7c77d6bd168eb3", Name: "spaceship",
			ImageID:   "docker.io/tgraf/netperf@sha256:8e86f744bfea165fd4ce68caa05abc96500f40130b857773186401926af7e9e6",
			ImageName: "docker.io/tgraf/netperf:latest", StartTime: 1696629161000000000, PID: Some[uint32](49),
		},
		Labels:   Labels{{"app.kubernetes.io/name", "xwing"}, {"class", "xwing"}, {"org", "alliance"}},
		Workload: "xwing", WorkloadKind: "Deployment",
	}
	parent := &Process{
		ExecID: "OjEzMjgxNDcwNjQxMDE6MzI0MjI=", ParentExecID: "OjEzMjgxNDcwNjQxMDE6MzI0MjE=", PID: 32422, TID: 32422,
		AUID: 4294967295, CWD: "/", Binary: "/bin/bash", Arguments: `-c "curl https://ebpf.io/"`,
		Flags: "execve rootcwd clone", StartTime: 1696629837700000000, Docker: "551e161c47d8ff0eb665438a7bcd5b4",
		Refcnt: 2, InInitTree: true, Pod: pod,
	}
	process := &Process{
		ExecID: "OjEzMjgxNDcwNjQxMDI6NTI2OTk=", ParentExecID: parent.ExecID, PID: 52699, TID: 52699,
		AUID: 4294967295, CWD: "/", Binary: "/usr/bin/curl", Arguments: strings.Repeat("-H X-Header:value-of-it ", 43),
		Flags: "execve rootcwd clone", StartTime: 1696629837700327580, Docker: "551e161c47d8ff0eb665438a7bcd5b4",
		Pod: pod, Refcnt: 1, InInitTree: true,
	}
	return &Event{
		Kind: KindExec, Time: 1696629837700326678, NodeName: "gke-john-632-default-pool-7041cac0-9s95",
		Process: process, Parent: parent,
	}
}

// realisticHook is an event of the kind with the usual arguments, about 1 KiB of JSON with processes.
func realisticHook(kind Kind) *Event {
	e := realisticExec()
	process := *e.Process
	process.Arguments = "-s https://ebpf.io/"
	e.Kind, e.Process = kind, &process
	e.Exit = Exit{Signal: "SIGKILL", Time: e.Time}
	e.Loader = Loader{Path: []byte("/usr/lib/x86_64-linux-gnu/libc.so.6"), BuildID: make([]byte, 20)}
	e.Hook = Hook{
		Function: "security_file_permission", Subsystem: "raw_syscalls", Event: "sys_enter", Path: "/bin/bash",
		Symbol: "readline", PolicyName: "file-monitoring-filtered", Message: "a file was read", Tags: []string{"observability.filesystem"},
		Args: []Arg{
			{Kind: ArgFile, Bytes: []byte("/etc/passwd"), Mode: 0o100644}, {Kind: ArgInt, Int: 4},
			{Kind: ArgBytes, Bytes: make([]byte, 64)}, {Kind: ArgSize, Uint: 64},
			{Kind: ArgSock, Detail: &Sock{
				Family: "AF_INET", Type: "SOCK_STREAM", Protocol: "IPPROTO_TCP", State: "TCP_SYN_SENT",
				Source: netip.MustParseAddr("10.0.0.1"), Destination: netip.MustParseAddr("1.1.1.1"),
				SourcePort: 34965, DestinationPort: 80, Cookie: 18446623698520000000,
			}},
		},
		Return: &Arg{Kind: ArgInt},
	}
	return e
}

func BenchmarkEncodeExec(b *testing.B) {
	e := realisticExec()
	b.Run("json", func(b *testing.B) { benchmarkJSON(b, e) })
	b.Run("protojson", func(b *testing.B) {
		message := ToProto(e)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := (protojson.MarshalOptions{UseProtoNames: true}).Marshal(message); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("toproto", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ToProto(e)
		}
	})
	b.Run("wire", func(b *testing.B) {
		message := ToProto(e)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := proto.Marshal(message); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("compact", func(b *testing.B) { benchmarkCompact(b, e) })
}

func BenchmarkEncode(b *testing.B) {
	for _, kind := range []Kind{KindExit, KindKprobe, KindTracepoint, KindLoader, KindUprobe, KindLSM} {
		b.Run(kind.String()+"/json", func(b *testing.B) { benchmarkJSON(b, realisticHook(kind)) })
		b.Run(kind.String()+"/compact", func(b *testing.B) { benchmarkCompact(b, realisticHook(kind)) })
	}
}

func benchmarkJSON(b *testing.B, e *Event) {
	buf := AppendJSON(nil, e)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendJSON(buf[:0], e)
	}
}

func benchmarkCompact(b *testing.B, e *Event) {
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = AppendCompact(buf[:0], e, CompactOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
