// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/filter"
)

func execEvent(pid int) *event.Event {
	return &event.Event{Kind: event.KindExec, Process: &event.Process{PID: uint32(pid), Binary: "/bin/true"}}
}

func mustSubscribe(tb testing.TB, h *Hub, options Options) *Subscription {
	tb.Helper()
	s, err := h.Subscribe(context.Background(), options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

func mustNext(tb testing.TB, s *Subscription) *tetragon.GetEventsResponse {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	m, err := s.Next(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// mustSee checks the next event: the pid of an exec, or minus the number of lost events.
func mustSee(tb testing.TB, s *Subscription, want int) {
	tb.Helper()
	m := mustNext(tb, s)
	got := int(m.GetProcessExec().GetProcess().GetPid().GetValue())
	if lost := m.GetVedetteLostEvents(); lost != nil {
		got = -int(lost.Count)
		if lost.Stage != "queue" || lost.Cause == "" || m.NodeName != "node" || m.Time == nil {
			tb.Errorf("report of the loss: %v", m)
		}
	}
	if got != want {
		tb.Fatalf("next is %d, want %d", got, want)
	}
}

func mustFilter(tb testing.TB, allow, deny string) *filter.Set {
	tb.Helper()
	allowed, err := filter.ParseList(allow)
	if err != nil {
		tb.Fatal(err)
	}
	denied, err := filter.ParseList(deny)
	if err != nil {
		tb.Fatal(err)
	}
	set, err := filter.Compile(allowed, denied, filter.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

func TestEventsInOrder(t *testing.T) {
	h := NewHub(Config{})
	h.Publish(execEvent(99)) // nobody is there: it is not replayed
	a, b := mustSubscribe(t, h, Options{}), mustSubscribe(t, h, Options{})
	for pid := 1; pid <= 100; pid++ {
		h.Publish(execEvent(pid))
	}
	for pid := 1; pid <= 100; pid++ {
		mustSee(t, a, pid)
	}
	for pid := 1; pid <= 100; pid++ {
		mustSee(t, b, pid)
	}
	if got, want := h.Stats(), (Stats{Subscribers: 2, Delivered: 200}); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}

func TestMessageIsSharedAndIndependent(t *testing.T) {
	h := NewHub(Config{})
	a, b := mustSubscribe(t, h, Options{}), mustSubscribe(t, h, Options{})
	e := execEvent(1)
	e.Kind, e.Hook.Args = event.KindKprobe, []event.Arg{{Kind: event.ArgString, Bytes: []byte("before")}}
	h.Publish(e)
	copy(e.Hook.Args[0].Bytes, "after!")
	first, second := mustNext(t, a), mustNext(t, b)
	if first != second {
		t.Error("the event is converted twice")
	}
	if got := first.GetProcessKprobe().Args[0].GetStringArg(); got != "before" {
		t.Errorf("argument %q: the message shares the event's memory", got)
	}
}

// TestLossIsReportedWhereItIs loses events twice, the second time at the end.
func TestLossIsReportedWhereItIs(t *testing.T) {
	h := NewHub(Config{NodeName: "node"})
	s := mustSubscribe(t, h, Options{Queue: 2})
	for pid := 1; pid <= 5; pid++ {
		h.Publish(execEvent(pid))
	}
	mustSee(t, s, 1)
	h.Publish(execEvent(6))
	h.Publish(execEvent(7))
	h.Publish(execEvent(8))
	mustSee(t, s, 2)
	mustSee(t, s, -3)
	mustSee(t, s, 6)
	mustSee(t, s, -2)
	h.Publish(execEvent(9))
	mustSee(t, s, 9)
	if s.Dropped() != 5 || h.Stats().Dropped != 5 || h.Stats().Delivered != 4 {
		t.Errorf("%d dropped, hub %+v", s.Dropped(), h.Stats())
	}
}

func TestQueueOfOne(t *testing.T) {
	h := NewHub(Config{NodeName: "node", Queue: 1})
	s := mustSubscribe(t, h, Options{})
	for range 3 {
		h.Publish(execEvent(1))
		h.Publish(execEvent(2))
		mustSee(t, s, 1)
		mustSee(t, s, -1)
	}
}

func TestQueueIsBoundedInBytes(t *testing.T) {
	h := NewHub(Config{NodeName: "node"})
	s := mustSubscribe(t, h, Options{QueueBytes: 3000})
	large := execEvent(1)
	large.Process.Arguments = strings.Repeat("x", 2000)
	h.Publish(large)
	h.Publish(large)
	h.Publish(execEvent(2)) // small enough to fit again
	mustSee(t, s, 1)
	mustSee(t, s, -1)
	mustSee(t, s, 2)
	large.Process.Arguments = strings.Repeat("x", 4000) // too large for any queue but an empty one
	h.Publish(large)
	mustSee(t, s, 1)
}

func TestBytesOfReadEventsAreFree(t *testing.T) {
	h := NewHub(Config{QueueBytes: 100})
	s := mustSubscribe(t, h, Options{})
	for pid := 1; pid <= 100; pid++ { // never empty, never more than two events
		h.Publish(execEvent(pid))
		if pid > 1 {
			mustSee(t, s, pid-1)
		}
	}
}

func TestFilterAndFields(t *testing.T) {
	fields, err := filter.CompileFieldFilters([]*tetragon.FieldFilter{mustFieldFilter(t, `{"fields":"process.pid"}`)})
	if err != nil {
		t.Fatal(err)
	}
	h := NewHub(Config{})
	some := mustSubscribe(t, h, Options{Filter: mustFilter(t, `{"pid":[2]}`, ""), Fields: fields})
	all := mustSubscribe(t, h, Options{})
	h.Publish(execEvent(1))
	h.Publish(execEvent(2))
	m := mustNext(t, some)
	if p := m.GetProcessExec().Process; p.Pid.Value != 2 || p.Binary != "" {
		t.Errorf("event %v", m)
	}
	mustSee(t, all, 1)
	if m := mustNext(t, all); m.GetProcessExec().Process.Binary == "" {
		t.Error("the fields of one subscriber are missing for another")
	}
}

func mustFieldFilter(tb testing.TB, text string) *tetragon.FieldFilter {
	tb.Helper()
	list, err := filter.ParseFieldFilters(text)
	if err != nil {
		tb.Fatal(err)
	}
	return list[0]
}

func TestDeniedReportsOfLoss(t *testing.T) {
	h := NewHub(Config{})
	s := mustSubscribe(t, h, Options{Queue: 1, Filter: mustFilter(t, "", `{"event_set":["VEDETTE_LOST_EVENTS"]}`)})
	h.Publish(execEvent(1))
	h.Publish(execEvent(2))
	mustSee(t, s, 1)
	h.Publish(execEvent(3))
	mustSee(t, s, 3)
	if s.Dropped() != 1 {
		t.Errorf("%d dropped, want 1", s.Dropped())
	}
}

func TestEndOfSubscription(t *testing.T) {
	h := NewHub(Config{})
	ctx, cancel := context.WithCancel(context.Background())
	s, err := h.Subscribe(ctx, Options{})
	if err != nil {
		t.Fatal(err)
	}
	h.Publish(execEvent(1))
	mustSee(t, s, 1)
	cancel()
	if _, err := s.Next(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
	for deadline := time.Now().Add(10 * time.Second); h.Stats().Subscribers > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a subscriber that vanished is never removed")
		}
	}
	h.Publish(execEvent(2))
	if got := h.Stats().Delivered; got != 1 {
		t.Errorf("%d delivered, want 1", got)
	}
}

func TestCloseOfHub(t *testing.T) {
	h := NewHub(Config{})
	s := mustSubscribe(t, h, Options{})
	h.Publish(execEvent(1))
	h.Close()
	h.Publish(execEvent(2))
	mustSee(t, s, 1)
	if _, err := s.Next(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v, want ErrClosed", err)
	}
	if _, err := h.Subscribe(context.Background(), Options{}); !errors.Is(err, ErrClosed) {
		t.Errorf("subscribe: error %v, want ErrClosed", err)
	}
}

func TestFinish(t *testing.T) {
	h := NewHub(Config{})
	s := mustSubscribe(t, h, Options{})
	h.Publish(execEvent(1))
	s.Finish()
	h.Publish(execEvent(2))
	mustSee(t, s, 1)
	if _, err := s.Next(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v, want ErrClosed", err)
	}
	if n := h.Stats().Subscribers; n != 0 {
		t.Errorf("%d subscribers are left", n)
	}
}

func TestTooManySubscribers(t *testing.T) {
	h := NewHub(Config{MaxSubscribers: 2})
	first := mustSubscribe(t, h, Options{})
	mustSubscribe(t, h, Options{})
	if _, err := h.Subscribe(context.Background(), Options{}); !errors.Is(err, ErrTooMany) {
		t.Fatalf("error %v, want ErrTooMany", err)
	}
	first.Close()
	mustSubscribe(t, h, Options{})
}

// TestEveryEventIsAccountedFor has subscribers of different speed that come and go: what one has seen and
// what was reported lost add up to what was published while it was there.
func TestEveryEventIsAccountedFor(t *testing.T) {
	const published = 20_000
	h := NewHub(Config{Queue: 64})
	var group sync.WaitGroup
	for speed := range 4 {
		s := mustSubscribe(t, h, Options{})
		group.Go(func() {
			seen, last := 0, 0
			for {
				m, err := s.Next(context.Background())
				if errors.Is(err, ErrClosed) {
					break
				}
				if lost := m.GetVedetteLostEvents(); lost != nil {
					seen += int(lost.Count)
					last += int(lost.Count)
					continue
				}
				seen++
				last++
				if pid := int(m.GetProcessExec().Process.Pid.Value); pid != last {
					t.Errorf("subscriber %d: event %d follows what makes it %d", speed, pid, last)
					break
				}
				if speed > 0 && seen%(200/speed) == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			if seen != published {
				t.Errorf("subscriber %d: %d events seen or reported lost, want %d", speed, seen, published)
			}
		})
	}
	group.Go(func() { // others come and go meanwhile
		for range 100 {
			s, err := h.Subscribe(context.Background(), Options{})
			if err != nil {
				t.Error(err)
				return
			}
			s.Close()
		}
	})
	for pid := 1; pid <= published; pid++ {
		h.Publish(execEvent(pid))
	}
	h.Close()
	group.Wait()
}

func TestRing(t *testing.T) {
	var r ring
	next, want := 0, 0
	for round := range 200 {
		for range round % 97 {
			r.push(item{size: next})
			next++
		}
		for range min(r.len(), (round*31)%89) {
			if first := r.first().size; first != want {
				t.Fatalf("first is %d, want %d", first, want)
			}
			if got := r.pop().size; got != want {
				t.Fatalf("pop is %d, want %d", got, want)
			}
			want++
		}
	}
	for r.len() > 0 {
		r.pop()
	}
	if len(r.items) > maxIdleRing || r.first() != nil {
		t.Errorf("an empty ring keeps room for %d items", len(r.items))
	}
}

func BenchmarkPublish(b *testing.B) {
	for _, n := range []int{0, 1, 10} {
		b.Run(fmt.Sprintf("subscribers=%d", n), func(b *testing.B) {
			h := NewHub(Config{})
			ctx, cancel := context.WithCancel(context.Background())
			var group sync.WaitGroup
			for range n {
				s := mustSubscribe(b, h, Options{})
				group.Go(func() {
					for {
						if _, err := s.Next(ctx); err != nil {
							return
						}
					}
				})
			}
			e := execEvent(1)
			b.ReportAllocs()
			for b.Loop() {
				h.Publish(e)
			}
			cancel()
			group.Wait()
		})
	}
	b.Run("filtered out", func(b *testing.B) {
		h := NewHub(Config{})
		mustSubscribe(b, h, Options{Filter: mustFilter(b, `{"pid":[2]}`, "")})
		e := execEvent(1)
		b.ReportAllocs()
		for b.Loop() {
			h.Publish(e)
		}
	})
}
