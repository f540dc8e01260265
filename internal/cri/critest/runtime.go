// SPDX-License-Identifier: Apache-2.0

package critest

import (
	"context"
	"errors"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Runtime is a container runtime without containers of its own: it tells what it was told. All may be called
// at any time.
type Runtime struct {
	runtime.UnimplementedRuntimeServiceServer
	// Endpoint is where it listens.
	Endpoint string
	// NoEvents leaves GetContainerEvents out, as runtimes do where it is not enabled. It is set before the
	// first call.
	NoEvents bool
	// Delay is how long each answer takes.
	Delay time.Duration

	mu         sync.Mutex
	containers map[string]*runtime.ContainerStatusResponse
	sandboxOf  map[string]string
	sandboxes  map[string]*runtime.PodSandboxStatusResponse
	asked      map[string]int
	hung       map[string]chan struct{}
	events     map[chan *runtime.ContainerEventResponse]bool
}

// New serves a runtime at a socket of its own until the test ends. set may change it before.
func New(tb testing.TB, set func(*Runtime)) *Runtime {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "cri.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		tb.Fatal(err)
	}
	r := &Runtime{
		Endpoint: "unix://" + path, containers: make(map[string]*runtime.ContainerStatusResponse), sandboxOf: make(map[string]string),
		sandboxes: make(map[string]*runtime.PodSandboxStatusResponse), asked: make(map[string]int),
		hung: make(map[string]chan struct{}), events: make(map[chan *runtime.ContainerEventResponse]bool),
	}
	if set != nil {
		set(r)
	}
	server := grpc.NewServer()
	runtime.RegisterRuntimeServiceServer(server, r)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	tb.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			tb.Error(err)
		}
	})
	return r
}

// Add adds a container in a sandbox, and the sandbox.
func (r *Runtime) Add(c *runtime.ContainerStatus, info string, sandbox *runtime.PodSandboxStatus) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.containers[c.Id] = &runtime.ContainerStatusResponse{Status: c, Info: map[string]string{"info": info}}
	r.sandboxOf[c.Id] = sandbox.Id
	r.sandboxes[sandbox.Id] = &runtime.PodSandboxStatusResponse{Status: sandbox}
}

// Tell sends an event to all who follow, and returns how many those are.
func (r *Runtime) Tell(event *runtime.ContainerEventResponse) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	for to := range r.events {
		to <- event
	}
	return len(r.events)
}

// Hang never answers for a container.
func (r *Runtime) Hang(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hung[id] = make(chan struct{})
}

// Asked returns how often the runtime was asked for a container.
func (r *Runtime) Asked(id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[id]
}

// Version implements the interface.
func (r *Runtime) Version(context.Context, *runtime.VersionRequest) (*runtime.VersionResponse, error) {
	return &runtime.VersionResponse{RuntimeName: "containerd", RuntimeVersion: "v2.4.2"}, nil
}

// ContainerStatus implements the interface.
func (r *Runtime) ContainerStatus(ctx context.Context, request *runtime.ContainerStatusRequest) (*runtime.ContainerStatusResponse, error) {
	r.mu.Lock()
	r.asked[request.ContainerId]++
	hung, answer := r.hung[request.ContainerId], r.containers[request.ContainerId]
	r.mu.Unlock()
	if hung != nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	time.Sleep(r.Delay)
	if answer == nil {
		return nil, status.Error(codes.NotFound, "no such container")
	}
	return answer, nil
}

// PodSandboxStatus implements the interface.
func (r *Runtime) PodSandboxStatus(_ context.Context, request *runtime.PodSandboxStatusRequest) (*runtime.PodSandboxStatusResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if answer := r.sandboxes[request.PodSandboxId]; answer != nil {
		return answer, nil
	}
	return nil, status.Error(codes.NotFound, "no such sandbox")
}

// ListContainers implements the interface.
func (r *Runtime) ListContainers(_ context.Context, request *runtime.ListContainersRequest) (*runtime.ListContainersResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []*runtime.Container
	for _, id := range slices.Sorted(maps.Keys(r.containers)) {
		if request.GetFilter().GetId() == "" || request.Filter.Id == id {
			c := r.containers[id].Status
			list = append(list, &runtime.Container{Id: id, PodSandboxId: r.sandboxOf[id], Metadata: c.Metadata, Image: c.Image, State: c.State})
		}
	}
	return &runtime.ListContainersResponse{Containers: list}, nil
}

// ListPodSandbox implements the interface.
func (r *Runtime) ListPodSandbox(context.Context, *runtime.ListPodSandboxRequest) (*runtime.ListPodSandboxResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []*runtime.PodSandbox
	for id, s := range r.sandboxes {
		list = append(list, &runtime.PodSandbox{Id: id, Metadata: s.Status.Metadata, Labels: s.Status.Labels, Annotations: s.Status.Annotations})
	}
	return &runtime.ListPodSandboxResponse{Items: list}, nil
}

// GetContainerEvents implements the interface.
func (r *Runtime) GetContainerEvents(_ *runtime.GetEventsRequest, stream grpc.ServerStreamingServer[runtime.ContainerEventResponse]) error {
	if r.NoEvents {
		return status.Error(codes.Unimplemented, "events are not enabled")
	}
	events := make(chan *runtime.ContainerEventResponse, 64)
	r.mu.Lock()
	r.events[events] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.events, events)
		r.mu.Unlock()
	}()
	for {
		select {
		case <-stream.Context().Done():
			return nil
		case event := <-events:
			if err := stream.Send(event); err != nil {
				return err
			}
		}
	}
}
