// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf/btf"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/filter"
	"github.com/vedette-io/vedette/internal/hook"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/observe"
	"github.com/vedette-io/vedette/internal/process"
	"github.com/vedette-io/vedette/internal/request"
	"github.com/vedette-io/vedette/internal/stacktrace"
	"github.com/vedette-io/vedette/internal/workload"
)

// core is what the agent and the watching of a single command have in
// common: the kernel side, the way of events up to emit, and the policies.
type core struct {
	log      *slog.Logger
	clock    *process.Clock
	base     *hook.Base
	engine   *hook.Engine
	tracefs  *kernel.Tracefs
	observer *observe.Observer
	policies *policySet
	rings    *rings
	// symbols and requests do what must not hold events up.
	symbols  *stacktrace.Symbolizer
	requests *request.Requester
	// pods tells of the pods that processes belong to.
	pods *pods
	// loader tells of the files that are mapped to be executed.
	loader *loader

	stop   context.CancelFunc
	done   sync.WaitGroup
	swept  uint64       // when, in nanoseconds since boot
	ticked atomic.Int64 // when, in nanoseconds since the Unix epoch
	blind  atomic.Bool  // the rings cannot be read any more
}

// maxSilence is how long the core may go without its work of every second
// before it counts as dead.
const maxSilence = 10 * time.Second

// alive reports whether the core does its work.
func (c *core) alive() bool {
	return !c.blind.Load() && time.Since(time.Unix(0, c.ticked.Load())) < maxSilence
}

// newCore starts to watch processes. emit is called with every event, one at
// a time.
func newCore(cfg Config, log *slog.Logger, emit func(*event.Event)) (*core, error) {
	if err := kernel.Require(); err != nil {
		return nil, err
	}
	c := &core{log: log, clock: &process.Clock{}, stop: func() {}}
	if err := c.clock.Sync(); err != nil {
		return nil, err
	}
	if err := c.load(cfg); err != nil {
		return nil, errors.Join(err, c.close())
	}
	if err := c.observe(cfg, emit); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// load loads the kernel side.
func (c *core) load(cfg Config) error {
	controller, err := kernel.CgroupController()
	if err != nil {
		c.log.Warn("containers will not be told", "error", err)
	}
	opts := hook.Options{
		BulkRing: bulkRing(cfg), Processes: uint32(cfg.ExecveMapEntries), CgroupController: controller,
	}
	if cfg.BTF != "" {
		if opts.KernelTypes, err = btf.LoadSpec(cfg.BTF); err != nil {
			return fmt.Errorf("type information of the kernel: %s: %w", cfg.BTF, err)
		}
	}
	if c.base, err = hook.NewBase(opts); err != nil {
		return err
	}
	entered, err := kernel.InHostCgroups(cfg.ProcFS, c.base.NoteContainers)
	if entered != nil {
		c.log.Debug("cgroups are seen as this process's namespace shows them", "error", entered)
	}
	if err != nil {
		c.log.Warn("containers that run already count as processes of the host for filters on workloads", "error", err)
	}
	c.tracefs, err = kernel.OpenTracefs()
	if err != nil {
		c.log.Warn("policies with tracepoints cannot be loaded", "error", err)
	}
	attach, err := hook.ParseAttachments(cfg.Attach)
	if err != nil {
		return fmt.Errorf("attachments: %w", err)
	}
	c.engine, err = hook.NewEngine(c.base, hook.EngineOptions{Tracefs: c.tracefs, Attach: attach, Log: c.log})
	return err
}

// bulkRing is the size of the ring of process events that the configuration
// asks for, 0 for the default: a power of two of at least a page.
func bulkRing(cfg Config) uint32 {
	want := cfg.RingBufferTotalSize
	if want == 0 {
		want = cfg.RingBufferSize * uint64(runtime.NumCPU())
	}
	if want == 0 {
		return 0
	}
	size := uint64(64 << 10)
	for size < want && size < 1<<30 {
		size <<= 1
	}
	return uint32(size)
}

// observe makes the events wing and tells it of the processes that run.
func (c *core) observe(cfg Config, emit func(*event.Event)) error {
	node, err := workload.NodeName()
	if err != nil {
		return err
	}
	host, err := workload.HostNamespaces(cfg.ProcFS)
	if err != nil {
		c.log.Warn("namespaces of the host are not all known", "error", err)
	}
	if c.pods, err = newPods(cfg.Pods, node, c.log, emit); err != nil {
		return err
	}
	redactions, err := filter.CompileRedactions(cfg.RedactionFilters)
	if err != nil {
		return err
	}
	tree := process.NewTree(process.Options{
		Node: node, Clock: c.clock, Resolver: c.pods.store, Capacity: cfg.ProcessCacheSize,
		Credentials: cfg.EnableProcessCred, Namespaces: cfg.EnableProcessNS, HostNamespaces: host,
		CommandLine: process.CommandLines(cfg.ProcFS), Redact: redactions.Apply,
	})
	c.observer = observe.New(observe.Options{
		Tree: tree, Clock: c.clock, NodeName: node, ClusterName: cfg.ClusterName,
		Ancestors: cfg.AncestorEvents, Returns: cfg.RetprobesCacheSize, Emit: c.pods.emit,
		NodeLabels: c.pods.nodeLabels,
		Symbolize:  func(e *event.Event, s observe.Stacks) bool { return c.symbols.Take(e, s) },
		BuildID:    func(e *event.Event, m observe.Mapping) bool { return c.loader.buildIDs.Take(e, m) },
		Request:    func(r observe.Request) { c.requests.Take(request.Kind(r.Kind), r.Target) },
	})
	c.engine.SetLineage(c.observer.Binaries)
	c.symbols = stacktrace.New(stacktrace.Options{
		ProcFS: cfg.ProcFS, ExposeAddresses: cfg.ExposeStackAddresses, Emit: c.observer.Resume, Log: c.log,
	})
	if c.requests, err = request.New(request.Options{Hosts: cfg.ActionHosts, Log: c.log}); err != nil {
		return err
	}
	c.loader = newLoader(c.observer, cfg.ProcFS, c.log)
	c.policies = newPolicySet(c.engine, c.observer, c.tracefs, host, c.log)
	c.policies.loader = c.loader
	c.policies.checkHost, c.policies.prepareStacks = c.requests.Check, c.symbols.Prepare
	if err := c.base.Tasks(c.observer.Handle); err != nil {
		return err
	}
	return c.tick()
}

// start reads the rings until close.
func (c *core) start() error {
	r, err := newRings(c.base.Bulk(), c.base.Evidence(), c.handle)
	if err != nil {
		return err
	}
	c.rings = r
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	c.done.Go(func() {
		if err := r.run(ctx); err != nil {
			c.blind.Store(true)
			c.log.Error("reading the rings failed: there are no more events", "error", err)
		}
	})
	c.done.Go(func() { c.keepTime(ctx) })
	c.pods.start()
	return nil
}

// handle takes one record of the kernel.
func (c *core) handle(raw []byte) {
	if pid, ok := endedFollower(raw); ok {
		if err := c.engine.ForgetProcess(pid); err != nil {
			c.log.Warn("followed descriptors of an ended process stay", "pid", pid, "error", err)
		}
	}
	c.loader.before(timeOf(raw))
	c.observer.Handle(raw)
}

// keepTime does once a second what must not wait for a record.
func (c *core) keepTime(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := c.tick(); err != nil {
				c.log.Warn("time and counters", "error", err)
			}
		}
	}
}

func (c *core) tick() error {
	now, err := process.SinceBoot()
	if err != nil {
		return err
	}
	if err := c.clock.Sync(); err != nil {
		return err
	}
	counters, err := c.engine.KernelCounters()
	if err != nil {
		return err
	}
	var counts [bpf.ContractVdCounterVD_COUNTERS]uint64
	for i, n := range counters {
		counts[i] = n.Count
	}
	c.observer.KernelCounters(counts)
	c.observer.Tick(now)
	c.ticked.Store(time.Now().UnixNano())
	if now < c.swept+uint64(time.Minute) {
		return nil
	}
	c.swept = now
	return c.engine.SweepCalls(now)
}

// settled gives memory back that only loading needed.
func (c *core) settled() {
	debug.FreeOSMemory()
}

// close stops everything, in the order against which it was started.
func (c *core) close() error {
	var errs []error
	c.stop()
	c.done.Wait()
	if c.engine != nil {
		errs = append(errs, c.engine.Close())
	}
	if c.base != nil {
		errs = append(errs, c.base.Detach())
	}
	if c.rings != nil {
		// Nothing is written any more: what is there is the rest.
		_, err := c.rings.drain(context.Background())
		if c.loader != nil {
			err = errors.Join(err, c.loader.stop())
		}
		errs = append(errs, err, c.rings.close())
		c.observer.End()
	}
	if c.pods != nil {
		errs = append(errs, c.pods.close())
	}
	if c.loader != nil {
		errs = append(errs, c.loader.close())
	}
	if c.symbols != nil {
		c.symbols.Close()
	}
	if c.requests != nil {
		c.requests.Close()
	}
	if c.base != nil {
		errs = append(errs, c.base.Close())
	}
	if c.tracefs != nil {
		errs = append(errs, c.tracefs.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}
