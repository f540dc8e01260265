// SPDX-License-Identifier: Apache-2.0

package nri

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/containerd/nri/pkg/api"
	"github.com/containerd/nri/pkg/stub"

	"github.com/vedette-io/vedette/internal/container"
)

const (
	// DefaultSocket is where runtimes listen for plugins.
	DefaultSocket = "/var/run/nri/nri.sock"

	pluginName  = "vedette"
	pluginIndex = "90" // late: others may change a container before
	// pause is how long to wait before connecting again.
	pause = time.Second
	// exempt is the namespace whose containers start even if no policy can be bound to them: without them
	// there is no cluster to repair.
	exempt = "kube-system"
)

// Store takes what the runtime tells; [workload.Store] is one.
type Store interface {
	Put(context.Context, container.Container) error
	Remove(containerID string)
}

// Options are what a [Plugin] is made with.
type Options struct {
	// Socket is where the runtime listens, empty for DefaultSocket.
	Socket string
	Store  Store
	// FindCgroup returns the id and the path of a container's cgroup by what its configuration names. It may be
	// nil.
	FindCgroup func(cgroupsPath, containerID string) (id uint64, path string, err error)
	Log        *slog.Logger
}

// Plugin is a plugin of a runtime.
type Plugin struct {
	opts      Options
	runtime   atomic.Value // its name, a string
	connected atomic.Bool
}

// New returns a plugin, not connected yet.
func New(opts Options) *Plugin {
	if opts.Socket == "" {
		opts.Socket = DefaultSocket
	}
	return &Plugin{opts: opts}
}

// Connected reports whether the runtime knows the plugin.
func (p *Plugin) Connected() bool { return p.connected.Load() }

// Run serves the runtime until ctx ends. It connects again when the runtime was restarted.
func (p *Plugin) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := p.serve(ctx); err != nil && ctx.Err() == nil {
			p.opts.Log.Debug("container runtime", "socket", p.opts.Socket, "error", err)
		}
		p.connected.Store(false)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (p *Plugin) serve(ctx context.Context) error {
	if _, err := os.Stat(p.opts.Socket); err != nil {
		return err
	}
	s, err := stub.New(p, stub.WithPluginName(pluginName), stub.WithPluginIdx(pluginIndex), stub.WithSocketPath(p.opts.Socket),
		stub.WithOnClose(func() { p.connected.Store(false) }), stub.WithLogger(logger{p.opts.Log}))
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// Configure is told which runtime it is, and returns what the plugin is to be told of.
func (p *Plugin) Configure(_ context.Context, _, runtime, version string) (stub.EventMask, error) {
	p.runtime.Store(runtime)
	p.opts.Log.Info("container runtime tells of containers before they start", "runtime", runtime, "version", version)
	var mask stub.EventMask
	mask.Set(api.Event_RUN_POD_SANDBOX, api.Event_REMOVE_POD_SANDBOX, api.Event_CREATE_CONTAINER, api.Event_START_CONTAINER,
		api.Event_POST_START_CONTAINER, api.Event_REMOVE_CONTAINER)
	return mask, nil
}

// Synchronize is told of what runs already.
func (p *Plugin) Synchronize(ctx context.Context, sandboxes []*api.PodSandbox, containers []*api.Container) ([]*api.ContainerUpdate, error) {
	pods := make(map[string]*api.PodSandbox)
	for _, sandbox := range sandboxes {
		pods[sandbox.GetId()] = sandbox
		p.report(p.put(ctx, p.sandbox(sandbox)), sandbox.GetId())
	}
	for _, c := range containers {
		if sandbox := pods[c.GetPodSandboxId()]; sandbox != nil {
			p.report(p.put(ctx, p.container(sandbox, c)), c.GetId())
		}
	}
	p.connected.Store(true)
	return nil, nil
}

// RunPodSandbox is told of a new pod.
func (p *Plugin) RunPodSandbox(ctx context.Context, sandbox *api.PodSandbox) error {
	return p.admit(sandbox, p.put(ctx, p.sandbox(sandbox)), sandbox.GetId())
}

// RemovePodSandbox is told that a pod is gone.
func (p *Plugin) RemovePodSandbox(_ context.Context, sandbox *api.PodSandbox) error {
	p.opts.Store.Remove(sandbox.GetId())
	return nil
}

// CreateContainer is told of a container that has no cgroup yet.
func (p *Plugin) CreateContainer(ctx context.Context, sandbox *api.PodSandbox, c *api.Container) (*api.ContainerAdjustment, []*api.ContainerUpdate, error) {
	return nil, nil, p.admit(sandbox, p.put(ctx, p.container(sandbox, c)), c.GetId())
}

// StartContainer is told of a container that has its cgroup, but has not executed its first file. The runtime
// waits for the answer.
func (p *Plugin) StartContainer(ctx context.Context, sandbox *api.PodSandbox, c *api.Container) error {
	told := p.container(sandbox, c)
	if told.StartTime.IsZero() {
		told.StartTime = time.Now()
	}
	return p.admit(sandbox, p.put(ctx, told), c.GetId())
}

// PostStartContainer is told when a container has started.
func (p *Plugin) PostStartContainer(ctx context.Context, sandbox *api.PodSandbox, c *api.Container) error {
	p.report(p.put(ctx, p.container(sandbox, c)), c.GetId())
	return nil
}

// RemoveContainer is told that a container is gone.
func (p *Plugin) RemoveContainer(_ context.Context, _ *api.PodSandbox, c *api.Container) error {
	p.opts.Store.Remove(c.GetId())
	return nil
}

func (p *Plugin) put(ctx context.Context, c container.Container) error {
	return p.opts.Store.Put(ctx, c)
}

// admit says whether a container may start.
func (p *Plugin) admit(sandbox *api.PodSandbox, err error, id string) error {
	p.report(err, id)
	if sandbox.GetNamespace() == exempt {
		return nil
	}
	return err
}

func (p *Plugin) report(err error, id string) {
	if err != nil {
		p.opts.Log.Warn("container: policies are not bound to it", "container", id, "error", err)
	}
}

func (p *Plugin) runtimeName() string {
	name, _ := p.runtime.Load().(string)
	if name == "crio" {
		return "cri-o" // as it calls itself towards Kubernetes
	}
	return name
}

func (p *Plugin) sandbox(from *api.PodSandbox) container.Container {
	c := container.Container{ID: from.GetId(), Runtime: p.runtimeName(), Sandbox: true, Pod: podOf(from)}
	p.addCgroup(&c, from.GetLinux().GetCgroupsPath())
	return c
}

func (p *Plugin) container(sandbox *api.PodSandbox, from *api.Container) container.Container {
	c := container.Container{
		ID: from.GetId(), Runtime: p.runtimeName(), Name: from.GetName(), Image: from.GetImage().GetName(),
		ImageID: imageID(from.GetImage()), Pod: podOf(sandbox),
	}
	if c.Image == "" {
		c.Image = from.GetAnnotations()["io.kubernetes.cri.image-name"] // containerd's, before it told images
	}
	if at := from.GetStartedAt(); at > 0 {
		c.StartTime = time.Unix(0, at)
	}
	p.addCgroup(&c, from.GetLinux().GetCgroupsPath())
	return c
}

func imageID(image *api.Image) string {
	name, _, _ := strings.Cut(image.GetName(), "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name = name[:i]
	}
	if name == "" || image.GetDigest() == "" {
		return image.GetDigest()
	}
	return name + "@" + image.GetDigest()
}

func podOf(from *api.PodSandbox) container.Pod {
	return container.Pod{
		Namespace: from.GetNamespace(), Name: from.GetName(), UID: from.GetUid(),
		Labels: container.PodLabels(from.GetLabels()), Annotations: from.GetAnnotations(),
	}
}

func (p *Plugin) addCgroup(c *container.Container, cgroupsPath string) {
	if cgroupsPath == "" || p.opts.FindCgroup == nil {
		return
	}
	// Without one the container is being created.
	if id, path, err := p.opts.FindCgroup(cgroupsPath, c.ID); err == nil {
		c.CgroupID, c.CgroupPath = id, path
	}
}
