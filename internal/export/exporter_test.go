// SPDX-License-Identifier: Apache-2.0

package export

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/filter"
)

func execEvent(pid uint32, arguments string) *event.Event {
	return &event.Event{
		Kind: event.KindExec, NodeName: "node", Time: 1_700_000_000_000_000_000,
		Process: &event.Process{ExecID: "id", PID: pid, Binary: "/bin/cat", Arguments: arguments},
		Parent:  &event.Process{ExecID: "parent", PID: 1, Binary: "/bin/bash"},
	}
}

// mustExport exports events and returns the messages in the file.
func mustExport(tb testing.TB, cfg ExporterConfig, events ...*event.Event) []*tetragon.GetEventsResponse {
	tb.Helper()
	writerConfig := testConfig(tb)
	w := mustOpen(tb, writerConfig, openFile)
	e := NewExporter(w, cfg)
	for _, one := range events {
		e.Export(one)
	}
	if err := e.Close(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	var messages []*tetragon.GetEventsResponse
	for line := range strings.Lines(mustRead(tb, writerConfig.Filename)) {
		m := &tetragon.GetEventsResponse{}
		if err := protojson.Unmarshal([]byte(line), m); err != nil {
			tb.Fatalf("%s: %v", line, err)
		}
		messages = append(messages, m)
	}
	return messages
}

func TestExportFilters(t *testing.T) {
	list, err := filter.ParseList(`{"arguments_regex":["secret"]}`)
	if err != nil {
		t.Fatal(err)
	}
	set, err := filter.Compile(nil, list, filter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fieldList, err := filter.ParseFieldFilters(`{"fields":"parent","action":"EXCLUDE"}`)
	if err != nil {
		t.Fatal(err)
	}
	fields, err := filter.CompileFieldFilters(fieldList)
	if err != nil {
		t.Fatal(err)
	}
	got := mustExport(t, ExporterConfig{Filter: set, Fields: fields, RateLimit: Unlimited},
		execEvent(1, "secret"), execEvent(2, "open"), &event.Event{Kind: event.KindThrottle})
	if len(got) != 2 || got[1].GetProcessThrottle() == nil {
		t.Fatalf("events %v", got)
	}
	exec := got[0].GetProcessExec()
	if exec.Process.Pid.Value != 2 || exec.Parent != nil || got[0].NodeName != "node" || got[0].Time == nil {
		t.Errorf("event %v", got[0])
	}
}

func TestExportRateLimit(t *testing.T) {
	events := make([]*event.Event, 20)
	for i := range events {
		events[i] = execEvent(uint32(i+1), "")
	}
	events[15] = &event.Event{Kind: event.KindLost, Lost: event.Lost{Count: 3}} // never limited
	got := mustExport(t, ExporterConfig{Source: Source{NodeName: "here"}, RateLimit: 5}, events...)
	if len(got) != 7 {
		t.Fatalf("%d events, want 5, the loss report and the rate limit report: %v", len(got), got)
	}
	if got[5].GetVedetteLostEvents().GetCount() != 3 {
		t.Errorf("event %v, want the loss report", got[5])
	}
	info := got[6]
	if info.GetRateLimitInfo().GetNumberOfDroppedProcessEvents() != 14 || info.NodeName != "here" || info.Time == nil {
		t.Errorf("event %v, want one that says 14", info)
	}
}

// TestRateLimitIsReportedEachMinute runs on the bubble's clock.
func TestRateLimitIsReportedEachMinute(t *testing.T) {
	cfg := testConfig(t)
	synctest.Test(t, func(t *testing.T) {
		w := mustOpen(t, cfg, openFile)
		e := NewExporter(w, ExporterConfig{RateLimit: 0})
		reports := func() int { return strings.Count(mustRead(t, cfg.Filename), `"rate_limit_info"`) }
		for minute := range 3 {
			e.Export(execEvent(1, ""))
			time.Sleep(time.Minute + time.Second)
			if got := reports(); got != minute+1 {
				t.Errorf("%d reports after %d minutes", got, minute+1)
			}
		}
		time.Sleep(5 * time.Minute)
		if got := reports(); got != 3 {
			t.Errorf("%d reports, want none without drops", got-3)
		}
		if e.RateLimited() != 3 {
			t.Errorf("%d limited, want 3", e.RateLimited())
		}
		if err := e.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestRateLimitBucket(t *testing.T) {
	now := time.Unix(0, 0)
	r := newRateLimit(60, now)
	allowed := func(n int) (got int) {
		for range n {
			if r.allow(now) {
				got++
			}
		}
		return got
	}
	if got := allowed(100); got != 60 {
		t.Errorf("%d allowed of a full bucket, want 60", got)
	}
	now = now.Add(10 * time.Second)
	if got := allowed(100); got != 10 {
		t.Errorf("%d allowed after 10 s, want 10", got)
	}
	now = now.Add(-time.Hour) // the clock goes back
	if got := allowed(1); got != 0 {
		t.Error("time that goes back fills the bucket")
	}
	now = now.Add(24 * time.Hour)
	if got := allowed(100); got != 60 {
		t.Errorf("%d allowed after a day, want 60", got)
	}
	if got := r.takeDropped(); got != 40+90+1+40 {
		t.Errorf("%d dropped", got)
	}
	if got := r.takeDropped(); got != 0 {
		t.Errorf("%d dropped are reported twice", got)
	}
}

func TestGap(t *testing.T) {
	line := Source{NodeName: "node"}.Gap([]byte("x"), strings.Repeat("\x01", 1000), 7)
	if len(line) > lossRoom {
		t.Errorf("%d bytes, but %d are kept for it", len(line), lossRoom)
	}
	var parsed struct {
		Node string                               `json:"node_name"`
		Lost struct{ Stage, Cause, Count string } `json:"vedette_lost_events"`
	}
	if err := json.Unmarshal(line[1:], &parsed); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if parsed.Node != "node" || parsed.Lost.Stage != "export" || parsed.Lost.Count != "7" || parsed.Lost.Cause == "" {
		t.Errorf("line %s", line)
	}
}

// TestStdout replaces the standard output by a pipe whose reader goes away.
func TestStdout(t *testing.T) {
	r, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	original := os.Stdout
	os.Stdout = pipe
	defer func() { os.Stdout = original }()
	cfg := testConfig(t)
	cfg.Filename = "-"
	w := mustOpen(t, cfg, openFile)
	defer pipe.Close()
	mustWrite(t, w, "line")
	got := make([]byte, 5)
	if _, err := io.ReadFull(r, got); err != nil || string(got) != "line\n" {
		t.Errorf("standard output has %q, %v", got, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, w, "nobody reads this")
	eventually(t, "the closed pipe is an error", func() bool { return w.Stats().Failures > 0 })
}

func BenchmarkExport(b *testing.B) {
	for _, size := range []int{100, 1500} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			cfg := testConfig(b)
			cfg.Params = Params{MaxSize: 100 * BytesPerMB, MaxBackups: 1}
			cfg.MaxWait = 10 * time.Second
			w := mustOpen(b, cfg, openFile)
			e := NewExporter(w, ExporterConfig{RateLimit: Unlimited})
			ev := execEvent(1, strings.Repeat("x", size))
			b.ReportAllocs()
			for b.Loop() {
				e.Export(ev)
			}
			mustClose(b, w)
			b.ReportMetric(float64(w.Stats().Written)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
