// SPDX-License-Identifier: Apache-2.0

package hold

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-io/vedette/internal/container"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/workload"
)

// rig is a buffer with what it has sent, "pod/binary".
type rig struct {
	*Buffer
	store *workload.Store
	mu    sync.Mutex
	sent  []string
}

func newRig(retries int, delay time.Duration, most int) *rig {
	r := &rig{store: workload.NewStore(workload.StoreOptions{Sources: true})}
	r.Buffer = New(Options{Store: r.store, Retries: retries, Delay: delay, Most: most, Emit: func(e *event.Event) {
		r.mu.Lock()
		defer r.mu.Unlock()
		pod := ""
		if e.Process.Pod != nil {
			pod = e.Process.Pod.Name
		}
		r.sent = append(r.sent, pod+"/"+e.Process.Binary)
	}})
	return r
}

// take takes an event of a process in the n-th container, 0 for the host.
func (r *rig) take(n int, binary string) {
	p := &event.Process{Binary: binary}
	if n > 0 {
		p.ContainerID = r.store.Container(uint64(n), fmt.Appendf(nil, "/kubepods/pod%032x/%s", n, id(n)))
	}
	e := &event.Event{Kind: event.KindExec, Process: p}
	r.Take(e)
	e.Process = nil // it need not stay valid
}

func id(n int) string { return fmt.Sprintf("%064x", n) }

func (r *rig) mustKnow(tb testing.TB, n int) {
	tb.Helper()
	err := r.store.Put(tb.Context(), container.Container{ID: id(n), Name: "app", Pod: container.Pod{Name: fmt.Sprintf("pod%d", n)}})
	if err != nil {
		tb.Fatal(err)
	}
}

func (r *rig) check(tb testing.TB, want ...string) {
	tb.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff(want, r.sent); diff != "" {
		tb.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOrderOfAContainer(t *testing.T) {
	r := newRig(10, time.Hour, 0)
	r.take(1, "a")
	r.take(2, "b")
	r.take(0, "host")
	r.take(1, "c")
	r.check(t, "/host")
	r.mustKnow(t, 1)
	r.take(1, "d") // behind those that wait, although its pod is known
	r.check(t, "/host")
	r.release(time.Now())
	r.check(t, "/host", "pod1/a", "pod1/c", "pod1/d")
	r.take(1, "e")
	r.check(t, "/host", "pod1/a", "pod1/c", "pod1/d", "pod1/e")
	if got := r.Stats(); got.Held != 1 || got.Inserted != 4 || got.Late != 0 {
		t.Errorf("%+v", got)
	}
}

func TestPatience(t *testing.T) {
	r := newRig(3, time.Minute, 0)
	r.take(1, "a")
	<-r.store.Wanted()
	start := time.Now()
	for _, after := range []time.Duration{30 * time.Second, 90 * time.Second, 100 * time.Second, 150 * time.Second} {
		if !r.release(start.Add(after)) {
			t.Fatalf("nothing waits after %v", after)
		}
	}
	if n := len(r.store.Wanted()); n != 2 || r.Stats().Retries != 2 {
		t.Errorf("asked %d times, want 2; %+v", n, r.Stats())
	}
	r.check(t)
	if r.release(start.Add(181 * time.Second)) {
		t.Error("something still waits")
	}
	r.check(t, "/a")
	if got := r.Stats(); got.Late != 1 || got.Held != 0 {
		t.Errorf("%+v", got)
	}
}

func TestRoom(t *testing.T) {
	r := newRig(10, time.Hour, 3)
	for _, binary := range strings.Fields("a b c") {
		r.take(1, binary)
	}
	r.take(2, "d")
	r.check(t, "/a", "/b", "/c")
	if got := r.Stats(); got.Overflowed != 3 || got.Held != 1 {
		t.Errorf("%+v", got)
	}
	r.take(1, "e")
	r.take(2, "f")
	r.mustKnow(t, 2)
	r.release(time.Now())
	r.check(t, "/a", "/b", "/c", "pod2/d", "pod2/f")
}

func TestNoWaitForWhatNobodyKnows(t *testing.T) {
	r := newRig(10, time.Hour, 0)
	r.take(1, "a")
	r.store.Refuse(id(1))
	r.release(time.Now())
	r.check(t, "/a")
	r.take(1, "b")
	r.check(t, "/a", "/b")
}

func TestRunSendsWhenKnownAndAtTheEnd(t *testing.T) {
	r := newRig(10, time.Hour, 0)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	r.take(1, "a")
	r.mustKnow(t, 1)
	r.Wake()
	for r.Stats().Held != 0 {
		time.Sleep(time.Millisecond)
	}
	r.take(2, "b")
	cancel()
	<-done
	r.check(t, "pod1/a", "/b")
}

func TestParentsAreCompleted(t *testing.T) {
	store := workload.NewStore(workload.StoreOptions{Sources: true})
	var got *event.Event
	b := New(Options{Store: store, Retries: 1, Delay: time.Hour, Emit: func(e *event.Event) { got = e }})
	store.Container(1, fmt.Appendf(nil, "/kubepods/pod%032x/%s", 1, id(1)))
	in := &event.Process{ContainerID: id(1)}
	b.Take(&event.Event{Process: in, Parent: in, Ancestors: []*event.Process{in, {Binary: "/init"}}})
	if err := store.Put(t.Context(), container.Container{ID: id(1), Name: "app", Pod: container.Pod{Name: "web"}}); err != nil {
		t.Fatal(err)
	}
	b.release(time.Now())
	if got == nil || got.Parent.Pod == nil || got.Ancestors[0].Pod == nil || got.Ancestors[1].Pod != nil {
		t.Errorf("%+v", got)
	}
	if in.Pod != nil {
		t.Error("a process was changed that others show")
	}
}
