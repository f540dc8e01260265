// SPDX-License-Identifier: Apache-2.0

package ocsf

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
)

// schema is the table of testdata/schema.json: the attributes of the classes and objects that events have, taken
// from the published schema. All enumerations of the schema have 0 and 99.
type schema struct {
	Version string
	Classes map[string]part
	Objects map[string]part
}

type part struct {
	UID         int64 `json:"uid"`
	CategoryUID int64 `json:"category_uid"`
	Attributes  map[string]attribute
}

type attribute struct {
	Required, Array       bool
	Profile, Object, Type string
	Enum                  []int64
}

func mustSchema(tb testing.TB) schema {
	tb.Helper()
	text, err := os.ReadFile("testdata/schema.json")
	if err != nil {
		tb.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(text, &s); err != nil {
		tb.Fatal(err)
	}
	return s
}

// check returns what is wrong with an event.
func (s schema) check(e map[string]any) []string {
	for name, c := range s.Classes {
		if e["class_uid"] != float64(c.UID) {
			continue
		}
		wrong := s.checkObject(name, c, e)
		if e["category_uid"] != float64(c.CategoryUID) {
			wrong = append(wrong, name+": category_uid")
		}
		if id, ok := e["activity_id"].(float64); !ok || e["type_uid"] != float64(c.UID)*100+id {
			wrong = append(wrong, name+": type_uid")
		}
		return wrong
	}
	return []string{"no class"}
}

func (s schema) checkObject(at string, p part, object map[string]any) []string {
	var wrong []string
	for name, a := range p.Attributes {
		if _, there := object[name]; a.Required && a.Profile == "" && !there {
			wrong = append(wrong, at+": no "+name)
		}
	}
	for name, value := range object {
		a, known := p.Attributes[name]
		if !known {
			wrong = append(wrong, at+": unknown "+name)
			continue
		}
		values := []any{value}
		if list, isList := value.([]any); isList != a.Array {
			wrong = append(wrong, at+"."+name+": a list, or none")
		} else if isList {
			values = list
		}
		for _, v := range values {
			wrong = append(wrong, s.checkValue(at+"."+name, a, v)...)
		}
	}
	return wrong
}

func (s schema) checkValue(at string, a attribute, value any) []string {
	if a.Object != "" && s.Objects[a.Object].Attributes != nil {
		object, ok := value.(map[string]any)
		if !ok {
			return []string{at + ": no object"}
		}
		return s.checkObject(at, s.Objects[a.Object], object)
	}
	ok := true
	switch a.Type {
	case "integer_t", "long_t", "timestamp_t", "port_t":
		n, isNumber := value.(float64)
		ok = isNumber && n == math.Trunc(n) && (a.Enum == nil || slices.Contains(a.Enum, int64(n)))
	case "json_t": // anything
	case "boolean_t":
		_, ok = value.(bool)
	case "object":
		_, ok = value.(map[string]any)
	default:
		_, ok = value.(string)
	}
	if !ok {
		return []string{fmt.Sprintf("%s: %v is no %s", at, value, a.Type)}
	}
	return nil
}

var pod = &event.Pod{
	Namespace: "shop", Name: "web-1", UID: "6f0c1f6e-9a43-4a61-8a4f-c5cf0b5ad6a5",
	Container: &event.Container{ID: "containerd://ab", Name: "web", ImageID: "sha256:1", ImageName: "web:1"},
}

func processes() (process, parent *event.Process) {
	process = &event.Process{
		ExecID: "bm9kZToxOjI=", ParentExecID: "bm9kZToxOjE=", PID: 4711, UID: 1000, User: "ann", CWD: "/work", Binary: "/usr/bin/curl",
		Arguments: "-s \"x\"", StartTime: 1_700_000_000_000_000_000, Pod: pod, Env: []event.EnvVar{{Key: "A", Value: ""}},
	}
	return process, &event.Process{ExecID: "bm9kZToxOjE=", PID: 1, Binary: "/usr/bin/bash"}
}

// sample returns an event of a kind, changed.
func sample(kind event.Kind, change func(*event.Event)) *event.Event {
	process, parent := processes()
	e := &event.Event{Kind: kind, Time: 1_700_000_001_234_567_890, NodeName: "node", ClusterName: "c", Process: process, Parent: parent}
	if isHook(kind) {
		e.Hook.PolicyName, e.Hook.Message, e.Hook.Tags = "watch", "seen", []string{"a.b"}
	}
	if change != nil {
		change(e)
	}
	return e
}

// hook returns an event of a hook on a function with arguments.
func hook(kind event.Kind, function string, args ...event.Arg) *event.Event {
	return sample(kind, func(e *event.Event) { e.Hook.Function, e.Hook.Args = function, args })
}

func enforced(e *event.Event, action event.Action) *event.Event {
	e.Hook.Action = action
	return e
}

func bytesArg(kind event.ArgKind, text string) event.Arg {
	return event.Arg{Kind: kind, Bytes: []byte(text), Mode: 0o100644}
}

func sock() event.Arg {
	return event.Arg{Kind: event.ArgSock, Detail: &event.Sock{
		Family: "AF_INET", Protocol: "IPPROTO_TCP", Source: netip.MustParseAddr("10.0.0.1"), SourcePort: 40000,
		Destination: netip.MustParseAddr("192.0.2.1"), DestinationPort: 443,
	}}
}

// samples are events of every kind, with the type_uid that they are to have.
func samples() []struct {
	event *event.Event
	want  float64
} {
	const kill, override = tetragon.KprobeAction_KPROBE_ACTION_SIGKILL, tetragon.KprobeAction_KPROBE_ACTION_OVERRIDE
	return []struct {
		event *event.Event
		want  float64
	}{
		{sample(event.KindExec, nil), 100701},
		{sample(event.KindExec, func(e *event.Event) { e.Parent = nil }), 100701},
		{sample(event.KindExec, func(e *event.Event) { e.Process.Pod = &event.Pod{Container: &event.Container{ImageName: "a"}} }), 100701},
		{sample(event.KindExit, func(e *event.Event) { e.Exit = event.Exit{Signal: "SIGKILL", Time: e.Time} }), 100702},
		{sample(event.KindExit, func(e *event.Event) { e.Process = &event.Process{PID: 5, Absent: event.AbsentUID} }), 100702},
		{sample(event.KindLoader, func(e *event.Event) { e.Loader.Path = []byte("/lib/libc.so.6") }), 100501},
		{sample(event.KindUprobe, func(e *event.Event) { e.Hook.Path, e.Hook.Symbol = "/usr/bin/bash", "readline" }), 100503},
		{sample(event.KindUsdt, func(e *event.Event) { e.Hook.Path, e.Hook.Provider, e.Hook.Name = "/bin/x", "libc", "setjmp" }), 100503},
		{hook(event.KindKprobe, "tcp_connect", sock()), 400101},
		{hook(event.KindKprobe, "tcp_close", sock()), 400102},
		{hook(event.KindKprobe, "inet_bind", sock()), 400199},
		{hook(event.KindKprobe, "ip_rcv", event.Arg{Kind: event.ArgSkb, Detail: &event.Skb{Source: netip.MustParseAddr("2001:db8::1"), Protocol: "IPPROTO_UDP"}}), 400199},
		{hook(event.KindLSM, "socket_connect", event.Arg{Kind: event.ArgSockaddr, Detail: &event.Sockaddr{Addr: netip.MustParseAddr("::1"), Port: 1}}), 400101},
		{hook(event.KindLSM, "file_open", bytesArg(event.ArgFile, "/etc/passwd")), 100114},
		{hook(event.KindKprobe, "security_path_rename", bytesArg(event.ArgPath, "/")), 100105},
		{hook(event.KindKprobe, "security_bprm_check", bytesArg(event.ArgLinuxBinprm, "/bin/x")), 100199},
		{hook(event.KindKprobe, "sys_unlinkat", event.Arg{Kind: event.ArgInt}, bytesArg(event.ArgString, "/tmp/x")), 100104},
		{hook(event.KindKprobe, "sys_lseek", event.Arg{Kind: event.ArgInt, Int: 4444}), 100304},
		{hook(event.KindKprobe, "wake_up_new_task"), 100304},
		{hook(event.KindKprobe, ""), 100304},
		{hook(event.KindKprobe, "do_init_module", event.Arg{Kind: event.ArgModule, Detail: &event.Module{Name: "nft"}}), 100501},
		{hook(event.KindKprobe, "free_module", event.Arg{Kind: event.ArgModule, Detail: &event.Module{Name: "nft"}}), 100502},
		{hook(event.KindKprobe, "sys_finit_module"), 100501},
		{hook(event.KindKprobe, "commit_creds", event.Arg{Kind: event.ArgProcessCreds, Detail: &event.Credentials{}}), 100705},
		{sample(event.KindTracepoint, func(e *event.Event) { e.Hook.Subsystem, e.Hook.Event = "syscalls", "sys_enter_lseek" }), 100304},
		{enforced(hook(event.KindKprobe, "security_file_open", bytesArg(event.ArgFile, "/etc/shadow")), kill), 200401},
		{enforced(hook(event.KindLSM, "socket_connect", sock()), override), 200401},
		{enforced(hook(event.KindKprobe, "sys_kill"), tetragon.KprobeAction_KPROBE_ACTION_SIGNAL), 200401},
		{enforced(sample(event.KindTracepoint, nil), tetragon.KprobeAction_KPROBE_ACTION_NOTIFYENFORCER), 200401},
		{enforced(sample(event.KindUprobe, nil), kill), 200401},
		{sample(event.KindThrottle, func(e *event.Event) { e.Process, e.Throttle.Cgroup = nil, "a" }), 99},
		{sample(event.KindRateLimit, func(e *event.Event) { e.Process, e.RateLimited = nil, 5 }), 99},
		{sample(event.KindLost, func(e *event.Event) { e.Process, e.Lost = nil, event.Lost{Stage: "export", Cause: "x", Count: 3} }), 99},
		{sample(event.KindTest, func(e *event.Event) { e.Process = nil }), 99},
		{sample(event.KindKprobe, func(e *event.Event) { e.Process = nil }), 99},
	}
}

func mustDecode(tb testing.TB, e *event.Event) map[string]any {
	tb.Helper()
	line := Append(nil, e)
	if strings.ContainsRune(string(line), '\n') {
		tb.Fatalf("%s has a line break", line)
	}
	var object map[string]any
	if err := json.Unmarshal(line, &object); err != nil {
		tb.Fatalf("%s: %v", line, err)
	}
	return object
}

// TestEveryKind checks events of every kind with the table, and their class and activity.
func TestEveryKind(t *testing.T) {
	s := mustSchema(t)
	if s.Version != Version {
		t.Errorf("version %s, the table is of %s", Version, s.Version)
	}
	kinds := make(map[event.Kind]bool)
	for _, c := range samples() {
		kinds[c.event.Kind] = true
		object := mustDecode(t, c.event)
		if wrong := s.check(object); len(wrong) != 0 {
			t.Errorf("%v %s: %q", c.event.Kind, functionOf(c.event), wrong)
		}
		if object["type_uid"] != c.want {
			t.Errorf("%v %s: type_uid %v, want %v", c.event.Kind, functionOf(c.event), object["type_uid"], c.want)
		}
	}
	for number := range tetragon.EventType_name {
		if kind := event.Kind(number); kind != tetragon.EventType_UNDEF && !kinds[kind] {
			t.Errorf("no sample of %v", kind)
		}
	}
}

// TestCheckFails takes away, one at a time, every attribute that the table requires, and changes every enumerated
// one: the check must find it.
func TestCheckFails(t *testing.T) {
	s := mustSchema(t)
	changed := 0
	for _, c := range samples() {
		object := mustDecode(t, c.event)
		var walk func(p part, o map[string]any)
		walk = func(p part, o map[string]any) {
			for _, name := range slices.Sorted(maps.Keys(o)) {
				a, value := p.Attributes[name], o[name]
				try := func(what string) {
					changed++
					if len(s.check(object)) == 0 {
						t.Errorf("%v: %s is %s, and the check finds nothing", c.event.Kind, name, what)
					}
				}
				if a.Required && a.Profile == "" {
					delete(o, name)
					try("missing")
				}
				if a.Enum != nil {
					o[name] = float64(12345)
					try("12345")
				}
				o[name] = value
				values, isList := value.([]any)
				if !isList {
					values = []any{value}
				}
				for _, v := range values {
					if inner, ok := v.(map[string]any); ok && a.Object != "" {
						walk(s.Objects[a.Object], inner)
					}
				}
			}
		}
		for _, class := range s.Classes {
			if object["class_uid"] == float64(class.UID) {
				walk(class, object)
			}
		}
		if wrong := s.check(object); len(wrong) != 0 {
			t.Fatalf("the walk has left %q", wrong)
		}
	}
	if changed < 300 {
		t.Errorf("only %d changes were tried", changed)
	}
}

// TestContent looks at what the attributes say.
func TestContent(t *testing.T) {
	get := func(object map[string]any, path string) any {
		var at any = object
		for key := range strings.SplitSeq(path, ".") {
			if list, ok := at.([]any); ok {
				at = list[0]
			}
			inner, _ := at.(map[string]any)
			at = inner[key]
		}
		return at
	}
	kill := enforced(hook(event.KindLSM, "socket_connect", sock()), tetragon.KprobeAction_KPROBE_ACTION_SIGKILL)
	for _, c := range []struct {
		event *event.Event
		path  string
		want  any
	}{
		{sample(event.KindExec, nil), "process.cmd_line", `/usr/bin/curl -s "x"`},
		{sample(event.KindExec, nil), "process.pid", 4711.0},
		{sample(event.KindExec, nil), "actor.process.pid", 1.0},
		{sample(event.KindExec, nil), "time", 1_700_000_001_234.0},
		{sample(event.KindExec, nil), "device.container.image.name", "web:1"},
		{sample(event.KindExec, nil), "device.hostname", "node"},
		{sample(event.KindExit, func(e *event.Event) { e.Exit.Status = 3 }), "exit_code", 3.0},
		{hook(event.KindKprobe, "tcp_connect", sock()), "dst_endpoint.port", 443.0},
		{hook(event.KindKprobe, "tcp_connect", sock()), "connection_info.protocol_num", 6.0},
		{hook(event.KindKprobe, "tcp_connect", sock()), "connection_info.direction_id", 2.0},
		{hook(event.KindLSM, "file_open", bytesArg(event.ArgFile, "/etc/passwd")), "file.name", "passwd"},
		{hook(event.KindLSM, "file_open", bytesArg(event.ArgFile, "/etc/passwd")), "file.type_id", 1.0},
		{hook(event.KindKprobe, "sys_lseek"), "kernel.system_call", "lseek"},
		{hook(event.KindKprobe, "sys_lseek"), "policy.name", "watch"},
		{hook(event.KindKprobe, "sys_lseek"), "unmapped.process_kprobe.function_name", "sys_lseek"},
		{kill, "disposition_id", 2.0},
		{kill, "severity_id", 4.0},
		{kill, "evidences.dst_endpoint.ip", "192.0.2.1"},
		{kill, "finding_info.title", "watch: KPROBE_ACTION_SIGKILL at socket_connect"},
		{kill, "actor.user.name", "ann"},
	} {
		if got := get(mustDecode(t, c.event), c.path); got != c.want {
			t.Errorf("%v: %s is %v, want %v", c.event.Kind, c.path, got, c.want)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	e := sample(event.KindExec, nil)
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		line = Append(line[:0], e)
	}
}
