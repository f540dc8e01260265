// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
)

// lazyMaps are the shared maps that few hooks use, and which do. Until the
// first of these is loaded a map of one entry stands for each: programs that
// never look into it have to be given one all the same.
var lazyMaps = map[string]func(*shape) bool{
	"vd_rate": func(s *shape) bool { return s.has(bpf.ContractVdHookFeatureVD_FEATURE_RATE) },
	"vd_followed": func(s *shape) bool {
		return s.has(bpf.ContractVdHookFeatureVD_FEATURE_FD_OPS) ||
			s.looksAt(compile.SourceFollowed)
	},
}

// lazySize remembers how large a map is once it is used.
func (e *Engine) lazySize(name string, s *ebpf.MapSpec) {
	if lazyMaps[name] != nil {
		e.lazy[name], s.MaxEntries = s.MaxEntries, 1
	}
}

// provide makes the maps that a shape uses and that were not used so far. spec
// is the copy of the engine's that the program is loaded from.
func (e *Engine) provide(s shape, spec *ebpf.CollectionSpec) error {
	for name, size := range e.lazy {
		if !lazyMaps[name](&s) {
			continue
		}
		e.spec.Maps[name].MaxEntries, spec.Maps[name].MaxEntries = size, size
		m, err := ebpf.NewMap(e.spec.Maps[name])
		if err != nil {
			e.spec.Maps[name].MaxEntries = 1
			return fmt.Errorf("map %s: %w", name, err)
		}
		// Programs that were loaded with it hold the one that stood for it.
		err = e.shared[name].Close()
		e.shared[name] = m
		delete(e.lazy, name)
		if err != nil {
			return fmt.Errorf("map %s: %w", name, err)
		}
	}
	return nil
}

// allocatesSafely reports whether a kernel's hash maps can allocate entries
// wherever a program runs: they have an allocator of their own for it since
// 6.1 (kernel/bpf/memalloc.c). types are the kernel's, nil for those that it
// tells itself.
func allocatesSafely(types *btf.Spec) (bool, error) {
	if types == nil {
		var err error
		if types, err = btf.LoadKernelSpec(); err != nil {
			return false, fmt.Errorf("type information of the kernel: %w", err)
		}
	}
	_, err := types.AnyTypesByName("bpf_mem_alloc")
	if errors.Is(err, btf.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// noPrealloc is BPF_F_NO_PREALLOC.
const noPrealloc = 1

// onDemand are the hash maps whose entries are made when they are needed, on
// kernels that can do it safely. Elsewhere all of them are there from the
// beginning.
var onDemand = []string{"vd_processes", "vd_pending", "vd_followed", "vd_verdicts"}

func setAllocation(spec *ebpf.CollectionSpec, safely bool) {
	for _, name := range onDemand {
		s := spec.Maps[name]
		switch {
		case s == nil:
		case safely:
			s.Flags |= noPrealloc
		default:
			s.Flags &^= noPrealloc
		}
	}
}
