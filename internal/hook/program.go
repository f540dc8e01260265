// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"io"

	"github.com/cilium/ebpf"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/syscalls"
)

// Attachment names how a hook is attached, as users read it.
type Attachment string

// The attachments.
const (
	AttachSysEnter      Attachment = "sys_enter tracepoint (fallback for a kprobe)"
	AttachSysExit       Attachment = "sys_exit tracepoint (equivalent of fd_install)"
	AttachTracepoint    Attachment = "perf tracepoint"
	AttachRawTracepoint Attachment = "raw tracepoint"
)

// The programs of bpf/hook.bpf.c.
const (
	progEnter         = "vd_hook_enter"
	progReturn        = "vd_hook_return"
	progFDInstall     = "vd_hook_fd_install"
	progTracepoint    = "vd_hook_tracepoint"
	progRawTracepoint = "vd_hook_raw_tracepoint"
)

// program is one generation of one hook, loaded.
type program struct {
	hook       *compile.Hook
	target     target
	attachment Attachment
	coll       *ebpf.Collection
	link       io.Closer
	// owners are the names of the groups' policies.
	owners []string
	// syscall is the call's number, for hooks on system calls.
	syscall uint32
}

func (p *program) close() error {
	var err error
	if p.link != nil {
		err = p.link.Close()
	}
	p.coll.Close()
	return err
}

// MemoryBytes is what the kernel holds for the program and its own maps.
func (p *program) memoryBytes() uint64 {
	var sum uint64
	for name, m := range p.coll.Maps {
		if !ownMaps[name] {
			continue
		}
		if info, err := m.Info(); err == nil {
			if n, ok := info.Memlock(); ok {
				sum += n
			}
		}
	}
	for _, prog := range p.coll.Programs {
		if info, err := prog.Info(); err == nil {
			if n, ok := info.Memlock(); ok {
				sum += n
			}
		}
	}
	return sum
}

// ownMaps are the maps that each generation of each hook has for itself.
var ownMaps = map[string]bool{
	"vd_table": true, "vd_vectors": true, "vd_strings": true, "vd_rules": true, "vd_rule_counters": true,
}

// load specialises the programs to a hook and loads them, without attaching
// anything. owners are the names of the groups' policies.
func (e *Engine) load(h *compile.Hook, t target, owners []string) (*program, error) {
	p := &program{hook: h, target: t, owners: owners}
	spec := e.spec.Copy()
	slots := rawSlots(h.Slots)
	var keep []string
	switch h.Key.Kind {
	case compile.HookSyscall:
		nr, ok := syscalls.Number(e.abi.Name, h.Key.Name)
		if !ok {
			return nil, fmt.Errorf("system call %q is not known", h.Key.Name)
		}
		p.syscall, p.attachment = nr, AttachSysEnter
		keep = []string{progEnter}
		if h.HasReturn {
			keep = append(keep, progReturn)
		}
	case compile.HookFunction:
		if h.Key.Name != "fd_install" {
			return nil, fmt.Errorf("function %q cannot be hooked on this kernel: it has no kprobes and no equivalent is known", h.Key.Name)
		}
		p.attachment, p.target.gated = AttachSysExit, true
		keep = []string{progFDInstall}
		if err := spec.Variables["vd_fd_calls"].Set(fdCallBits(e.abi.Name)); err != nil {
			return nil, err
		}
	case compile.HookTracepoint:
		format, err := e.formatOf(h.Key.Name)
		if err != nil {
			return nil, err
		}
		if slots, err = fieldSlots(h.Slots, format); err != nil {
			return nil, fmt.Errorf("tracepoint %q: %w", h.Key.Name, err)
		}
		p.attachment, p.target.gated = AttachTracepoint, true
		keep = []string{progTracepoint}
	case compile.HookRawTracepoint:
		p.attachment, p.target.gated = AttachRawTracepoint, true
		keep = []string{progRawTracepoint}
		if err := spec.Variables["vd_raw_args"].Set(rawArgs(h.Slots)); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("hook %q: unknown kind %d", h.Key.Name, h.Key.Kind)
	}
	cfg, err := config(h, p.target, slots)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(spec.Variables["vd_config"].Set(cfg), spec.Variables["vd_abi"].Set(e.abiConfig())); err != nil {
		return nil, fmt.Errorf("hook %q: %w", h.Key.Name, err)
	}
	fillTables(spec, h, owners)
	keepPrograms(spec, keep)
	if err := e.provide(h, spec); err != nil {
		return nil, fmt.Errorf("hook %q: %w", h.Key.Name, err)
	}
	p.coll, err = ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
		MapReplacements: e.shared, Programs: e.base.programs,
	})
	if err != nil {
		return nil, fmt.Errorf("hook %q: load: %w", h.Key.Name, err)
	}
	return p, nil
}

func keepPrograms(spec *ebpf.CollectionSpec, names []string) {
	keep := map[string]bool{}
	for _, n := range names {
		keep[n] = true
	}
	for n := range spec.Programs {
		if !keep[n] {
			delete(spec.Programs, n)
		}
	}
}
