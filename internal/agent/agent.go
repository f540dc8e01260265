// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/export"
	"github.com/vedette-io/vedette/internal/filter"
	"github.com/vedette-io/vedette/internal/instance"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/server"
	"github.com/vedette-io/vedette/internal/stream"
	"github.com/vedette-io/vedette/internal/workload"
)

// exportPrefix begins the keys of exports in the answer to GetInfo.
const exportPrefix = "export/"

// exportFlush is how long exports may take at the end.
const exportFlush = 5 * time.Second

// agent is a running agent.
type agent struct {
	cfg     Config
	log     *slog.Logger
	core    *core
	hub     *stream.Hub
	exports *export.FanOut
	writer  *export.Writer // of the default export, nil where there is none
}

// Run runs the agent until ctx ends. Policies that cannot be loaded are
// logged and left out; whatever else keeps the agent from its work is an
// error.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	// First: without the right to load programs, files cannot be made either,
	// and it is the rights that the user must hear of.
	if err := kernel.Require(); err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.RunDir, 0o755); err != nil {
		return fmt.Errorf("run directory: %w", err)
	}
	lock, err := instance.Acquire(filepath.Join(cfg.RunDir, filepath.Base(instance.DefaultPIDFile)))
	if err != nil {
		return err
	}
	a := &agent{cfg: cfg, log: log}
	err = a.run(ctx)
	return errors.Join(err, lock.Release())
}

func (a *agent) run(ctx context.Context) (err error) {
	node, err := workload.NodeName()
	if err != nil {
		return err
	}
	if err := a.openExports(node); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.closeExports()) }()
	a.hub = stream.NewHub(stream.Config{NodeName: node, ClusterName: a.cfg.ClusterName, Queue: a.cfg.EventQueueSize})
	defer a.hub.Close()
	a.core, err = newCore(a.cfg, a.log, a.emit)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.core.close()) }()
	if err := a.core.start(); err != nil {
		return err
	}
	if err := a.loadPolicies(); err != nil {
		return err
	}
	a.core.settled()
	return a.serve(ctx)
}

// emit hands an event to everyone who wants it.
func (a *agent) emit(e *event.Event) {
	a.exports.Export(e)
	a.hub.Publish(e)
}

func (a *agent) filterOptions() filter.Options {
	return filter.Options{
		ProcessCred: a.cfg.EnableProcessCred, PIDSet: true,
		Ancestors: func(kind event.Kind) bool { return slices.Contains(a.cfg.AncestorEvents, kind) },
	}
}

// openExports opens the export that the flags describe, and the named ones.
func (a *agent) openExports(node string) error {
	source := export.Source{NodeName: node, ClusterName: a.cfg.ClusterName}
	var exporters []*export.Exporter
	if a.cfg.Export.Filename != "" {
		exporter, err := a.openDefault(source)
		if err != nil {
			return err
		}
		exporters = append(exporters, exporter)
	}
	for _, spec := range a.cfg.Exports {
		exporter, err := export.OpenSpec(spec, source, a.filterOptions(), a.log)
		if err != nil {
			a.exports = export.NewFanOut(exporters...)
			return errors.Join(err, a.closeExports())
		}
		exporters = append(exporters, exporter)
	}
	a.exports = export.NewFanOut(exporters...)
	return nil
}

func (a *agent) openDefault(source export.Source) (*export.Exporter, error) {
	x := a.cfg.Export
	set, err := filter.Compile(x.AllowList, x.DenyList, a.filterOptions())
	if err != nil {
		return nil, fmt.Errorf("export filters: %w", err)
	}
	fields, err := filter.CompileFieldFilters(x.FieldFilters)
	if err != nil {
		return nil, fmt.Errorf("export field filters: %w", err)
	}
	a.writer, err = export.Open(export.Config{
		Filename: x.Filename, Perm: x.Perm, Compress: x.Compress, Gap: source.Gap, Log: a.log,
		Params: export.Params{
			MaxSize: int64(x.MaxSizeMB) * export.BytesPerMB, RotationInterval: x.RotationInterval, MaxBackups: x.MaxBackups,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return export.NewExporter(a.writer, export.ExporterConfig{
		Name: export.DefaultName, Source: source, Filter: set, Fields: fields, RateLimit: x.RateLimit,
	}), nil
}

func (a *agent) closeExports() error {
	ctx, cancel := context.WithTimeout(context.Background(), exportFlush)
	defer cancel()
	var err error
	for _, failed := range a.exports.Close(ctx) {
		if failed.Name == export.DefaultName {
			err = failed
			continue
		}
		// A receiver that is away when the agent ends is no failure of the agent.
		a.log.Error("export ends with events that were not written", "export", failed.Name, "error", failed.Err)
	}
	return err
}

// describe completes the answer to GetInfo with what the exports have done.
func (a *agent) describe(info *tetragon.GetInfoResponse) {
	for _, stats := range a.exports.Stats() {
		value, err := anypb.New(wrapperspb.String(stats.String()))
		if err != nil {
			a.log.Warn("information about exports", "error", err)
			return
		}
		info.Conf = append(info.Conf, &tetragon.GetInfoResponse_ConfVal{Key: exportPrefix + stats.Name, Value: value})
	}
}

// loadPolicies loads the policies of the configuration. A broken one is
// reported, and the others load.
func (a *agent) loadPolicies() error {
	files := slices.Clone(a.cfg.Policies)
	if a.cfg.PolicyDir != "" {
		found, err := policyFiles(a.cfg.PolicyDir)
		if err != nil && !(a.cfg.PolicyDirOptional && errors.Is(err, fs.ErrNotExist)) {
			return fmt.Errorf("policy directory (--tracing-policy-dir): %w", err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		if err := a.core.policies.AddFile(file); err != nil {
			a.log.Error("policy not loaded", "file", file, "error", err)
			continue
		}
		a.log.Info("policy loaded", "file", file)
	}
	return nil
}

// policyFiles lists the files of a directory and of its direct
// sub-directories, in the order of their names.
func policyFiles(dir string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel != "." && filepath.Dir(rel) != "." {
				return fs.SkipDir
			}
			return nil
		}
		out = append(out, path)
		return nil
	})
	return out, err
}

// serve serves clients until ctx ends.
func (a *agent) serve(ctx context.Context) error {
	cfg := server.Config{
		Address: a.cfg.ServerAddress, Socket: a.cfg.SocketPath(), Hub: a.hub, Policies: a.core.policies,
		Filter: a.filterOptions(), Version: a.cfg.Version, LogLevel: a.cfg.LogLevel, Log: a.log,
		RuntimeHook: a.core.pods.runtimeHook,
		Info:        a.describe,
		TLS:         a.cfg.ServerTLS, DeprecatedPolicyCalls: a.cfg.DeprecatedPolicyCalls, Processes: a.processes,
	}
	if a.writer != nil {
		cfg.EventLog = a.writer
	}
	srv, err := server.New(ctx, cfg)
	if err != nil {
		return err
	}
	info := filepath.Join(a.cfg.RunDir, filepath.Base(instance.DefaultInfoFile))
	if err := (instance.Info{PID: os.Getpid(), ServerAddress: listening(srv)}).Write(info); err != nil {
		return errors.Join(err, srv.Close())
	}
	a.log.Info("watching", "addresses", srv.Addresses())
	err = a.serveAll(ctx, srv)
	return errors.Join(err, srv.Close(), instance.RemoveInfo(info))
}

// listening is the address that clients on this machine are to use.
func listening(srv *server.Server) string {
	if all := srv.Addresses(); len(all) != 0 {
		return all[0]
	}
	return ""
}

// serveAll serves clients, and the health service where it is configured.
func (a *agent) serveAll(ctx context.Context, srv *server.Server) error {
	group, ctx := errgroup.WithContext(ctx)
	if a.cfg.HealthServerAddress != "" {
		health, err := server.NewHealth(ctx, a.cfg.HealthServerAddress, a.cfg.HealthServerInterval, a.core.alive)
		if err != nil {
			return err
		}
		a.log.Info("health service", "address", health.Address())
		group.Go(func() error { return health.Serve(ctx) })
	}
	group.Go(func() error { return srv.Serve(ctx) })
	return group.Wait()
}
