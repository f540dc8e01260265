// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/vedette-io/vedette/api/tetragon"
)

// Event is an event as a client receives it.
type Event = tetragon.GetEventsResponse

// Events collects the events that an agent serves.
type Events struct {
	tb testing.TB
	*collection
}

// For returns the same events for a subtest, which fails when they do not
// come.
func (w *Events) For(tb testing.TB) *Events { return &Events{tb, w.collection} }

type collection struct {
	stop context.CancelFunc
	done chan struct{}

	mu   sync.Mutex
	all  []*Event
	news chan struct{}
	err  error
}

// Watch collects the agent's events from now on until the test ends.
func (a *Agent) Watch() *Events {
	a.tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := a.Client.GetEvents(ctx, &tetragon.GetEventsRequest{})
	if err != nil {
		cancel()
		a.tb.Fatal(err)
	}
	w := &Events{a.tb, &collection{stop: cancel, done: make(chan struct{}), news: make(chan struct{})}}
	go func() {
		defer close(w.done)
		for {
			e, err := stream.Recv()
			w.add(e, err)
			if err != nil {
				return
			}
		}
	}()
	a.tb.Cleanup(w.Close)
	w.Settle()
	return w
}

// Close ends the collecting.
func (w *collection) Close() {
	w.stop()
	<-w.done
}

func (w *collection) add(e *Event, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.err = err
	} else {
		w.all = append(w.all, e)
	}
	close(w.news)
	w.news = make(chan struct{})
}

// All returns the events so far that match.
func (w *collection) All(match func(*Event) bool) []*Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []*Event
	for _, e := range w.all {
		if match(e) {
			out = append(out, e)
		}
	}
	return out
}

// Await waits for the first event that matches.
func (w *Events) Await(what string, match func(*Event) bool) *Event {
	w.tb.Helper()
	return w.AwaitN(what, 1, match)[0]
}

// AwaitN waits until n events match, and returns them.
func (w *Events) AwaitN(what string, n int, match func(*Event) bool) []*Event {
	w.tb.Helper()
	deadline := time.After(Patience)
	for {
		w.mu.Lock()
		news, err := w.news, w.err
		w.mu.Unlock()
		if found := w.All(match); len(found) >= n {
			return found
		}
		if err != nil {
			w.tb.Fatalf("no %s: %v", what, err)
		}
		select {
		case <-news:
		case <-deadline:
			w.dump()
			w.tb.Fatalf("no %s", what)
		}
	}
}

// dump logs the losses and the last events, in short.
func (w *Events) dump() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tb.Logf("the losses and the last of %d events:", len(w.all))
	for i, e := range w.all {
		if e.GetVedetteLostEvents() != nil || i >= len(w.all)-30 {
			w.tb.Log(short(e))
		}
	}
}

// short is an event in a line of bounded length.
func short(e *Event) string {
	var kind string
	var p *tetragon.Process
	switch {
	case e.GetProcessExec() != nil:
		kind, p = "exec", e.GetProcessExec().GetProcess()
	case e.GetProcessExit() != nil:
		kind, p = "exit", e.GetProcessExit().GetProcess()
	case e.GetProcessKprobe() != nil:
		kind, p = e.GetProcessKprobe().GetFunctionName(), e.GetProcessKprobe().GetProcess()
	default:
		return JSON(e)
	}
	return fmt.Sprintf("%s %d %s %.80q %s", kind, p.GetPid().GetValue(), p.GetBinary(), p.GetArguments(), p.GetFlags())
}

// Settle runs a command and waits for its exit event: what happened before
// has then come through.
func (w *Events) Settle() {
	w.tb.Helper()
	// Events of different rings can change places: the second exit is behind
	// every event before the first.
	for range 2 {
		w.settle()
	}
}

func (w *Events) settle() {
	w.tb.Helper()
	// The subscription may begin after the command: ask again until it shows.
	deadline := time.Now().Add(Patience)
	for time.Now().Before(deadline) {
		pid := w.run("/bin/true")
		if w.within(200*time.Millisecond, Exit(pid)) {
			return
		}
	}
	w.tb.Fatal("no events at all come through")
}

func (w *Events) run(argv ...string) uint32 {
	w.tb.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	if err := cmd.Run(); err != nil {
		w.tb.Fatal(err)
	}
	return uint32(cmd.Process.Pid)
}

func (w *Events) within(d time.Duration, match func(*Event) bool) bool {
	timeout := time.After(d)
	for {
		w.mu.Lock()
		news := w.news
		w.mu.Unlock()
		if len(w.All(match)) > 0 {
			return true
		}
		select {
		case <-news:
		case <-timeout:
			return false
		}
	}
}

// Exec matches the exec events of a pid.
func Exec(pid uint32) func(*Event) bool {
	return func(e *Event) bool { return e.GetProcessExec().GetProcess().GetPid().GetValue() == pid }
}

// Exit matches the exit event of a pid.
func Exit(pid uint32) func(*Event) bool {
	return func(e *Event) bool { return e.GetProcessExit().GetProcess().GetPid().GetValue() == pid }
}

// ExecOf matches exec events of a binary whose arguments contain text.
func ExecOf(binary, arguments string) func(*Event) bool {
	return func(e *Event) bool {
		p := e.GetProcessExec().GetProcess()
		return p.GetBinary() == binary && strings.Contains(p.GetArguments(), arguments)
	}
}

// Kprobe matches the kprobe events of a policy.
func Kprobe(policy string) func(*Event) bool {
	return func(e *Event) bool { return e.GetProcessKprobe().GetPolicyName() == policy && policy != "" }
}

// Both matches what all of the others match.
func Both(matches ...func(*Event) bool) func(*Event) bool {
	return func(e *Event) bool {
		return !slices.ContainsFunc(matches, func(m func(*Event) bool) bool { return !m(e) })
	}
}

// JSON is an event as a test shows it.
func JSON(e *Event) string {
	return fmt.Sprint(protojson.MarshalOptions{}.Format(e))
}
