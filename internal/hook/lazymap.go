// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
)

// lazyMaps are the shared maps that few hooks use, or that are large and of no
// use without any, and the programs that use them.
// Until the first of these is loaded a map of one entry stands for each:
// programs that never look into it have to be given one all the same.
var lazyMaps = map[string]func(bpf.HookConfig) bool{
	"vd_hook_scratch": func(bpf.HookConfig) bool { return true },
	"vd_calls": func(c bpf.HookConfig) bool {
		return c.Features&uint32(bpf.ContractVdHookFeatureVD_FEATURE_FRAMES) != 0
	},
	"vd_hashes": func(c bpf.HookConfig) bool {
		return c.Features&uint32(bpf.ContractVdHookFeatureVD_FEATURE_IMA) != 0
	},
	"vd_rate": func(c bpf.HookConfig) bool {
		return c.Features&uint32(bpf.ContractVdHookFeatureVD_FEATURE_RATE) != 0
	},
	"vd_notices": func(c bpf.HookConfig) bool {
		return c.Features&uint32(bpf.ContractVdHookFeatureVD_FEATURE_NOTIFY) != 0
	},
	"vd_sock_owners": func(c bpf.HookConfig) bool {
		return c.Features&uint32(bpf.ContractVdHookFeatureVD_FEATURE_SOCK_TRACK) != 0
	},
	"vd_followed": func(c bpf.HookConfig) bool {
		for _, d := range c.Dims {
			if d.Source == uint8(compile.SourceFollowed) {
				return true
			}
		}
		return c.Features&uint32(bpf.ContractVdHookFeatureVD_FEATURE_FD_OPS) != 0
	},
}

// makeLazy remembers how large the maps of an object are once they are used.
func makeLazy(spec *ebpf.CollectionSpec, full map[string]*ebpf.MapSpec) {
	for name, s := range spec.Maps {
		if lazyMaps[name] != nil && full[name] == nil {
			full[name] = s.Copy()
			s.MaxEntries = 1
		}
	}
}

// provide makes the maps that a program uses and that nothing used so far.
func (e *Engine) provide(c bpf.HookConfig) error {
	for name, s := range e.base.full {
		if !lazyMaps[name](c) {
			continue
		}
		m, err := ebpf.NewMap(s)
		if err != nil {
			return fmt.Errorf("map %s: %w", name, err)
		}
		// Programs that were loaded with it hold the one that stood for it.
		err = e.shared[name].Close()
		e.shared[name], e.spec.Maps[name].MaxEntries = m, s.MaxEntries
		delete(e.base.full, name)
		if e.base.shared[name] != nil {
			e.base.shared[name] = m
		}
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
		if types, err = kernel.Offered().TypeCache().Kernel(); err != nil {
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
var onDemand = []string{"vd_processes", "vd_pending", "vd_calls", "vd_verdicts", "vd_followed", "vd_workloads"}

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
