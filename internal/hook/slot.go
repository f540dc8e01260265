// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"fmt"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
)

// Where a size argument comes from (struct vd_slot_config.size_from).
const (
	sizeRaw   = 1
	sizeField = 2
)

func slotFlags(s compile.Slot) uint8 {
	var f bpf.ContractVdSlotFlags
	if s.Filtered {
		f |= bpf.ContractVdSlotFlagsVD_SLOT_FILTERED
	}
	if s.ReturnCopy {
		f |= bpf.ContractVdSlotFlagsVD_SLOT_RETURN_COPY
	}
	if s.Signed {
		f |= bpf.ContractVdSlotFlagsVD_SLOT_SIGNED
	}
	return uint8(f)
}

// rawSlots are the slots of a hook whose arguments are registers or the
// arguments of a raw tracepoint.
func rawSlots(slots []compile.Slot) []bpf.SlotConfig {
	out := make([]bpf.SlotConfig, len(slots))
	for i, s := range slots {
		out[i] = bpf.SlotConfig{
			Type: uint8(s.Type), From: uint8(bpf.ContractVdSlotFromVD_FROM_RAW), Raw: s.Index,
			Flags: slotFlags(s), Max: s.Max,
		}
		if s.Return {
			out[i].From, out[i].Raw = uint8(bpf.ContractVdSlotFromVD_FROM_RETURN), 0
		}
		if s.SizeArg != 0 {
			out[i].SizeFrom, out[i].SizeRaw = sizeRaw, s.SizeArg-1
		}
	}
	return out
}

// fieldSlots are the slots of a tracepoint, by the fields of its format.
func fieldSlots(slots []compile.Slot, format *kernel.Format) ([]bpf.SlotConfig, error) {
	out := make([]bpf.SlotConfig, len(slots))
	for i, s := range slots {
		if int(s.Index) >= len(format.Fields) {
			return nil, fmt.Errorf("field %d: the tracepoint has %d fields", s.Index, len(format.Fields))
		}
		f := format.Fields[s.Index]
		out[i] = bpf.SlotConfig{
			Type: uint8(s.Type), From: uint8(bpf.ContractVdSlotFromVD_FROM_FIELD), Offset: f.Offset,
			Width: uint8(min(f.Size, 8)), Flags: slotFlags(s), Max: s.Max, SizeWidth: s.Element,
		}
		if s.SizeArg == 0 {
			continue
		}
		if int(s.SizeArg) > len(format.Fields) {
			return nil, fmt.Errorf("size field %d: the tracepoint has %d fields", s.SizeArg, len(format.Fields))
		}
		size := format.Fields[s.SizeArg-1]
		out[i].SizeFrom, out[i].SizeOffset, out[i].SizeWidth = sizeField, size.Offset, uint8(min(size.Size, 8))
	}
	return out, nil
}

// rawArgs is how many of a raw tracepoint's arguments the slots reach to.
func rawArgs(slots []compile.Slot) uint32 {
	n := uint32(0)
	for _, s := range slots {
		if !s.Return {
			n = max(n, uint32(s.Index)+1, uint32(s.SizeArg))
		}
	}
	return n
}
