// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// ErrNoType is matched by the error of a type that is not described.
var ErrNoType = errors.New("there is no such struct or union")

// Origin is where types are described.
type Origin struct {
	// Module is a module of the kernel, File a file with BTF or with a
	// section of it: a program. Both are empty for the kernel.
	Module, File string
}

// ResolveParam goes a path from what a parameter of a function points to. The
// parameters count from 0.
func (o *Offer) ResolveParam(function string, index int, path string) (*Way, error) {
	f, module, err := o.function(function)
	if err != nil {
		return nil, err
	}
	proto, ok := f.Type.(*btf.FuncProto)
	if !ok {
		return nil, fmt.Errorf("function %q: BTF gives it the type %T", function, f.Type)
	}
	return o.resolveFrom(proto.Params, index, path, Origin{Module: module})
}

// ResolveTracepoint goes a path from what an argument of a raw tracepoint
// points to. The arguments count from 0.
func (o *Offer) ResolveTracepoint(event string, index int, path string) (*Way, error) {
	t, err := o.tracepoint(event)
	if err != nil {
		return nil, err
	}
	return o.resolveFrom(t.proto.Params, index, path, Origin{Module: t.module})
}

func (o *Offer) resolveFrom(params []btf.FuncParam, index int, path string, origin Origin) (*Way, error) {
	if index < 0 || index >= len(params) {
		return nil, fmt.Errorf("there is no argument %d (counted from 0)", index)
	}
	p, ok := btf.UnderlyingType(params[index].Type).(*btf.Pointer)
	if !ok {
		return nil, fmt.Errorf("%s is no pointer", declare(ctype(params[index].Type), params[index].Name))
	}
	if _, void := btf.UnderlyingType(p.Target).(*btf.Void); void {
		return nil, fmt.Errorf("%s does not tell what it points to: give a btfType", declare(ctype(params[index].Type), params[index].Name))
	}
	return resolve(p.Target, path, o.lookupIn(origin))
}

// ResolveType goes a path from the beginning of a struct or union.
func (o *Offer) ResolveType(name string, origin Origin, path string) (*Way, error) {
	find := o.lookupIn(origin)
	t, err := find(name)
	if err != nil {
		return nil, err
	}
	return resolve(t, path, find)
}

// lookupIn finds structs and unions by their names, which may have the
// keyword before them.
func (o *Offer) lookupIn(origin Origin) lookup {
	return func(name string) (btf.Type, error) {
		spec, err := o.types.spec(origin)
		if err != nil {
			return nil, err
		}
		for _, keyword := range []string{"struct ", "union "} {
			name = strings.TrimPrefix(name, keyword)
		}
		all, err := spec.AnyTypesByName(name)
		if err != nil && !errors.Is(err, btf.ErrNotFound) {
			return nil, err
		}
		for _, t := range all {
			if _, ok := membersOf(t); ok {
				return t, nil
			}
		}
		return nil, fmt.Errorf("%q: %w", name, ErrNoType)
	}
}

// spec returns the types of an origin.
func (t *types) spec(origin Origin) (*btf.Spec, error) {
	switch {
	case origin.File != "":
		return t.file(origin.File)
	case origin.Module == "":
		return t.kernel()
	}
	spec, err := t.cache().Module(origin.Module)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("module %q: there is no /sys/kernel/btf/%s; is it loaded?", origin.Module, origin.Module)
	}
	if err != nil {
		return nil, fmt.Errorf("module %q: %w", origin.Module, err)
	}
	return spec, nil
}

// fileTypes are the types of a file as it was when they were read.
type fileTypes struct {
	info os.FileInfo
	spec *btf.Spec
}

// maxFiles is how many files with types are kept at once.
const maxFiles = 8

// file returns the types that a file describes.
func (t *types) file(path string) (*btf.Spec, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	t.cache() // what is kept is given up with it
	t.mu.Lock()
	defer t.mu.Unlock()
	have, ok := t.files[path]
	if ok && os.SameFile(have.info, info) && have.info.ModTime().Equal(info.ModTime()) && have.info.Size() == info.Size() {
		return have.spec, nil
	}
	spec, err := btf.LoadSpec(path)
	if err != nil {
		return nil, fmt.Errorf("BTF of %s: %w", path, err)
	}
	if t.files == nil || len(t.files) >= maxFiles {
		t.files = map[string]fileTypes{}
	}
	t.files[path] = fileTypes{info, spec}
	return spec, nil
}

// tracepoint is what a raw tracepoint gives its programs.
type tracepoint struct {
	proto  *btf.FuncProto // without the first parameter, which is not for programs
	module string
}

// tracepoint looks a raw tracepoint up: its typedef says what it gives
// (include/trace/bpf_probe.h). The names of the arguments are those of the
// function behind it, where that is described.
func (o *Offer) tracepoint(event string) (*tracepoint, error) {
	t, module, err := o.types.find(func(spec *btf.Spec) (btf.Type, error) {
		var t *btf.Typedef
		err := spec.TypeByName("btf_trace_"+event, &t)
		return t, err
	}, anyModule)
	if errors.Is(err, btf.ErrNotFound) {
		err = o.noTracepoint(event)
	}
	if err != nil {
		return nil, fmt.Errorf("raw tracepoint %q: %w", event, err)
	}
	p, ok := btf.UnderlyingType(t).(*btf.Pointer)
	if !ok {
		return nil, fmt.Errorf("raw tracepoint %q: BTF gives it the type %s", event, ctype(t))
	}
	proto, ok := p.Target.(*btf.FuncProto)
	if !ok || len(proto.Params) == 0 {
		return nil, fmt.Errorf("raw tracepoint %q: BTF gives it the type %s", event, ctype(t))
	}
	params := proto.Params
	if f, _, err := o.types.function(tracePrefix + event); err == nil {
		if named, ok := f.Type.(*btf.FuncProto); ok && len(named.Params) == len(params) {
			params = named.Params
		}
	}
	return &tracepoint{&btf.FuncProto{Return: proto.Return, Params: params[1:]}, module}, nil
}

// tracePrefix is what the names of the functions begin with that call the
// programs at raw tracepoints.
const tracePrefix = "__bpf_trace_"

// noTracepoint is why BTF does not describe a raw tracepoint.
func (o *Offer) noTracepoint(event string) error {
	if o.hasNow(tracePrefix + event) {
		return ErrUndescribed
	}
	return fmt.Errorf("%w%s", ErrNoTracepoint, suggest(event, func(symbol string) (string, bool) { return strings.CutPrefix(symbol, tracePrefix) }))
}

// RawTracepoint returns what a raw tracepoint gives its programs, as the
// prototype of a function. The error matches [ErrNoTracepoint] if there is
// none of that name.
func (o *Offer) RawTracepoint(event string) (*Function, error) {
	t, err := o.tracepoint(event)
	if err != nil {
		return nil, err
	}
	f, err := describe(&btf.Func{Name: event, Type: t.proto})
	if err != nil {
		return nil, fmt.Errorf("raw tracepoint %q: %w", event, err)
	}
	f.Module = t.module
	return f, nil
}
