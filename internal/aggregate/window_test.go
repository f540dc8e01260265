// SPDX-License-Identifier: Apache-2.0

package aggregate

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/vedette-io/vedette/api/tetragon"
)

// kprobe is an event of a process with a number of references at a second.
func kprobe(exec, function string, refcnt uint32, second int64) *tetragon.GetEventsResponse {
	return &tetragon.GetEventsResponse{
		Event: &tetragon.GetEventsResponse_ProcessKprobe{ProcessKprobe: &tetragon.ProcessKprobe{
			Process:      &tetragon.Process{ExecId: exec, Refcnt: refcnt},
			Parent:       &tetragon.Process{ExecId: "parent", Refcnt: refcnt + 1},
			Ancestors:    []*tetragon.Process{{ExecId: "init", Refcnt: refcnt + 2}},
			FunctionName: function,
		}},
		NodeName: "node", Time: &timestamppb.Timestamp{Seconds: second},
	}
}

func mustWindow(tb testing.TB, options Options) *Window {
	tb.Helper()
	w, err := New(options)
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

func mustAdd(tb testing.TB, w *Window, m *tetragon.GetEventsResponse) bool {
	tb.Helper()
	full, err := w.Add(m)
	if err != nil {
		tb.Fatal(err)
	}
	return full
}

func mustFlush(tb testing.TB, w *Window) []*tetragon.GetEventsResponse {
	tb.Helper()
	var out []*tetragon.GetEventsResponse
	if err := w.Flush(func(m *tetragon.GetEventsResponse) error { out = append(out, m); return nil }); err != nil {
		tb.Fatal(err)
	}
	return out
}

func TestWindow(t *testing.T) {
	w := mustWindow(t, Options{Size: time.Second, Events: 10})
	a := kprobe("a", "sys_read", 1, 1)
	unchanged := proto.CloneOf(a)
	for _, m := range []*tetragon.GetEventsResponse{
		a, kprobe("b", "sys_read", 1, 2), kprobe("a", "sys_read", 7, 3), kprobe("a", "sys_write", 1, 4), kprobe("a", "sys_read", 1, 5),
	} {
		if mustAdd(t, w, m) {
			t.Error("full too early")
		}
	}
	got := mustFlush(t, w)
	var seen []string
	for _, m := range got {
		k := m.GetProcessKprobe()
		seen = append(seen, k.Process.ExecId+" "+k.FunctionName+" "+strings.Repeat("+", int(m.GetAggregationInfo().GetCount())))
	}
	if text := strings.Join(seen, ", "); text != "a sys_read +++, b sys_read , a sys_write " {
		t.Errorf("flushed %q", text)
	}
	if got[0].Time.Seconds != 1 || got[0].NodeName != "node" {
		t.Errorf("the first event is told as %v", got[0])
	}
	if !proto.Equal(a, unchanged) {
		t.Error("an event was changed, which others may share")
	}
	if again := mustFlush(t, w); len(again) != 0 {
		t.Errorf("flushed twice: %v", again)
	}
	mustAdd(t, w, a)
	if got := mustFlush(t, w); len(got) != 1 || got[0].AggregationInfo != nil {
		t.Errorf("after a flush it counts on: %v", got)
	}
}

func TestWindowFull(t *testing.T) {
	w := mustWindow(t, Options{Size: time.Second, Events: 2})
	for i, program := range []string{"a", "a", "b"} {
		if full := mustAdd(t, w, kprobe(program, "f", 1, 1)); full != (program == "b") {
			t.Errorf("event %d: full is %v: it is with two different events, and not before", i, full)
		}
	}
	if _, err := w.Add(&tetragon.GetEventsResponse{}); err == nil {
		t.Error("no error for a message without an event")
	}
}

func TestParseOptions(t *testing.T) {
	for _, test := range []struct {
		options *tetragon.AggregationOptions
		want    Options
		err     string
	}{
		{&tetragon.AggregationOptions{}, Options{DefaultSize, DefaultEvents}, ""},
		{&tetragon.AggregationOptions{WindowSize: durationpb.New(time.Minute), ChannelBufferSize: 5}, Options{time.Minute, 5}, ""},
		{&tetragon.AggregationOptions{WindowSize: durationpb.New(-time.Second)}, Options{}, "aggregation_options.window_size: -1s"},
		{&tetragon.AggregationOptions{WindowSize: durationpb.New(2 * time.Hour)}, Options{}, "at most 1h"},
		{&tetragon.AggregationOptions{WindowSize: &durationpb.Duration{Seconds: 1 << 60}}, Options{}, "exceeds"},
		{&tetragon.AggregationOptions{ChannelBufferSize: 1 << 63}, Options{}, "aggregation_options.channel_buffer_size"},
	} {
		got, err := ParseOptions(test.options)
		if test.err == "" && (err != nil || got != test.want) || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%v: %v, %v", test.options, got, err)
		}
	}
}
