// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/kernel"
)

// Options size what the kernel side holds. The zero value of a field means
// its default.
type Options struct {
	// BulkRing and EvidenceRing are the sizes of the two rings in bytes,
	// powers of two and multiples of the page size. 4 MiB and 1 MiB.
	BulkRing, EvidenceRing uint32
	// Processes is how many processes the kernel side can know. 32768.
	Processes uint32
	// CgroupController is the index of the cgroup v1 controller whose
	// hierarchy names containers, or -1 for cgroup v2.
	CgroupController int32
	// KernelTypes are the types of the running kernel, nil for those that it
	// tells itself (/sys/kernel/btf/vmlinux).
	KernelTypes *btf.Spec
}

const (
	defaultBulkRing     = 4 << 20
	defaultEvidenceRing = 1 << 20
	defaultProcesses    = 32768
)

func (o *Options) setDefaults() {
	if o.BulkRing == 0 {
		o.BulkRing = defaultBulkRing
	}
	if o.EvidenceRing == 0 {
		o.EvidenceRing = defaultEvidenceRing
	}
	if o.Processes == 0 {
		o.Processes = defaultProcesses
	}
}

// Base is what every hook stands on: the process programs, the maps that all
// programs share, and the two rings. It watches processes from the moment it
// is made until it is closed.
type Base struct {
	shared  map[string]*ebpf.Map
	process *ebpf.Collection
	links   []link.Link
	// programs are the options with which all programs are loaded.
	programs ebpf.ProgramOptions
	// iterate is the task iterator, kept for later passes.
	iterate *link.Iter
	// full are the maps for which others stand until something uses them.
	full map[string]*ebpf.MapSpec
	// cgroupController is as in [Options].
	cgroupController int32
	// allocatesSafely says that hash maps need no entries beforehand.
	allocatesSafely bool
}

// sharedMaps are the maps that the objects declare in common (bpf/maps.h).
var sharedMaps = []string{
	"vd_ring_bulk", "vd_ring_evidence", "vd_processes", "vd_counters", "vd_sequences", "vd_pending", "vd_agent",
	"vd_calls", "vd_verdicts", "vd_workloads", "vd_hashes",
}

// NewBase loads and attaches the process programs.
func NewBase(opts Options) (*Base, error) {
	opts.setDefaults()
	spec, err := bpf.LoadProcess()
	if err != nil {
		return nil, fmt.Errorf("process programs: %w", err)
	}
	if err := adaptCallbacks(spec); err != nil {
		return nil, fmt.Errorf("process programs: %w", err)
	}
	spec.Maps["vd_ring_bulk"].MaxEntries = opts.BulkRing
	spec.Maps["vd_ring_evidence"].MaxEntries = opts.EvidenceRing
	spec.Maps["vd_processes"].MaxEntries = opts.Processes
	spec.Maps["vd_process_scratch"].MaxEntries = scratchEntries(bpf.ContractVdLimitVD_PROCESS_SCRATCH_LEVELS)
	safely, err := allocatesSafely(opts.KernelTypes)
	if err != nil {
		return nil, err
	}
	setAllocation(spec, safely)
	full := map[string]*ebpf.MapSpec{}
	makeLazy(spec, full)
	if err := spec.Variables["vd_cgroup_controller"].Set(opts.CgroupController); err != nil {
		return nil, fmt.Errorf("process programs: %w", err)
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
		Programs: ebpf.ProgramOptions{KernelTypes: opts.KernelTypes}, Cache: kernel.Offered().TypeCache(),
	})
	if err != nil {
		return nil, fmt.Errorf("process programs: %w", err)
	}
	b := &Base{
		process: coll, programs: ebpf.ProgramOptions{KernelTypes: opts.KernelTypes},
		shared: map[string]*ebpf.Map{}, full: full, cgroupController: opts.CgroupController, allocatesSafely: safely,
	}
	for _, name := range sharedMaps {
		m, ok := coll.Maps[name]
		if !ok {
			b.Close()
			return nil, fmt.Errorf("process programs: no map %q", name)
		}
		b.shared[name] = m
	}
	if err := b.attach(); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// scratchEntries is the size of a map with one entry for each CPU that the
// kernel can ever have and each level of nesting.
func scratchEntries(levels bpf.ContractVdLimit) uint32 {
	n, err := ebpf.PossibleCPU()
	if err != nil {
		n = runtime.NumCPU()
	}
	return uint32(n) * uint32(levels)
}

func (b *Base) attach() error {
	// Exit first: a process must not be put in the map and then end unseen.
	for _, name := range []string{"vd_exit", "vd_exec", "vd_fork", "vd_cgroup_removed", "vd_cgroup_made"} {
		l, err := link.AttachTracing(link.TracingOptions{Program: b.process.Programs[name]})
		if err != nil {
			return fmt.Errorf("attach %s: %w", name, err)
		}
		b.links = append(b.links, l)
	}
	it, err := link.AttachIter(link.IterOptions{Program: b.process.Programs["vd_tasks"]})
	if err != nil {
		return fmt.Errorf("attach task iterator: %w", err)
	}
	b.iterate = it
	return nil
}

// Bulk is the ring of process records and of matches without enforcement.
func (b *Base) Bulk() *ebpf.Map { return b.shared["vd_ring_bulk"] }

// Evidence is the ring of matches that were enforced.
func (b *Base) Evidence() *ebpf.Map { return b.shared["vd_ring_evidence"] }

// Detach ends the watching of processes. What is in the rings stays there
// until Close.
func (b *Base) Detach() error {
	var errs []error
	for _, l := range b.links {
		errs = append(errs, l.Close())
	}
	b.links = nil
	return errors.Join(errs...)
}

// Close detaches and unloads everything.
func (b *Base) Close() error {
	errs := []error{b.Detach()}
	if b.iterate != nil {
		errs = append(errs, b.iterate.Close())
	}
	b.process.Close()
	for _, m := range b.shared {
		errs = append(errs, m.Close()) // those that took another's place
	}
	return errors.Join(errs...)
}

// replacements are the shared maps that an object declares. The sizes of its
// declarations are set to theirs.
func (b *Base) replacements(spec *ebpf.CollectionSpec) map[string]*ebpf.Map {
	out := map[string]*ebpf.Map{}
	for name, m := range b.shared {
		if s, ok := spec.Maps[name]; ok {
			s.MaxEntries, s.Flags = m.MaxEntries(), m.Flags()
			out[name] = m
		}
	}
	return out
}
