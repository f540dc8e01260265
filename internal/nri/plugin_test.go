// SPDX-License-Identifier: Apache-2.0

package nri

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/containerd/nri/pkg/adaptation"
	"github.com/google/go-cmp/cmp"

	"github.com/vedette-io/vedette/internal/container"
)

// store keeps what it is told.
type store struct {
	mu      sync.Mutex
	put     map[string]container.Container
	removed []string
	fail    error
}

func (s *store) Put(_ context.Context, c container.Container) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put[c.ID] = c
	return s.fail
}

func (s *store) Remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removed = append(s.removed, id)
}

func (s *store) get(id string) container.Container {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put[id]
}

// mustRuntime serves plugins at a socket as containerd does, one container running.
func mustRuntime(tb testing.TB, socket string) *adaptation.Adaptation {
	tb.Helper()
	dir := tb.TempDir()
	sync := func(ctx context.Context, cb adaptation.SyncCB) error {
		_, err := cb(ctx, []*adaptation.PodSandbox{sandbox("shop")}, []*adaptation.Container{{Id: "old", PodSandboxId: "s", Name: "app"}})
		return err
	}
	update := func(context.Context, []*adaptation.ContainerUpdate) ([]*adaptation.ContainerUpdate, error) {
		return nil, nil
	}
	r, err := adaptation.New("containerd", "v2.4.2", sync, update, adaptation.WithSocketPath(socket),
		adaptation.WithPluginPath(filepath.Join(dir, "plugins")), adaptation.WithPluginConfigPath(filepath.Join(dir, "conf")))
	if err != nil {
		tb.Fatal(err)
	}
	if err := r.Start(); err != nil {
		tb.Fatal(err)
	}
	return r
}

// proxy is what connections to a runtime go through, so that they can end as if it had been killed.
type proxy struct {
	mu    sync.Mutex
	conns []net.Conn
}

func mustProxy(tb testing.TB, from, to string) *proxy {
	tb.Helper()
	listener, err := net.Listen("unix", from)
	if err != nil {
		tb.Fatal(err)
	}
	p := &proxy{}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", to)
			if err != nil {
				near.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, near, far)
			p.mu.Unlock()
			for _, ends := range [][2]net.Conn{{near, far}, {far, near}} {
				all.Go(func() {
					_, _ = io.Copy(ends[0], ends[1]) // until either is closed
					ends[0].Close()
				})
			}
		}
	})
	tb.Cleanup(func() {
		listener.Close()
		p.cut()
		all.Wait()
	})
	return p
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func sandbox(namespace string) *adaptation.PodSandbox {
	return &adaptation.PodSandbox{Id: "s", Name: "web", Namespace: namespace, Uid: "u", Labels: map[string]string{"app": "web", "io.kubernetes.pod.name": "web"}}
}

func await(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("%s did not happen", what)
		}
	}
}

func TestPlugin(t *testing.T) {
	socket, behind := filepath.Join(t.TempDir(), "nri.sock"), filepath.Join(t.TempDir(), "runtime.sock")
	between := mustProxy(t, socket, behind)
	s := &store{put: make(map[string]container.Container)}
	p := New(Options{
		Socket: socket, Store: s, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		FindCgroup: func(cgroupsPath, _ string) (uint64, string, error) { return 7, cgroupsPath, nil },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	r := mustRuntime(t, behind)
	await(t, "connection", p.Connected)
	if got := s.get("old"); got.Name != "app" || got.Pod.Name != "web" {
		t.Errorf("what runs already is %+v", got)
	}
	// A runtime adds a plugin to those it tells only after it has told it of what runs; containerd starts no container
	// between the two (adaptation.BlockPluginSync).
	await(t, "being told", func() bool {
		early := &adaptation.Container{Id: "early", PodSandboxId: "s", Name: "early"}
		if err := r.StartContainer(t.Context(), &adaptation.StartContainerRequest{Pod: sandbox("shop"), Container: early}); err != nil {
			t.Fatal(err)
		}
		return s.get("early").Name == "early"
	})
	c := &adaptation.Container{Id: "c", PodSandboxId: "s", Name: "app", StartedAt: 5e9, Linux: &adaptation.LinuxContainer{CgroupsPath: "/kubepods/x"}}
	if err := r.StartContainer(t.Context(), &adaptation.StartContainerRequest{Pod: sandbox("shop"), Container: c}); err != nil {
		t.Fatal(err)
	}
	want := container.Container{
		ID: "c", Runtime: "containerd", Name: "app", StartTime: time.Unix(5, 0), CgroupID: 7, CgroupPath: "/kubepods/x",
		Pod: container.Pod{Name: "web", Namespace: "shop", UID: "u", Labels: map[string]string{"app": "web"}},
	}
	if diff := cmp.Diff(want, s.get("c")); diff != "" {
		t.Errorf("when the container starts (-want +got):\n%s", diff)
	}
	s.mu.Lock()
	s.fail = errors.New("no room")
	s.mu.Unlock()
	if err := r.StartContainer(t.Context(), &adaptation.StartContainerRequest{Pod: sandbox("shop"), Container: c}); err == nil {
		t.Error("a container starts that no policy could be bound to")
	}
	if err := r.StartContainer(t.Context(), &adaptation.StartContainerRequest{Pod: sandbox(exempt), Container: c}); err != nil {
		t.Errorf("a container of %s does not start: %v", exempt, err)
	}
	if err := r.RemoveContainer(t.Context(), &adaptation.RemoveContainerRequest{Pod: sandbox("shop"), Container: c}); err != nil {
		t.Fatal(err)
	}
	await(t, "removal", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.removed) > 0
	})
	s.mu.Lock()
	if diff := cmp.Diff([]string{"c"}, s.removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	s.fail = nil
	s.mu.Unlock()

	between.cut()
	await(t, "the end of the connection", func() bool { return !p.Connected() })
	await(t, "connection to the restarted runtime", p.Connected)
	cancel()
	<-done
	r.Stop()
}
