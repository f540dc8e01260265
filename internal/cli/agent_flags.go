// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/agent"
	"github.com/vedette-io/vedette/internal/filter"
)

// configDirFlag is the flag that names one more directory of options.
const configDirFlag = "config-dir"

// The values of --log-format.
const (
	logFormatText = "text"
	logFormatJSON = "json"
)

// logLevels are the values of --log-level. slog has no names for the outer ones.
var logLevels = map[string]slog.Level{
	"trace": slog.LevelDebug - 4,
	"debug": slog.LevelDebug,
	"info":  slog.LevelInfo,
	"warn":  slog.LevelWarn,
	"error": slog.LevelError,
	"fatal": slog.LevelError + 4,
	"panic": slog.LevelError + 8,
}

// ancestorEvents are the values of --enable-ancestors.
var ancestorEvents = map[string][]tetragon.EventType{
	"base":       {tetragon.EventType_PROCESS_EXEC, tetragon.EventType_PROCESS_EXIT},
	"kprobe":     {tetragon.EventType_PROCESS_KPROBE},
	"tracepoint": {tetragon.EventType_PROCESS_TRACEPOINT},
	"uprobe":     {tetragon.EventType_PROCESS_UPROBE},
	"lsm":        {tetragon.EventType_PROCESS_LSM},
	"usdt":       {tetragon.EventType_PROCESS_USDT},
}

// agentFlags are the flags of the agent as they were given. Most are kept in the configuration that
// they make.
type agentFlags struct {
	cfg                             agent.Config
	debug                           bool
	logLevel, logFormat, logFile    string
	ancestors                       []string
	allowList, denyList, fieldMasks string
	redactions, exportsDir          string
}

func newAgentFlags() *agentFlags {
	return &agentFlags{cfg: agent.DefaultConfig(), logLevel: "info", logFormat: logFormatText}
}

func (f *agentFlags) define(flags *pflag.FlagSet) {
	flags.String(configDirFlag, "", "one more `directory` of options, one file for each, e.g. /etc/vedette/site.d")
	f.defineLog(flags)
	f.definePolicy(flags)
	f.defineServer(flags)
	f.defineExport(flags)
	f.defineEngine(flags)
	f.defineEvents(flags)
	f.definePods(flags)
	definePlanned(flags)
}

func (f *agentFlags) defineLog(flags *pflag.FlagSet) {
	flags.BoolVarP(&f.debug, "debug", "d", false, "the same as --log-level debug")
	flags.Var(newChoice(&f.logLevel, "trace", "debug", "info", "warn", "error", "fatal", "panic"), "log-level", "severity from which on to log, e.g. debug")
	flags.Var(newChoice(&f.logFormat, logFormatText, logFormatJSON), "log-format", "how to log: text or json")
	flags.StringVar(&f.logFile, "log-file", "", "`file` to log to instead of standard error, e.g. /var/log/vedette/agent.log")
}

func (f *agentFlags) definePolicy(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.cfg.Policies, "tracing-policy", nil, "policy `file` to load at the start; can be given several times")
	flags.StringVar(&f.cfg.PolicyDir, policyDirFlag, f.cfg.PolicyDir, "`directory` whose policies are loaded at the start")
}

// policyDirFlag may name a directory that does not exist only while it has its default.
const policyDirFlag = "tracing-policy-dir"

const (
	runDirFlag        = "run-dir"
	serverAddressFlag = "server-address"
)

func (f *agentFlags) defineServer(flags *pflag.FlagSet) {
	flags.StringVar(&f.cfg.RunDir, runDirFlag, f.cfg.RunDir, "`directory` of the pid file, the info file and the default socket; one agent for each")
	flags.StringVar(&f.cfg.ServerAddress, serverAddressFlag, f.cfg.ServerAddress,
		"`address` to serve clients at: unix:///path, host:port (beside the default socket), or \"\" for none")
	tls := &f.cfg.ServerTLS
	flags.StringVar(&tls.Cert, "server-tls-cert-file", "", "certificate of the server for TLS on host:port, a PEM `file`; read again when it changes")
	flags.StringVar(&tls.Key, "server-tls-key-file", "", "private key of the server, a PEM `file`")
	flags.StringSliceVar(&tls.ClientCAs, "server-tls-client-ca-files", nil, "certificates that vouch for clients, PEM `files`")
	flags.BoolVar(&tls.RequireClientCert, "server-tls-require-client-cert", false, "refuse clients without a certificate")
	flags.BoolVar(&f.cfg.DeprecatedPolicyCalls, "enable-deprecated-tracingpolicy-grpc", false, "serve the deprecated calls EnableTracingPolicy and DisableTracingPolicy")
	flags.StringVar(&f.cfg.HealthServerAddress, "health-server-address", f.cfg.HealthServerAddress,
		"`address` of the gRPC health service, e.g. :6789 (default: none)")
	flags.Var((*secondsValue)(&f.cfg.HealthServerInterval), "health-server-interval", "`seconds` between two looks at the agent's health")
}

func (f *agentFlags) defineExport(flags *pflag.FlagSet) {
	e := &f.cfg.Export
	flags.StringVar(&e.Filename, "export-filename", e.Filename, "`file` to write events to as JSON, e.g. /var/log/vedette/events.log")
	flags.IntVar(&e.MaxSizeMB, "export-file-max-size-mb", e.MaxSizeMB, "size in `MB` (1048576 bytes) at which the file is rotated")
	flags.DurationVar(&e.RotationInterval, "export-file-rotation-interval", e.RotationInterval, "time after which the file is rotated, e.g. 24h; 0 for by size only")
	flags.IntVar(&e.MaxBackups, "export-file-max-backups", e.MaxBackups, "how many rotated files are kept")
	flags.BoolVar(&e.Compress, "export-file-compress", e.Compress, "compress rotated files")
	flags.Var((*permValue)(&e.Perm), "export-file-perm", "permissions of the files, an `octal` number, e.g. 640")
	flags.IntVar(&e.RateLimit, "export-rate-limit", e.RateLimit, "how many events a minute are exported; -1 for all")
	flags.StringVar(&f.allowList, "export-allowlist", "", `export only events that a filter matches, JSON `+"`filters`"+` such as '{"event_set":["PROCESS_EXEC"]}'`)
	flags.StringVar(&f.denyList, "export-denylist", "", `do not export events that a filter matches, JSON `+"`filters`"+` such as '{"namespace":[""]}'`)
	flags.StringVar(&f.exportsDir, exportsDirFlag, defaultExportsDir, "`directory` whose YAML files describe more exports")
	flags.StringVar(&f.fieldMasks, "field-filters", "", `fields to export, JSON `+"`filters`"+` such as '{"fields":"parent","action":"EXCLUDE"}'`)
}

func (f *agentFlags) defineEngine(flags *pflag.FlagSet) {
	c := &f.cfg
	flags.IntVar(&c.ProcessCacheSize, "process-cache-size", c.ProcessCacheSize, "how many processes are remembered")
	flags.IntVar(&c.EventQueueSize, "event-queue-size", c.EventQueueSize, "how many events wait for a client that reads slowly")
	flags.Var((*sizeValue)(&c.RingBufferSize), "rb-size", "`bytes` of ring buffer for each CPU, e.g. 256K (default: --rb-size-total)")
	flags.Var((*sizeValue)(&c.RingBufferTotalSize), "rb-size-total", "`bytes` of ring buffer for all CPUs together, rounded up to a power of two (default 4M)")
	flags.IntVar(&c.RetprobesCacheSize, "retprobes-cache-size", c.RetprobesCacheSize, "how many calls can wait for their return at once")
	flags.IntVar(&c.ExecveMapEntries, "execve-map-entries", c.ExecveMapEntries, "how many processes the kernel's table holds (default 32768)")
	flags.StringSliceVar(&c.Attach, attachFlag, nil, attachUsage)
	flags.StringVar(&c.ProcFS, "procfs", c.ProcFS, "`directory` where the host's /proc is mounted")
	flags.StringVar(&c.BTF, "btf", c.BTF, "`file` with the type information of the kernel (default: the kernel's own)")
}

// exportsDirFlag names the directory of named exports, which may not exist only while it has its default.
const (
	exportsDirFlag    = "exports-dir"
	defaultExportsDir = "/etc/vedette/exports.d"
)

// redactionFlag holds redaction filters.
const redactionFlag = "redaction-filters"

func (f *agentFlags) defineEvents(flags *pflag.FlagSet) {
	c := &f.cfg
	flags.BoolVar(&c.EnableProcessCred, "enable-process-cred", c.EnableProcessCred, "tell the credentials and capabilities of processes")
	flags.BoolVar(&c.EnableProcessNS, "enable-process-ns", c.EnableProcessNS, "tell the namespaces of processes")
	flags.StringSliceVar(&f.ancestors, "enable-ancestors", nil, "tell the ancestors of processes, in these `events`: base,kprobe,tracepoint,uprobe,lsm,usdt")
	flags.StringVar(&f.redactions, redactionFlag, "", `what to take out of the arguments of processes everywhere, JSON `+"`filters`"+` such as '{"redact":["--password[ =](\\S+)"]}'`)
	flags.BoolVar(&c.ExposeStackAddresses, "expose-stack-addresses", c.ExposeStackAddresses, "tell the addresses in stack traces")
	flags.StringSliceVar(&c.ActionHosts, "action-hosts", nil, "`hosts` that the actions GetUrl and DnsLookup may ask: names, *.names, addresses or networks (default: none)")
	flags.StringVar(&c.ClusterName, "cluster-name", c.ClusterName, "`name` of the cluster in every event, e.g. production")
}

// The flags of places that runtimes listen at.
const (
	criEndpointFlag = "cri-endpoint"
	nriSocketFlag   = "nri-socket"
)

func (f *agentFlags) definePods(flags *pflag.FlagSet) {
	p := &f.cfg.Pods
	flags.BoolVar(&p.KubernetesAPI, "enable-k8s-api", p.KubernetesAPI, "ask the API server for the pods and labels of this node")
	flags.StringVar(&p.Kubeconfig, "k8s-kubeconfig-path", p.Kubeconfig, "kubeconfig `file` that says how to reach the API server (default: as a pod is told)")
	flags.BoolVar(&p.CRI, "enable-cri", p.CRI, "ask the container runtime for containers (CRI)")
	flags.StringVar(&p.CRIEndpoint, criEndpointFlag, p.CRIEndpoint, "`socket` of the container runtime, e.g. unix:///run/crio/crio.sock (default: the first that there is of containerd, CRI-O, cri-dockerd, k3s)")
	flags.BoolVar(&p.NRI, "enable-nri", p.NRI, "hear from the container runtime of containers before they start (NRI)")
	flags.StringVar(&p.NRISocket, nriSocketFlag, p.NRISocket, "`socket` where the container runtime listens for its plugins")
	flags.BoolVar(&p.Annotations, "enable-pod-annotations", p.Annotations, "tell the annotations of pods")
	flags.IntVar(&p.Deleted, "deleted-pod-cache-size", p.Deleted, "how many containers and pods that are gone are remembered")
	flags.IntVar(&p.Retries, "event-cache-retries", p.Retries, "how often to ask for a container that is not known, while its events wait")
	flags.Var((*secondsValue)(&p.RetryDelay), "event-cache-retry-delay", "`seconds` between asking twice for a container")
}

// config returns the configuration that the flags make.
func (f *agentFlags) config(flags *pflag.FlagSet) (agent.Config, error) {
	if err := checkPlanned(flags); err != nil {
		return agent.Config{}, err
	}
	cfg := f.cfg
	cfg.Version = Version()
	cfg.PolicyDirOptional = cfg.PolicyDir == agent.DefaultPolicyDir
	if flags.Changed(runDirFlag) && !flags.Changed(serverAddressFlag) {
		cfg.ServerAddress = "unix://" + cfg.SocketPath()
	}
	cfg.LogLevel.Set(logLevels[f.logLevel])
	if f.debug {
		cfg.LogLevel.Set(min(slog.LevelDebug, cfg.LogLevel.Level()))
	}
	var err error
	if cfg.AncestorEvents, err = parseAncestors(f.ancestors); err != nil {
		return agent.Config{}, err
	}
	if cfg.Export.AllowList, err = filter.ParseList(f.allowList); err != nil {
		return agent.Config{}, fmt.Errorf("--export-allowlist: %w", err)
	}
	if cfg.Export.DenyList, err = filter.ParseList(f.denyList); err != nil {
		return agent.Config{}, fmt.Errorf("--export-denylist: %w", err)
	}
	if cfg.Export.FieldFilters, err = filter.ParseFieldFilters(f.fieldMasks); err != nil {
		return agent.Config{}, fmt.Errorf("--field-filters: %w", err)
	}
	if cfg.RedactionFilters, err = filter.ParseRedactions(f.redactions); err != nil {
		return agent.Config{}, fmt.Errorf("--%s: %w", redactionFlag, err)
	}
	if cfg.Exports, err = readExports(f.exportsDir); err != nil {
		return agent.Config{}, fmt.Errorf("--%s: %w", exportsDirFlag, err)
	}
	return cfg, checkConfig(cfg)
}

func parseAncestors(words []string) ([]tetragon.EventType, error) {
	var types []tetragon.EventType
	for _, word := range words {
		events, ok := ancestorEvents[word]
		if !ok {
			return nil, fmt.Errorf("--enable-ancestors: unknown word %q; there are base, kprobe, tracepoint, uprobe, lsm and usdt", word)
		}
		for _, event := range events {
			if !slices.Contains(types, event) {
				types = append(types, event)
			}
		}
	}
	return types, nil
}

// checkConfig reports values that make no sense.
func checkConfig(cfg agent.Config) error {
	var errs []error
	positive := func(flag string, value int) {
		if value <= 0 {
			errs = append(errs, fmt.Errorf("--%s must be greater than 0, not %d", flag, value))
		}
	}
	positive("process-cache-size", cfg.ProcessCacheSize)
	positive("event-queue-size", cfg.EventQueueSize)
	positive("retprobes-cache-size", cfg.RetprobesCacheSize)
	positive("export-file-max-size-mb", cfg.Export.MaxSizeMB)
	positive("deleted-pod-cache-size", cfg.Pods.Deleted)
	notNegative := func(flag string, value int64) {
		if value < 0 {
			errs = append(errs, fmt.Errorf("--%s must not be negative", flag))
		}
	}
	notNegative("export-file-max-backups", int64(cfg.Export.MaxBackups))
	notNegative("execve-map-entries", int64(cfg.ExecveMapEntries))
	notNegative("event-cache-retries", int64(cfg.Pods.Retries))
	notNegative("export-file-rotation-interval", int64(cfg.Export.RotationInterval))
	if _, err := filter.CompileRedactions(cfg.RedactionFilters); err != nil {
		errs = append(errs, fmt.Errorf("--%s: %w", redactionFlag, err))
	}
	for _, spec := range cfg.Exports {
		if spec.WritesTo(cfg.Export.Filename) {
			errs = append(errs, fmt.Errorf("export %q: writes to the file of --export-filename", spec.Name))
		}
	}
	if !filepath.IsAbs(cfg.RunDir) {
		errs = append(errs, fmt.Errorf("--%s must be an absolute path, not %q", runDirFlag, cfg.RunDir))
	}
	if cfg.PolicyDir != "" && !filepath.IsAbs(cfg.PolicyDir) {
		errs = append(errs, fmt.Errorf("--%s must be an absolute path, not %q", policyDirFlag, cfg.PolicyDir))
	}
	if endpoint := cfg.Pods.CRIEndpoint; endpoint != "" && !filepath.IsAbs(strings.TrimPrefix(endpoint, "unix://")) {
		errs = append(errs, fmt.Errorf("--%s must be unix:///path, not %q", criEndpointFlag, endpoint))
	}
	if !filepath.IsAbs(cfg.Pods.NRISocket) {
		errs = append(errs, fmt.Errorf("--%s must be an absolute path, not %q", nriSocketFlag, cfg.Pods.NRISocket))
	}
	if cfg.ServerAddress != "" {
		if _, err := parseAddress(cfg.ServerAddress); err != nil {
			errs = append(errs, fmt.Errorf("--server-address: %w", err))
		}
	}
	if _, err := cfg.ServerTLS.Config(slog.New(slog.DiscardHandler)); err != nil {
		errs = append(errs, err)
	}
	if cfg.HealthServerAddress != "" {
		if _, _, err := net.SplitHostPort(cfg.HealthServerAddress); err != nil {
			errs = append(errs, fmt.Errorf("--health-server-address: %q is not host:port", cfg.HealthServerAddress))
		}
	}
	return errors.Join(errs...)
}

// openToNetwork reports whether an address can be reached from other machines.
func openToNetwork(address string) bool {
	target, err := parseAddress(address)
	if err != nil || target.network != "tcp" {
		return false
	}
	host, _, err := net.SplitHostPort(target.host)
	if err != nil || strings.EqualFold(host, "localhost") {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err != nil || !ip.IsLoopback()
}

// The flag that says how hooks are to be attached, of the agent and of run.
const (
	attachFlag  = "attach"
	attachUsage = "`attachments` to use, in this order, for hooks that could use one of them, e.g. kprobe or fmod_ret,fentry"
)
