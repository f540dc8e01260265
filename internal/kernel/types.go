// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"sync"
	"time"

	"github.com/cilium/ebpf/btf"
)

// keepTypes is how long BTF is kept after its last use.
const keepTypes = 5 * time.Second

// types is the kernel's BTF. It is several megabytes, needed while policies
// are loaded and no more: it is given up a while after its last use, and who
// needs it again reads it again (5–20 ms).
type types struct {
	mu     sync.Mutex
	read   *btf.Cache
	giveUp *time.Timer
}

func (t *types) cache() *btf.Cache {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.read == nil {
		t.read = btf.NewCache()
	}
	if t.giveUp == nil {
		t.giveUp = time.AfterFunc(keepTypes, t.forget)
	}
	t.giveUp.Reset(keepTypes)
	return t.read
}

func (t *types) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.read = nil
}

// TypeCache returns the kernel's BTF, for loading programs without decoding
// it for each. It is given up a while after its last use: it is to be asked
// for again, not kept.
func (o *Offer) TypeCache() *btf.Cache { return o.types.cache() }

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
