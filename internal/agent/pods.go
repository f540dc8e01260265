// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/vedette-io/vedette/internal/cri"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/hold"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/kubernetes"
	"github.com/vedette-io/vedette/internal/nri"
	"github.com/vedette-io/vedette/internal/workload"
)

// pods tells of the containers of this node and their pods, as far as somebody tells of them, and has events
// wait for that.
type pods struct {
	log     *slog.Logger
	emit    func(*event.Event)
	store   *workload.Store
	cgroups *workload.Cgroups // nil where they cannot be read
	buffer  *hold.Buffer      // nil where nobody tells of pods
	labels  atomic.Pointer[event.Labels]

	runtime *cri.Source
	plugin  *nri.Plugin
	watch   *kubernetes.Watch

	stop, stopBuffer    context.CancelFunc
	sources, bufferDone sync.WaitGroup
}

func newPods(cfg PodConfig, node string, log *slog.Logger, emit func(*event.Event)) (*pods, error) {
	p := &pods{log: log, emit: emit, stop: func() {}, stopBuffer: func() {}}
	opts := workload.StoreOptions{Sources: cfg.sources(), Annotations: cfg.Annotations, Deleted: cfg.Deleted, Log: log}
	if opts.Sources {
		opts.OnChange = func() { p.buffer.Wake() }
	}
	p.store = workload.NewStore(opts)
	if opts.Sources {
		p.buffer = hold.New(hold.Options{Store: p.store, Retries: cfg.Retries, Delay: cfg.RetryDelay, Emit: emit})
		p.emit = p.buffer.Take
	}
	controller, err := kernel.CgroupController()
	if err == nil {
		p.cgroups, err = workload.OpenCgroups(controller)
	}
	if err != nil {
		log.Warn("cgroups of containers are known only once their processes are seen", "error", err)
	}
	return p, p.open(cfg, node)
}

// open prepares the sources.
func (p *pods) open(cfg PodConfig, node string) error {
	var err error
	if cfg.CRI {
		p.runtime, err = cri.Open(cri.Options{Endpoint: cfg.CRIEndpoint, Store: p.store, FindCgroup: p.findCgroup, Log: p.log})
		if err != nil {
			return err
		}
	}
	if cfg.NRI {
		p.plugin = nri.New(nri.Options{Socket: cfg.NRISocket, Store: p.store, FindCgroup: p.findCgroup, Log: p.log})
	}
	if !cfg.KubernetesAPI {
		return nil
	}
	config, err := kubernetes.Config(cfg.Kubeconfig)
	if err != nil {
		return err
	}
	p.watch, err = kubernetes.New(kubernetes.Options{Config: config, Node: node, Store: p.store, NodeLabels: p.setNodeLabels, Log: p.log})
	return err
}

// findCgroup returns the id and the path of a container's cgroup.
func (p *pods) findCgroup(cgroupsPath, containerID string) (uint64, string, error) {
	if p.cgroups == nil {
		return 0, "", workload.ErrNoCgroup
	}
	return p.cgroups.Find(cgroupsPath, containerID)
}

func (p *pods) setNodeLabels(labels map[string]string) {
	sorted := event.LabelsOf(labels)
	p.labels.Store(&sorted)
}

// nodeLabels returns the labels of this node, nil while they are not known.
func (p *pods) nodeLabels() event.Labels {
	if labels := p.labels.Load(); labels != nil {
		return *labels
	}
	return nil
}

// start has the sources tell until close.
func (p *pods) start() {
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	p.sources.Go(func() { p.store.Run(ctx) })
	if p.cgroups != nil {
		if err := p.cgroups.Note(p.store); err != nil {
			p.log.Warn("containers that run already are known only once their processes are seen", "error", err)
		}
	}
	if p.buffer != nil {
		flushing, cancel := context.WithCancel(context.Background())
		p.stopBuffer = cancel
		p.bufferDone.Go(func() { p.buffer.Run(flushing) })
	}
	if p.runtime != nil {
		p.sources.Go(func() {
			if err := p.runtime.Run(ctx); err != nil {
				p.log.Warn("container runtime", "error", err)
			}
		})
	}
	if p.plugin != nil {
		p.sources.Go(func() { p.plugin.Run(ctx) })
	}
	if p.watch != nil {
		p.sources.Go(func() { p.watch.Run(ctx) })
	}
}

// close stops the sources and sends the events that wait, after the last one has been taken.
func (p *pods) close() error {
	p.stop()
	p.sources.Wait()
	p.stopBuffer()
	p.bufferDone.Wait()
	if p.cgroups == nil {
		return nil
	}
	return p.cgroups.Close()
}
