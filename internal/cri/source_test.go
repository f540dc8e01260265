// SPDX-License-Identifier: Apache-2.0

package cri

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/vedette-io/vedette/internal/container"
	"github.com/vedette-io/vedette/internal/cri/critest"
)

// store keeps what it is told.
type store struct {
	wanted  chan string
	put     chan container.Container
	removed chan string
	refused chan string
}

func newStore() *store {
	return &store{make(chan string, 64), make(chan container.Container, 64), make(chan string, 64), make(chan string, 64)}
}

func (s *store) Put(_ context.Context, c container.Container) error { s.put <- c; return nil }
func (s *store) Remove(id string)                                   { s.removed <- id }
func (s *store) Refuse(id string)                                   { s.refused <- id }
func (s *store) Wanted() <-chan string                              { return s.wanted }

// run asks a runtime until the test ends.
func run(tb testing.TB, r *critest.Runtime, s *store) *Source {
	tb.Helper()
	source, err := Open(Options{
		Endpoint: r.Endpoint, Store: s, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		FindCgroup: func(cgroupsPath, _ string) (uint64, string, error) { return 7, "/node" + cgroupsPath, nil },
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- source.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	return source
}

func id(n int) string { return fmt.Sprintf("%064x", n) }

// add adds the n-th container.
func add(r *critest.Runtime, n int, state runtime.ContainerState, info string) {
	r.Add(&runtime.ContainerStatus{
		Id: id(n), Metadata: &runtime.ContainerMetadata{Name: "app"}, State: state, StartedAt: 5e9,
		Image: &runtime.ImageSpec{Image: "sha256:1", UserSpecifiedImage: "docker.io/library/web:1"}, ImageRef: "docker.io/library/web@sha256:1",
		Labels: map[string]string{labelPodName: "web", labelPodNamespace: "shop", labelPodUID: "u"},
	}, info, &runtime.PodSandboxStatus{
		Id: id(1000 + n), Metadata: &runtime.PodSandboxMetadata{Name: "web", Namespace: "shop", Uid: "u"},
		Labels:      map[string]string{"app": "web", "io.kubernetes.pod.name": "web"},
		Annotations: map[string]string{"note": "x"},
	})
}

func want(n int) container.Container {
	return container.Container{
		ID: id(n), Runtime: "containerd", Name: "app", Image: "docker.io/library/web:1", ImageID: "docker.io/library/web@sha256:1",
		StartTime: time.Unix(5, 0),
		Pod: container.Pod{
			Namespace: "shop", Name: "web", UID: "u", Labels: map[string]string{"app": "web"}, Annotations: map[string]string{"note": "x"},
		},
	}
}

func check(tb testing.TB, want, got container.Container) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("(-want +got):\n%s", diff)
	}
}

// runListed does, and returns when the runtime has told what it has.
func runListed(tb testing.TB, r *critest.Runtime, s *store) *Source {
	tb.Helper()
	add(r, 500, runtime.ContainerState_CONTAINER_EXITED, "")
	source := run(tb, r, s)
	if got := <-s.put; got.ID != id(1500) {
		tb.Fatalf("told first of %+v", got)
	}
	return source
}

func TestLookup(t *testing.T) {
	r := critest.New(t, func(r *critest.Runtime) { r.NoEvents = true })
	s := newStore()
	source := runListed(t, r, s)
	containerd := want(1)
	containerd.Privileged, containerd.CgroupID, containerd.CgroupPath = true, 7, "/node/kubepods/x"
	add(r, 1, runtime.ContainerState_CONTAINER_EXITED,
		`{"sandboxID":"`+id(1001)+`","config":{"linux":{"security_context":{"privileged":true}}},"runtimeSpec":{"linux":{"cgroupsPath":"/kubepods/x"}}}`)
	s.wanted <- id(1)
	check(t, containerd, <-s.put)

	crio := want(2)
	crio.Privileged = true
	add(r, 2, runtime.ContainerState_CONTAINER_RUNNING, `{"sandboxID":"`+id(1002)+`","privileged":true}`)
	s.wanted <- id(2)
	check(t, crio, <-s.put)

	for n, info := range map[int]string{3: "", 4: "not JSON"} { // cri-dockerd
		add(r, n, runtime.ContainerState_CONTAINER_RUNNING, info)
		s.wanted <- id(n)
		check(t, want(n), <-s.put)
	}

	s.wanted <- id(1003)
	if got := <-s.put; !got.Sandbox || got.Name != "" || got.Pod.Name != "web" {
		t.Errorf("the sandbox is %+v", got)
	}
	s.wanted <- id(99)
	if got := <-s.refused; got != id(99) {
		t.Errorf("%s is refused", got)
	}
	if got := source.Stats(); got.Lookups != 6 || got.Failures != 0 {
		t.Errorf("%+v", got)
	}
}

func TestFollow(t *testing.T) {
	r := critest.New(t, nil)
	add(r, 1, runtime.ContainerState_CONTAINER_RUNNING, "")
	add(r, 2, runtime.ContainerState_CONTAINER_EXITED, "")
	s := newStore()
	run(t, r, s)
	told := map[string]int{}
	for range 4 { // two sandboxes, and the container that runs: by the list, and by itself
		told[(<-s.put).ID]++
	}
	if diff := cmp.Diff(map[string]int{id(1001): 1, id(1002): 1, id(1): 2}, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	add(r, 3, runtime.ContainerState_CONTAINER_CREATED, "")
	if n := r.Tell(&runtime.ContainerEventResponse{ContainerId: id(3), ContainerEventType: runtime.ContainerEventType_CONTAINER_CREATED_EVENT}); n != 1 {
		t.Fatalf("%d follow", n)
	}
	check(t, want(3), <-s.put)
	r.Tell(&runtime.ContainerEventResponse{ContainerId: id(3), ContainerEventType: runtime.ContainerEventType_CONTAINER_DELETED_EVENT})
	if got := <-s.removed; got != id(3) {
		t.Errorf("%s is removed", got)
	}
}

// TestHangingRuntime has a runtime that does not answer for as many containers as are looked up at once, and
// then asks for another one.
func TestHangingRuntime(t *testing.T) {
	r := critest.New(t, func(r *critest.Runtime) { r.NoEvents = true })
	s := newStore()
	source := runListed(t, r, s)
	for n := range workers {
		r.Hang(id(n + 1))
		s.wanted <- id(n + 1)
	}
	add(r, 9, runtime.ContainerState_CONTAINER_RUNNING, "")
	s.wanted <- id(9)
	if got := <-s.put; got.ID != id(9) {
		t.Errorf("%+v", got)
	}
	if got := source.Stats(); got.Failures == 0 {
		t.Errorf("%+v: want failures", got)
	}
}

func TestEndpoint(t *testing.T) {
	for from, want := range map[string]string{
		"/run/x.sock": "unix:///run/x.sock", "unix:///run/x.sock": "unix:///run/x.sock", "tcp://host:1": "", "x.sock": "",
	} {
		if got, err := target(from); got != want || (err == nil) != (want != "") {
			t.Errorf("target(%q) = %q, %v", from, got, err)
		}
	}
}
