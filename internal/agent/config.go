// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/export"
	"github.com/vedette-io/vedette/internal/nri"
	"github.com/vedette-io/vedette/internal/server"
	"github.com/vedette-io/vedette/internal/workload"
)

// The places that the agent uses unless told otherwise.
const (
	// DefaultRunDir holds the socket, the pid file and the info file.
	DefaultRunDir = "/var/run/vedette"
	// DefaultPolicyDir is read for policies at the start where it exists.
	DefaultPolicyDir = "/etc/vedette/vedette.tp.d"
	// SocketName is the name of the unix socket in the run directory.
	SocketName = "vedette.sock"
)

// DefaultServerAddress is where the agent listens and clients look for it when nothing else is said.
const DefaultServerAddress = "unix://" + DefaultRunDir + "/" + SocketName

// Config is everything that can be configured of an agent. [DefaultConfig] returns the defaults; the
// zero value is not one of them.
type Config struct {
	// Version is what GetVersion answers.
	Version string

	// RunDir is the directory of the socket, the pid file and the info file.
	RunDir string
	// ServerAddress is where gRPC is served: unix:///path, host:port, or "" for nowhere. With
	// host:port the unix socket in RunDir is served too.
	ServerAddress string
	// ServerTLS secures ServerAddress where it is host:port.
	ServerTLS server.TLSFiles
	// DeprecatedPolicyCalls serves EnableTracingPolicy and DisableTracingPolicy.
	DeprecatedPolicyCalls bool
	// HealthServerAddress is host:port of the gRPC health service, "" for none.
	HealthServerAddress string
	// HealthServerInterval is how often the health service checks the agent.
	HealthServerInterval time.Duration

	// Policies are files that hold tracing policies, loaded at the start.
	Policies []string
	// PolicyDir is an absolute directory whose files, and those of its direct sub-directories, are
	// loaded at the start; "" for none.
	PolicyDir string
	// PolicyDirOptional says that it is no error when PolicyDir does not exist.
	PolicyDirOptional bool

	// Export says where events are written to.
	Export ExportConfig
	// Exports are the named exports, beside Export.
	Exports []export.Spec

	// ProcessCacheSize is how many processes the cache holds.
	ProcessCacheSize int
	// EventQueueSize is how many events each subscriber's queue holds.
	EventQueueSize int
	// RingBufferSize is the size in bytes per CPU of the ring for processes and matches, 0 for unset.
	RingBufferSize uint64
	// RingBufferTotalSize is the size of that ring in bytes, rounded up to a power of two. It takes
	// precedence over RingBufferSize; with both 0 the ring has 4 MiB.
	RingBufferTotalSize uint64
	// RetprobesCacheSize is how many calls can be between their entry and their return.
	RetprobesCacheSize int
	// ExecveMapEntries is how many processes the kernel's process map holds, 0 for the default (32768).
	ExecveMapEntries int

	// EnableProcessCred adds credentials and capabilities to processes.
	EnableProcessCred bool
	// EnableProcessNS adds namespaces to processes.
	EnableProcessNS bool
	// AncestorEvents are the kinds of events that carry the ancestors of their process. Empty means
	// none; PROCESS_EXEC and PROCESS_EXIT are always there together.
	AncestorEvents []tetragon.EventType

	// RedactionFilters say what is taken out of the arguments of processes, before anybody sees them.
	RedactionFilters []*tetragon.RedactionFilter
	// ExposeStackAddresses shows the addresses of the frames of stack traces.
	ExposeStackAddresses bool
	// ActionHosts are whom the actions GetUrl and DnsLookup may ask: names of hosts, "*." before one
	// for those below it, addresses and networks (10.0.0.0/8). Nobody where it is empty.
	ActionHosts []string

	// Pods says who tells of containers and their pods.
	Pods PodConfig

	// ClusterName is the cluster_name of every event, "" for none.
	ClusterName string
	// ProcFS is where the host's /proc is mounted.
	ProcFS string
	// BTF is the file with the kernel's BTF, "" for the kernel's own.
	BTF string
	// Attach are the names of attachments to use, in this order, for hooks that could use one of
	// them; empty for the best of each hook.
	Attach []string
	// LogLevel is the level of the logger given to Run, so that it can be changed while the agent runs.
	LogLevel *slog.LevelVar
}

// PodConfig says who tells of containers and their pods, and how long events wait for that.
type PodConfig struct {
	// KubernetesAPI asks the API server for the pods and the labels of this node, as the file Kubeconfig says,
	// or where that is empty as a pod is told.
	KubernetesAPI bool
	Kubeconfig    string
	// CRI asks the container runtime at CRIEndpoint, unix:///path, or where that is empty at the first of the
	// runtimes' own sockets.
	CRI         bool
	CRIEndpoint string
	// NRI is a plugin of the container runtime at the socket NRISocket.
	NRI       bool
	NRISocket string
	// Annotations adds the annotations of pods to events.
	Annotations bool
	// Deleted is how many containers and pods that are gone are remembered.
	Deleted int
	// Retries is how often a container that is not known is asked for again, and RetryDelay the time between:
	// so long its events wait.
	Retries    int
	RetryDelay time.Duration
}

// sources reports whether anybody tells of pods.
func (c PodConfig) sources() bool { return c.KubernetesAPI || c.CRI || c.NRI }

// ExportConfig says where events are written to, and which.
type ExportConfig struct {
	// Filename is the file, "" for no export.
	Filename string
	// MaxSizeMB is the size in megabytes of 2^20 bytes at which the file is rotated.
	MaxSizeMB int
	// RotationInterval is the time after which the file is rotated, 0 for by size only.
	RotationInterval time.Duration
	// MaxBackups is how many rotated files are kept.
	MaxBackups int
	// Compress compresses rotated files.
	Compress bool
	// Perm is the mode of the files.
	Perm fs.FileMode
	// RateLimit is how many events a minute are exported, negative for all.
	RateLimit int
	// AllowList and DenyList choose the events: those that match any filter of AllowList, or all
	// where it is empty, except those that match any of DenyList.
	AllowList, DenyList []*tetragon.Filter
	// FieldFilters choose the fields.
	FieldFilters []*tetragon.FieldFilter
}

// DefaultConfig returns the configuration of an agent that was told nothing.
func DefaultConfig() Config {
	return Config{
		RunDir:               DefaultRunDir,
		ServerAddress:        DefaultServerAddress,
		HealthServerInterval: 10 * time.Second,
		PolicyDir:            DefaultPolicyDir,
		PolicyDirOptional:    true,
		Export: ExportConfig{
			MaxSizeMB:  10,
			MaxBackups: 5,
			Perm:       0o600,
			RateLimit:  -1,
		},
		ProcessCacheSize:   65536,
		EventQueueSize:     10000,
		RetprobesCacheSize: 4096,
		ProcFS:             "/proc/",
		Pods: PodConfig{
			NRISocket: nri.DefaultSocket, Deleted: workload.DefaultDeleted, Retries: 15, RetryDelay: 2 * time.Second,
		},
		LogLevel: new(slog.LevelVar),
	}
}

// SocketPath returns the path of the unix socket that is always served where anything is.
func (c Config) SocketPath() string { return filepath.Join(c.RunDir, SocketName) }
