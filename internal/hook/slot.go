// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"fmt"
	"slices"

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
	if s.Resolve != "" && s.From != compile.FromRegister {
		f |= bpf.ContractVdSlotFlagsVD_SLOT_RESOLVE
	}
	return uint8(f)
}

// addressArgs are the arguments that are socket addresses, of functions and
// system calls whose next argument is the address's size.
var addressArgs = map[compile.HookKey]uint8{
	{Kind: compile.HookSyscall, Name: "connect"}:                  1,
	{Kind: compile.HookSyscall, Name: "bind"}:                     1,
	{Kind: compile.HookSyscall, Name: "sendto"}:                   4,
	{Kind: compile.HookCompatSyscall, Name: "connect"}:            1,
	{Kind: compile.HookCompatSyscall, Name: "bind"}:               1,
	{Kind: compile.HookCompatSyscall, Name: "sendto"}:             4,
	{Kind: compile.HookFunction, Name: "security_socket_connect"}: 1,
	{Kind: compile.HookFunction, Name: "security_socket_bind"}:    1,
	{Kind: compile.HookLSM, Name: "socket_connect"}:               1,
	{Kind: compile.HookLSM, Name: "socket_bind"}:                  1,
}

// withAddressSizes are the slots of a hook, where it is known with the sizes
// of addresses of the unix family: abstract names have no other end.
func withAddressSizes(h *compile.Hook) []compile.Slot {
	at, known := addressArgs[h.Key]
	if !known {
		return h.Slots
	}
	slots := slices.Clone(h.Slots)
	for i, s := range slots {
		if s.Type == compile.TypeSockaddrUn && s.SizeArg == 0 && s.Index == at {
			slots[i].SizeArg = at + 2 // counted from 1
		}
	}
	return slots
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
		if !s.IsArgument() {
			out[i].From, out[i].Raw = uint8(s.From), maxRawArgs
			out[i].Offset, out[i].Width = s.Register.Offset, s.Register.Width
		}
		if s.SizeArg != 0 {
			out[i].SizeFrom, out[i].SizeRaw = sizeRaw, s.SizeArg-1
		}
	}
	return out
}

// numberFormat is raw_syscalls/sys_enter as the raw tracepoint counts: what is
// its argument 1, the number of the system call, is behind the 8 bytes that
// all formats begin with.
var numberFormat = &kernel.Format{Fields: []kernel.Field{{}, {Name: "id", Offset: 8, Size: 8, Signed: true}}}

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
		if s.IsArgument() {
			n = max(n, uint32(s.Index)+1)
		}
		n = max(n, uint32(s.SizeArg))
	}
	return n
}
