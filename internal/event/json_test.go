// SPDX-License-Identifier: Apache-2.0

package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/vedette-io/vedette/api/tetragon"
)

// checkJSON checks that the JSON of e is what protojson writes for ToProto(e), to the byte but for
// the spaces that protojson puts in at random, and that it reads back as the same message.
func checkJSON(tb testing.TB, e *Event) {
	tb.Helper()
	message := ToProto(e)
	got := AppendJSON(nil, e)

	want, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
	if err != nil {
		tb.Fatalf("protojson: %v", err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, want); err != nil {
		tb.Fatalf("protojson wrote no JSON: %v", err)
	}
	if !bytes.Equal(got, compact.Bytes()) {
		tb.Errorf("JSON differs from protojson\n got %s\nwant %s", got, compact.Bytes())
	}

	back := &tetragon.GetEventsResponse{}
	if err := protojson.Unmarshal(got, back); err != nil {
		tb.Fatalf("protojson does not read %s: %v", got, err)
	}
	if !proto.Equal(message, back) {
		tb.Errorf("JSON reads back as another message: %s", cmp.Diff(message, back, protocmp.Transform()))
	}
}

func TestJSONEveryKind(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			checkJSON(t, &Event{Kind: kind})
			g := newGenerator(uint64(kind))
			for range 300 {
				checkJSON(t, g.event(kind))
			}
		})
	}
}

func TestJSONEveryArg(t *testing.T) {
	t.Parallel()
	members := (&tetragon.KprobeArgument{}).ProtoReflect().Descriptor().Oneofs().ByName("arg").Fields()
	for i := range members.Len() {
		member := members.Get(i)
		t.Run(string(member.Name()), func(t *testing.T) {
			t.Parallel()
			kind := ArgKind(member.Number())
			zero := ToProto(&Event{Kind: KindKprobe, Hook: Hook{Args: []Arg{{Kind: kind}}}})
			if arg := zero.GetProcessKprobe().GetArgs()[0].ProtoReflect(); !arg.Has(member) {
				t.Errorf("the member is not set, got %v", arg.Interface())
			}
			g := newGenerator(uint64(kind))
			for range 100 {
				args := []Arg{{Kind: kind}, g.argOf(kind), g.argOf(kind)}
				checkJSON(t, &Event{Kind: KindKprobe, Hook: Hook{Args: args}})
			}
		})
	}
}

func TestJSONText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		e    Event
		want string
	}{
		{"unset actions", Event{Kind: KindKprobe}, `{"process_kprobe":{"action":"KPROBE_ACTION_POST","return_action":"KPROBE_ACTION_POST"}}`},
		{"omitted actions", Event{Kind: KindKprobe, Hook: Hook{Action: ActionOmitted, ReturnAction: ActionOmitted}}, `{"process_kprobe":{}}`},
		{"unset wrappers", Event{Kind: KindExec, Process: &Process{}}, `{"process_exec":{"process":{"pid":0,"uid":0,"auid":0,"tid":0,"in_init_tree":false}}}`},
		{"unknown process", Event{Kind: KindExec, Process: &Process{PID: 7, Flags: "unknown", Absent: AbsentTID | AbsentUID | AbsentAUID | AbsentInInitTree}},
			`{"process_exec":{"process":{"pid":7,"flags":"unknown"}}}`},
		{"thread", Event{Kind: KindExec, TID: 9, Process: &Process{PID: 7, TID: 7}}, `{"process_exec":{"process":{"pid":7,"uid":0,"auid":0,"tid":9,"in_init_tree":false}}}`},
		{"loader", Event{Kind: KindLoader, Loader: Loader{Path: []byte("/lib/x"), BuildID: []byte{1, 2}}}, `{"process_loader":{"path":"/lib/x","buildid":"AQI="}}`},
		{"invalid bytes", Event{NodeName: "a\xff\xfeb"}, "{\"node_name\":\"a\ufffdb\"}"},
		{"times", Event{Kind: KindExit, Time: 1696629837700327580, Exit: Exit{Signal: "SIGKILL", Time: 1696629837_000000000}},
			`{"process_exit":{"signal":"SIGKILL","time":"2023-10-06T22:03:57Z"},"time":"2023-10-06T22:03:57.700327580Z"}`},
		{"arguments", Event{Kind: KindTracepoint, Hook: Hook{Subsystem: "raw_syscalls", Event: "sys_enter", Args: []Arg{
			{Kind: ArgInt, Int: -2}, {Kind: ArgSize, Uint: 5}, {Kind: ArgString}, {Kind: ArgFile, Bytes: []byte("/etc/passwd"), Mode: 0o100644},
			{Kind: ArgSyscallID, Uint: 8, Text: "x64"}, {Kind: ArgKernelCap, Uint: 0x3ff}}}},
			`{"process_tracepoint":{"subsys":"raw_syscalls","event":"sys_enter","args":[{"int_arg":-2},{"size_arg":"5"},{"string_arg":""},` +
				`{"file_arg":{"path":"/etc/passwd","permission":"-rw-r--r--"}},{"syscall_id":{"id":8,"abi":"x64"}},{"kernel_cap_t_arg":"00000000000003ff"}],` +
				`"action":"KPROBE_ACTION_POST"}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := string(AppendJSON(nil, &test.e)); got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
			checkJSON(t, &test.e)
		})
	}
}

// TestTextEveryByte puts every byte at every place of a string around the width of the scanner.
func TestTextEveryByte(t *testing.T) {
	t.Parallel()
	for length := range 35 {
		for place := range length {
			for c := range 256 {
				s := bytes.Repeat([]byte{'x'}, length)
				s[place] = byte(c)
				var got string
				if err := json.Unmarshal(appendText(nil, string(s)), &got); err != nil {
					t.Fatalf("%q: %v", s, err)
				}
				if want := valid(string(s)); got != want {
					t.Fatalf("%q: got %q, want %q", s, got, want)
				}
			}
		}
	}
}

func TestAppendKeepsPrefix(t *testing.T) {
	t.Parallel()
	e := realisticExec()
	want := append([]byte("before {"), AppendJSON(nil, e)...)
	if got := AppendJSON([]byte("before {"), e); !bytes.Equal(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzJSONAgainstProtojson(f *testing.F) {
	for i, kind := range allKinds {
		f.Add(uint64(i), int32(kind), []byte("text \xff \" \\ \u2028"))
	}
	f.Fuzz(func(t *testing.T, seed uint64, kind int32, text []byte) {
		if len(text) > 1024 {
			t.Skip("an event repeats the text many times")
		}
		g := newGenerator(seed, string(text), fmt.Sprintf("%s%s", text, text))
		checkJSON(t, g.event(Kind(kind)))
		checkJSON(t, g.event(allKinds[seed%uint64(len(allKinds))]))
	})
}
