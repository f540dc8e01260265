// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
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
	mu    sync.Mutex
	read  *btf.Cache
	files map[string]fileTypes
	// modules are the functions of modules.
	modules moduleFunctions
	giveUp  *time.Timer
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
	t.read, t.files, t.modules = nil, nil, moduleFunctions{}
}

// TypeCache returns the kernel's BTF, for loading programs without decoding
// it for each. It is given up a while after its last use: it is to be asked
// for again, not kept.
func (o *Offer) TypeCache() *btf.Cache { return o.types.cache() }

// kernel returns the types of the kernel without its modules.
func (t *types) kernel() (*btf.Spec, error) { return t.cache().Kernel() }

// anyModule says that what is looked for may be in any module.
const anyModule = "*"

// find looks for something in the kernel's types and then in those of a
// module, or of all: its name says of which, and is empty for none. The error
// matches [btf.ErrNotFound] where it is in none of them.
func (t *types) find(in func(*btf.Spec) (btf.Type, error), module string) (btf.Type, string, error) {
	cache := t.cache()
	spec, err := cache.Kernel()
	if err != nil {
		return nil, "", err
	}
	if found, err := in(spec); err == nil {
		return found, "", nil
	}
	modules := []string{module}
	switch module {
	case "":
		return nil, "", btf.ErrNotFound
	case anyModule:
		// A kernel without BTF of modules has no such files: nothing is missed.
		if modules, err = cache.Modules(); err != nil {
			return nil, "", err
		}
	}
	for _, module := range modules {
		spec, err := cache.Module(module)
		if err != nil {
			continue // it went away, or its BTF does not fit this kernel
		}
		if found, err := in(spec); err == nil {
			return found, module, nil
		}
	}
	return nil, "", btf.ErrNotFound
}

// function returns the function of a name, in the kernel or a module.
func (t *types) function(name string) (*btf.Func, string, error) {
	named := func(spec *btf.Spec) (btf.Type, error) {
		var f *btf.Func
		err := spec.TypeByName(name, &f)
		return f, err
	}
	found, module, err := t.find(named, "")
	if errors.Is(err, btf.ErrNotFound) && t.hasModules() {
		// The list of symbols says which module has it: to decode the types of all of them takes long.
		where, known := t.moduleOf(name)
		if known != nil {
			where = anyModule
		}
		found, module, err = t.find(named, where)
	}
	if err != nil {
		return nil, "", err
	}
	return found.(*btf.Func), module, nil
}

// hasModules reports whether a module is loaded that describes its types.
func (t *types) hasModules() bool {
	modules, err := t.cache().Modules()
	return err != nil || len(modules) > 0
}
