// SPDX-License-Identifier: Apache-2.0

package event

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/vedette-io/vedette/api/tetragon"
)

func TestProtoRoundTrip(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			g := newGenerator(uint64(kind) + 7)
			for range 200 {
				want := ToProto(g.event(kind))
				got := ToProto(FromProto(want))
				if !proto.Equal(want, got) {
					t.Fatalf("message changed on the way there and back:\n%s", cmp.Diff(want, got, protocmp.Transform()))
				}
			}
		})
	}
}

// TestFromProtoKeepsAbsence checks that what a message lacks does not appear in the JSON of its event.
func TestFromProtoKeepsAbsence(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, in string }{
		{"empty", `{}`},
		{"empty exec", `{"process_exec":{}}`},
		{"fields left out", `{"process_kprobe":{"process":{"binary":"/bin/cat"},"args":[{"int_arg":0},{}]},"node_name":"n"}`},
		{"unknown process", `{"process_exec":{"process":{"pid":1,"flags":"unknown"},"parent":{},"ancestors":[{}]}}`},
		{"empty details", `{"process_lsm":{"args":[{"process_credentials_arg":{}},{"user_ns_arg":{}},{"user_namespace_arg":{}},{"sock_arg":{}},{"module_arg":{}},{"cap_effective_arg":""}]}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := &tetragon.GetEventsResponse{}
			if err := protojson.Unmarshal([]byte(test.in), m); err != nil {
				t.Fatal(err)
			}
			if got := string(AppendJSON(nil, FromProto(m))); got != test.in {
				t.Errorf("\n got %s\nwant %s", got, test.in)
			}
		})
	}
}

// TestFromProtoForeign checks that values no agent sends do no harm.
func TestFromProtoForeign(t *testing.T) {
	t.Parallel()
	m := &tetragon.GetEventsResponse{
		Time: &timestamppb.Timestamp{Seconds: math.MaxInt64, Nanos: math.MaxInt32},
		Event: &tetragon.GetEventsResponse_ProcessKprobe{ProcessKprobe: &tetragon.ProcessKprobe{
			Process: &tetragon.Process{Cap: &tetragon.Capabilities{Effective: []tetragon.CapabilitiesType{-1, 64, 1 << 30, 1}}},
			Args: []*tetragon.KprobeArgument{nil, {}, {Arg: &tetragon.KprobeArgument_SockArg{}}, {Arg: &tetragon.KprobeArgument_SockArg{
				SockArg: &tetragon.KprobeSock{Saddr: `"}`, Daddr: "::1%\"}", Sport: 1 << 31},
			}}},
			KernelStackTrace: []*tetragon.StackTraceEntry{nil},
			Ancestors:        []*tetragon.Process{nil},
		}},
	}
	e := FromProto(m)
	if got := e.Process.Caps.Effective; e.Time != 0 || got != 2 {
		t.Errorf("got time %d, capabilities %#x", e.Time, got)
	}
	got := AppendJSON(nil, e)
	if !json.Valid(got) || bytes.Contains(got, []byte("saddr")) || !bytes.Contains(got, []byte(`"daddr":"::1"`)) {
		t.Errorf("got %s", got)
	}
	if FromProto(nil).Kind != 0 {
		t.Error("no message must be an event of no kind")
	}
}

// TestToProtoSharesNothing overwrites the buffers that an event points to after it was converted.
func TestToProtoSharesNothing(t *testing.T) {
	t.Parallel()
	for kind := range ArgKind(36) {
		e := &Event{Kind: KindKprobe, Hook: Hook{
			Args: []Arg{{Kind: kind, Bytes: []byte("original")}}, Return: &Arg{Kind: kind, Bytes: []byte("original")},
		}}
		message, clone := ToProto(e), e.Clone()
		want := proto.Clone(message)
		copy(e.Hook.Args[0].Bytes, "override")
		copy(e.Hook.Return.Bytes, "override")
		if !proto.Equal(message, want) {
			t.Errorf("kind %d: ToProto shares a buffer with the event", kind)
		}
		if !proto.Equal(ToProto(clone), want) {
			t.Errorf("kind %d: Clone shares a buffer with the event", kind)
		}
	}
}

func TestCloneEqualsAndIsApart(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds {
		g := newGenerator(uint64(kind) + 99)
		for range 50 {
			e := g.event(kind)
			want := ToProto(e)
			clone := e.Clone()
			scribble(e)
			if got := ToProto(clone); !proto.Equal(want, got) {
				t.Fatalf("%v: the clone changed with the event:\n%s", kind, cmp.Diff(want, got, protocmp.Transform()))
			}
		}
	}
}

// scribble overwrites everything that e's owner may reuse.
func scribble(e *Event) {
	clear(e.Ancestors)
	clear(e.Loader.Path)
	clear(e.Loader.BuildID)
	h := &e.Hook
	for _, args := range [][]Arg{h.Args, h.Data} {
		for i := range args {
			scribbleArg(&args[i])
		}
		clear(args)
	}
	if h.Return != nil {
		scribbleArg(h.Return)
		*h.Return = Arg{}
	}
	clear(h.Tags)
	clear(h.KernelStack)
	clear(h.UserStack)
}

func scribbleArg(a *Arg) {
	clear(a.Bytes)
	switch d := a.Detail.(type) {
	case *Sock:
		if d != nil {
			*d = Sock{}
		}
	case *Credentials:
		if d != nil && d.Caps != nil {
			*d.Caps = Capabilities{}
		}
	case *Module:
		*d = Module{}
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	g := newGenerator(3)
	for _, kind := range allKinds {
		e := g.event(kind)
		args := cap(e.Hook.Args)
		e.Reset()
		if got := AppendJSON(nil, e); string(got) != "{}" {
			t.Errorf("%v: got %s after Reset", kind, got)
		}
		e.Kind = kind
		if got, want := AppendJSON(nil, e), AppendJSON(nil, &Event{Kind: kind}); !bytes.Equal(got, want) {
			t.Errorf("%v: got %s after Reset, want %s", kind, got, want)
		}
		if cap(e.Hook.Args) != args {
			t.Errorf("%v: Reset dropped the storage of the arguments", kind)
		}
	}
}
