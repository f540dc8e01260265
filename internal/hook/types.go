// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/syscalls"
)

// kernelTypes answers the compiler's questions about types.
type kernelTypes struct {
	offer   *kernel.Offer
	tracefs *kernel.Tracefs
}

// TypesOf returns what a kernel tells of its functions and types. System
// calls are described by tracefs, which may be nil: then by the table of
// those that all kernels share.
func TypesOf(offer *kernel.Offer, tracefs *kernel.Tracefs) compile.Types {
	return kernelTypes{offer, tracefs}
}

// Prototype implements [compile.Types].
func (t kernelTypes) Prototype(key compile.HookKey) (*compile.Prototype, error) {
	var f *kernel.Function
	var err error
	switch key.Kind {
	case compile.HookSyscall:
		return t.syscall(key.Name)
	case compile.HookCompatSyscall:
		if p := compile.CompatPrototype(key.Name); p != nil {
			return p, nil
		}
		return nil, fmt.Errorf("32-bit system call %q: %w", key.Name, compile.ErrUndescribed)
	case compile.HookFunction:
		f, err = t.offer.Function(key.Name)
	case compile.HookLSM:
		f, err = t.offer.LSMHook(key.Name)
	case compile.HookRawTracepoint:
		f, err = t.offer.RawTracepoint(key.Name)
	default:
		return nil, compile.ErrUndescribed
	}
	for _, missing := range []error{kernel.ErrNoFunction, kernel.ErrNoLSMHook, kernel.ErrNoTracepoint} {
		if errors.Is(err, missing) {
			return nil, notFoundError{err}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", compile.ErrUndescribed, err)
	}
	p := &compile.Prototype{Text: f.String(), Result: typeInfo(f.Result), Variadic: f.Variadic}
	for _, param := range f.Params {
		p.Params = append(p.Params, typeInfo(param))
	}
	return p, nil
}

// notFoundError is that the kernel does not have what a hook is to be at.
type notFoundError struct{ error }

// Is makes it match [compile.ErrNotFound].
func (e notFoundError) Is(target error) bool { return target == compile.ErrNotFound }

// Unwrap returns what the kernel says.
func (e notFoundError) Unwrap() error { return e.error }

// syscall describes a system call. The fields of its tracepoint are the four
// common ones, its number, and its parameters.
func (t kernelTypes) syscall(name string) (*compile.Prototype, error) {
	params, ok := t.traced(name)
	if !ok {
		params, ok = syscalls.Prototype(name)
	}
	if !ok {
		return nil, fmt.Errorf("system call %q: %w", name, compile.ErrUndescribed)
	}
	return compile.SyscallPrototype(name, params), nil
}

const numberField = "__syscall_nr"

// traced are the parameters of a system call by its tracepoint.
func (t kernelTypes) traced(name string) ([]syscalls.Param, bool) {
	if t.tracefs == nil {
		return nil, false
	}
	for _, function := range syscalls.Functions(name) {
		format, err := t.tracefs.Format("syscalls", "sys_enter_"+function)
		if err != nil {
			continue
		}
		params, arguments := []syscalls.Param{}, false
		for _, f := range format.Fields {
			// Text that the kernel copied for the tracepoint comes behind the parameters.
			if arguments && !strings.HasPrefix(f.CType, "__data_loc") {
				params = append(params, syscalls.Param{Type: f.CType, Name: f.Name})
			}
			arguments = arguments || f.Name == numberField
		}
		return params, arguments
	}
	return nil, false
}

// kinds are the compiler's names of the kinds of types.
var kinds = map[kernel.Kind]compile.TypeKind{
	kernel.KindInt: compile.KindInt, kernel.KindPointer: compile.KindPointer, kernel.KindStruct: compile.KindStruct,
}

func typeInfo(p kernel.Param) compile.TypeInfo {
	info := compile.TypeInfo{
		CType: p.Type, Kind: kinds[p.Kind], Size: int(p.Size), Signed: p.Signed, Struct: p.Struct, Text: p.Text && p.Pointer,
	}
	if p.Text && !p.Pointer {
		info.Kind = compile.KindText
	}
	return info
}

// Resolve implements [compile.Types].
func (t kernelTypes) Resolve(from compile.Origin, path string) (compile.Way, compile.TypeInfo, error) {
	way, err := t.way(from, path)
	if err != nil {
		return compile.Way{}, compile.TypeInfo{}, err
	}
	return compiledWay(way), typeInfo(way.Value), nil
}

func (t kernelTypes) way(from compile.Origin, path string) (*kernel.Way, error) {
	switch {
	case from.Struct != "":
		return t.offer.ResolveType(from.Struct, kernel.Origin{Module: from.Module, File: from.File}, path)
	case from.Hook.Kind == compile.HookRawTracepoint:
		return t.offer.ResolveTracepoint(from.Hook.Name, int(from.Param), path)
	case from.Hook.Kind == compile.HookLSM:
		return t.offer.ResolveParam("bpf_lsm_"+from.Hook.Name, int(from.Param), path)
	}
	return t.offer.ResolveParam(from.Hook.Name, int(from.Param), path)
}

// compiledWay is a way in numbers.
func compiledWay(w *kernel.Way) compile.Way {
	out := compile.Way{Derefs: uint8(len(w.Reads) - 1), Width: w.Width, Signed: w.Value.Signed}
	for i, r := range w.Reads {
		out.Offsets[i], out.Components[i] = r.Offset, r.Component
	}
	if w.Width == 0 {
		return out
	}
	bits := w.Bits
	if bits == 0 {
		bits = 8 * w.Width
	}
	out.Left, out.Right = 64-bits-w.Shift, 64-bits
	return out
}

// Register implements [compile.Types].
func (t kernelTypes) Register(name string) (compile.Register, error) {
	r, err := kernel.FindRegister(name)
	return compile.Register{Offset: r.Offset, Width: r.Width}, err
}
