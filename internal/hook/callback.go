// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
)

// adaptCallbacks takes the callbacks of bpf_loop out of programs on kernels
// without it, before 5.17. Nothing calls them there (bpf/path.h, VD_HAS_LOOP),
// but kernels before 5.13 refuse the address of a function wherever it stands
// (kernel/bpf/verifier.c, resolve_pseudo_ldimm64), and functions that nothing
// reaches.
func adaptCallbacks(spec *ebpf.CollectionSpec) error {
	err := features.HaveProgramHelper(ebpf.SocketFilter, asm.FnLoop)
	if err == nil {
		return nil
	}
	if !errors.Is(err, ebpf.ErrNotSupported) {
		return fmt.Errorf("whether the kernel has bpf_loop: %w", err)
	}
	for _, p := range spec.Programs {
		p.Instructions = withoutCallbacks(p.Instructions)
	}
	return nil
}

// withoutCallbacks replaces the addresses of functions by 0, and removes the
// functions that nothing else refers to.
func withoutCallbacks(program asm.Instructions) asm.Instructions {
	callbacks := map[string]bool{}
	out := make(asm.Instructions, 0, len(program))
	for _, ins := range program {
		if ins.IsLoadOfFunctionPointer() {
			callbacks[ins.Reference()] = true
			ins = asm.LoadImm(ins.Dst, 0, asm.DWord).WithMetadata(ins.Metadata).WithReference("")
		}
		out = append(out, ins)
	}
	for _, ins := range out {
		if ins.IsFunctionCall() {
			delete(callbacks, ins.Reference())
		}
	}
	kept, removing := out[:0], false
	for _, ins := range out {
		if name := ins.Symbol(); name != "" {
			removing = callbacks[name]
		}
		if !removing {
			kept = append(kept, ins)
		}
	}
	return kept
}
