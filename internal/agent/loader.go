// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/mapping"
	"github.com/vedette-io/vedette/internal/observe"
	"github.com/vedette-io/vedette/internal/process"
)

const (
	// settleEvery is how often mappings are read while no record of a process
	// comes, and refreshEvery how often the CPUs that run are looked up.
	settleEvery  = 50 * time.Millisecond
	refreshEvery = time.Second
)

// loader reads which files are mapped to be executed, while a policy wants to
// know. Mappings and the records of processes come in different rings: before
// a record is handled, all mappings made before it are read.
type loader struct {
	observer *observe.Observer
	log      *slog.Logger
	buildIDs *mapping.BuildIDs
	// read is until when mappings have been read, in nanoseconds since boot;
	// never while there is nothing to read.
	read atomic.Uint64

	mu     sync.Mutex
	source *mapping.Source // nil while no policy wants to know
	memory uint64
	users  uint64 // policies
	cancel context.CancelFunc
	done   sync.WaitGroup
	batch  []observe.Mapping
}

// never is later than the time of any record.
const never = ^uint64(0)

func newLoader(o *observe.Observer, procfs string, log *slog.Logger) *loader {
	l := &loader{observer: o, log: log, buildIDs: mapping.NewBuildIDs(procfs, o.Resume)}
	l.read.Store(never)
	return l
}

// prepare begins to read if a policy of the next plan wants to know.
func (l *loader) prepare(loaders []compile.Loader) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(loaders) == 0 || l.source != nil {
		return nil
	}
	source, err := mapping.Open()
	if err != nil {
		return fmt.Errorf("loader: %w", explainPerf(err))
	}
	l.source, l.memory = source, source.MemoryBytes()
	l.read.Store(0)
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	l.done.Go(func() { l.run(ctx) })
	return nil
}

// explainPerf says of an error whether the kernel lacks what is asked for.
func explainPerf(err error) error {
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINVAL) {
		return &kernel.MissingError{Feature: "perf events of mapped files", Option: "CONFIG_PERF_EVENTS", Cause: err}
	}
	return err
}

// apply puts the loaders of a plan into force; keys are those of its policies.
// Without any it ends the reading.
func (l *loader) apply(loaders []compile.Loader, keys []string) error {
	plans := make([]observe.LoaderPlan, len(loaders))
	for i, p := range loaders {
		plans[i] = observe.LoaderPlan{Key: keys[p.Policy], HostOnly: p.HostOnly}
	}
	var err error
	if len(plans) == 0 {
		err = l.stop()
	}
	l.observer.SetLoader(plans)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users = uint64(len(plans))
	return err
}

// revert ends the reading that was prepared for a plan that is not in force.
func (l *loader) revert() error {
	l.mu.Lock()
	used := l.users != 0
	l.mu.Unlock()
	if used {
		return nil
	}
	return l.stop()
}

// before reads the mappings made before a record, whose time it is given.
func (l *loader) before(time uint64) {
	if time < l.read.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.drain(); err != nil {
		l.log.Warn("mapped files", "error", err)
	}
}

// drain hands over what there is. The caller has the lock.
func (l *loader) drain() error {
	if l.source == nil {
		return nil
	}
	now, err := process.SinceBoot()
	if err != nil {
		return err
	}
	lost := l.source.Drain(func(m observe.Mapping) { l.batch = append(l.batch, m) })
	if len(l.batch) != 0 || lost != 0 {
		l.observer.HandleMappings(l.batch, lost)
	}
	clear(l.batch)
	l.batch = l.batch[:0]
	l.read.Store(now)
	return nil
}

// run reads while no records come.
func (l *loader) run(ctx context.Context) {
	settle, refresh := time.NewTicker(settleEvery), time.NewTicker(refreshEvery)
	defer settle.Stop()
	defer refresh.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-settle.C:
			err = l.settle()
		case <-refresh.C:
			err = l.refresh()
		}
		if err != nil {
			l.log.Warn("mapped files", "error", err)
		}
	}
}

func (l *loader) settle() error {
	l.mu.Lock()
	err := l.drain()
	l.mu.Unlock()
	now, timeErr := process.SinceBoot()
	if timeErr == nil {
		l.observer.SettleMappings(now)
	}
	return errors.Join(err, timeErr)
}

func (l *loader) refresh() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.source == nil {
		return nil
	}
	err := l.source.Refresh()
	l.memory = l.source.MemoryBytes()
	return err
}

// stop hands over the rest and ends the reading.
func (l *loader) stop() error {
	l.mu.Lock()
	source, cancel := l.source, l.cancel
	err := l.drain()
	l.source, l.cancel, l.memory = nil, nil, 0
	l.read.Store(never)
	l.mu.Unlock()
	if source == nil {
		return err
	}
	cancel()
	l.done.Wait()
	l.observer.SettleMappings(never)
	return errors.Join(err, source.Close())
}

// memoryShare is how much of the kernel's memory is told of each policy.
func (l *loader) memoryShare() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users == 0 {
		return 0
	}
	return l.memory / l.users
}

// close ends everything.
func (l *loader) close() error {
	err := l.stop()
	l.buildIDs.Close()
	return err
}
