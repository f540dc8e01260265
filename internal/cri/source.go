// SPDX-License-Identifier: Apache-2.0

package cri

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/vedette-io/vedette/internal/container"
)

const (
	// patience is how long the runtime may take for an answer.
	patience = 2 * time.Second
	// pause is how long to wait before asking a runtime again that failed.
	pause = time.Second
	// workers is how many containers are looked up at once.
	workers = 4
	// maxMessage is the size in bytes of the largest answer: a list of all containers of a node.
	maxMessage = 64 << 20
)

// endpoints are where runtimes listen by default: containerd, CRI-O, cri-dockerd, k3s.
var endpoints = []string{
	"/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/cri-dockerd.sock", "/run/k3s/containerd/containerd.sock",
}

// Store takes what the runtime tells; [workload.Store] is one.
type Store interface {
	Put(context.Context, container.Container) error
	Remove(containerID string)
	Refuse(containerID string)
	// Wanted has the ids of the containers to ask for.
	Wanted() <-chan string
}

// Options are what a [Source] is made with.
type Options struct {
	// Endpoint is the runtime's socket, unix:///path or a path. Empty is the first that there is of the
	// runtimes' default ones, and that of containerd where there is none yet.
	Endpoint string
	Store    Store
	// FindCgroup returns the id and the path of a container's cgroup by what its configuration names. It may be
	// nil.
	FindCgroup func(cgroupsPath, containerID string) (id uint64, path string, err error)
	Log        *slog.Logger
}

// Source asks a runtime.
type Source struct {
	opts   Options
	conn   *grpc.ClientConn
	client runtime.RuntimeServiceClient
	name   atomic.Value // of the runtime, a string

	lookups, failures atomic.Uint64
	warned            sync.Once
}

// Stats counts what happened to a [Source].
type Stats struct {
	// Lookups counts containers that were asked for, Failures those of them without an answer.
	Lookups, Failures uint64
}

// Open prepares the connection. The runtime need not run yet.
func Open(opts Options) (*Source, error) {
	endpoint, err := target(opts.Endpoint)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
	if err != nil {
		return nil, fmt.Errorf("container runtime %s: %w", endpoint, err)
	}
	return &Source{opts: opts, conn: conn, client: runtime.NewRuntimeServiceClient(conn)}, nil
}

func target(endpoint string) (string, error) {
	if endpoint == "" {
		for _, path := range endpoints {
			if _, err := os.Stat(path); err == nil {
				return "unix://" + path, nil
			}
		}
		return "unix://" + endpoints[0], nil // it may come yet
	}
	path := strings.TrimPrefix(endpoint, "unix://")
	if !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("container runtime: endpoint %q is not unix:///path", endpoint)
	}
	return "unix://" + path, nil
}

// Run tells the store of the containers that run, of new ones and of those that it wants to know, until ctx
// ends. A runtime that does not answer is asked again.
func (s *Source) Run(ctx context.Context) error {
	var group sync.WaitGroup
	for range workers {
		group.Go(func() { s.work(ctx) })
	}
	for ctx.Err() == nil {
		if err := s.follow(ctx); err != nil && ctx.Err() == nil {
			s.opts.Log.Debug("container runtime", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	group.Wait()
	return s.conn.Close()
}

// Stats returns the counters.
func (s *Source) Stats() Stats {
	return Stats{Lookups: s.lookups.Load(), Failures: s.failures.Load()}
}

// work looks containers up.
func (s *Source) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-s.opts.Store.Wanted():
			s.lookup(ctx, id)
		}
	}
}

func (s *Source) lookup(ctx context.Context, id string) {
	s.lookups.Add(1)
	c, err := s.inspect(ctx, id)
	switch {
	case status.Code(err) == codes.NotFound:
		s.opts.Store.Refuse(id)
	case err != nil && ctx.Err() == nil:
		s.failures.Add(1)
		s.warned.Do(func() {
			s.opts.Log.Warn("the container runtime does not answer: pods may be missing from events", "container", id, "error", err)
		})
	case err == nil:
		s.put(ctx, c)
	}
}

func (s *Source) put(ctx context.Context, c container.Container) {
	if err := s.opts.Store.Put(ctx, c); err != nil {
		s.opts.Log.Warn("container: policies are not bound to it", "container", c.ID, "error", err)
	}
}

// follow tells of all containers, and then of each that comes or goes, until the runtime fails.
func (s *Source) follow(ctx context.Context) error {
	if err := s.learnName(ctx); err != nil {
		return err
	}
	following, cancel := context.WithCancel(ctx)
	defer cancel()
	// First, so that none is missed between.
	events, err := s.client.GetContainerEvents(following, &runtime.GetEventsRequest{})
	if err == nil {
		err = s.list(ctx)
	}
	if err != nil {
		return err
	}
	for {
		event, err := events.Recv()
		if status.Code(err) == codes.Unimplemented {
			// Containers are then known when a process of theirs is seen.
			<-ctx.Done()
			return nil
		}
		if err != nil {
			return fmt.Errorf("events: %w", err)
		}
		switch event.ContainerEventType {
		case runtime.ContainerEventType_CONTAINER_DELETED_EVENT:
			s.opts.Store.Remove(event.ContainerId)
		case runtime.ContainerEventType_CONTAINER_CREATED_EVENT, runtime.ContainerEventType_CONTAINER_STARTED_EVENT:
			s.lookup(ctx, event.ContainerId)
		}
	}
}

// learnName asks what the runtime is called, as Kubernetes puts it before the ids of containers.
func (s *Source) learnName(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	version, err := s.client.Version(ctx, &runtime.VersionRequest{})
	if err != nil {
		return fmt.Errorf("version: %w", err)
	}
	s.name.Store(version.RuntimeName)
	return nil
}

func (s *Source) list(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	list, err := s.client.ListContainers(limited, &runtime.ListContainersRequest{})
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	sandboxes, err := s.client.ListPodSandbox(limited, &runtime.ListPodSandboxRequest{})
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	pods := make(map[string]container.Pod)
	for _, sandbox := range sandboxes.Items {
		pods[sandbox.Id] = podOf(sandbox.Metadata, sandbox.Labels, sandbox.Annotations)
		s.put(ctx, container.Container{ID: sandbox.Id, Runtime: s.runtimeName(), Sandbox: true, Pod: pods[sandbox.Id]})
	}
	for _, c := range list.Containers {
		if pod, found := pods[c.PodSandboxId]; found && c.State == runtime.ContainerState_CONTAINER_RUNNING {
			s.put(ctx, container.Container{
				ID: c.Id, Runtime: s.runtimeName(), Name: c.GetMetadata().GetName(), Image: c.GetImage().GetUserSpecifiedImage(),
				ImageID: c.ImageRef, Pod: pod,
			})
			s.lookup(ctx, c.Id)
		}
	}
	return nil
}

func (s *Source) runtimeName() string {
	name, _ := s.name.Load().(string)
	return name
}

// errNoAnswer says that the runtime answered with nothing.
var errNoAnswer = errors.New("the answer is empty")
