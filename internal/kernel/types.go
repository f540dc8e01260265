// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"iter"
	"sync"

	"github.com/cilium/ebpf/btf"

	"github.com/vedette-io/vedette/internal/nearest"
)

// types is the kernel's BTF, read once.
type types struct {
	once sync.Once
	read *btf.Cache
}

func (t *types) cache() *btf.Cache {
	t.once.Do(func() { t.read = btf.NewCache() })
	return t.read
}

// kernel returns the types of the kernel without its modules.
func (t *types) kernel() (*btf.Spec, error) { return t.cache().Kernel() }

// function returns the function of a name, in the kernel or a module.
func (t *types) function(name string) (*btf.Func, string, error) {
	spec, err := t.kernel()
	if err != nil {
		return nil, "", err
	}
	var f *btf.Func
	if err := spec.TypeByName(name, &f); err == nil {
		return f, "", nil
	}
	// A kernel without BTF of modules has no such files: nothing is missed.
	modules, err := t.cache().Modules()
	if err != nil {
		return nil, "", err
	}
	for _, module := range modules {
		spec, err := t.cache().Module(module)
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
