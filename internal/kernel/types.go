// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"iter"
	"strings"
	"sync"
	"weak"

	"github.com/cilium/ebpf/btf"

	"github.com/vedette-io/vedette/internal/nearest"
)

// types is the kernel's BTF. It is several megabytes, needed while policies
// are loaded and no more: the garbage collector takes it, and who needs it
// again reads it again (5–20 ms).
type types struct {
	mu   sync.Mutex
	read weak.Pointer[btf.Cache]
}

func (t *types) cache() *btf.Cache {
	t.mu.Lock()
	defer t.mu.Unlock()
	cache := t.read.Value()
	if cache == nil {
		cache = btf.NewCache()
		t.read = weak.Make(cache)
	}
	return cache
}

// kernel returns the types of the kernel without its modules.
func (t *types) kernel() (*btf.Spec, error) { return t.cache().Kernel() }

// function returns the function of a name, in the kernel or a module.
func (t *types) function(name string) (*btf.Func, string, error) {
	cache := t.cache()
	spec, err := cache.Kernel()
	if err != nil {
		return nil, "", err
	}
	var f *btf.Func
	if err := spec.TypeByName(name, &f); err == nil {
		return f, "", nil
	}
	// A kernel without BTF of modules has no such files: nothing is missed.
	modules, err := cache.Modules()
	if err != nil {
		return nil, "", err
	}
	for _, module := range modules {
		spec, err := cache.Module(module)
		if err != nil {
			continue // it went away, or its BTF does not fit this kernel
		}
		if err := spec.TypeByName(name, &f); err == nil {
			return f, module, nil
		}
	}
	return nil, "", btf.ErrNotFound
}

// suggest returns the part of a message that tells the functions whose names
// are near, or "".
func (t *types) suggest(name string) string {
	spec, err := t.kernel()
	if err != nil {
		return ""
	}
	return nearest.Suggest(name, functionNames(spec))
}

// lsmPrefix is what the names of the functions begin with that BPF programs
// replace at LSM hooks.
const lsmPrefix = "bpf_lsm_"

// suggestLSMHook does the same for LSM hooks.
func (t *types) suggestLSMHook(name string) string {
	spec, err := t.kernel()
	if err != nil {
		return ""
	}
	return nearest.Suggest(name, func(yield func(string) bool) {
		for function := range functionNames(spec) {
			if hook, ok := strings.CutPrefix(function, lsmPrefix); ok && !yield(hook) {
				return
			}
		}
	})
}

// functionNames are the names of all functions of the kernel.
func functionNames(spec *btf.Spec) iter.Seq[string] {
	return func(yield func(string) bool) {
		for typ, err := range spec.All() {
			if err != nil {
				return
			}
			if f, ok := typ.(*btf.Func); ok && !yield(f.Name) {
				return
			}
		}
	}
}
