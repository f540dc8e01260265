// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/vedette-io/vedette/internal/compile"
)

// The programs of bpf/hook.bpf.c.
const (
	progEnter         = "vd_hook_enter"
	progReturn        = "vd_hook_return"
	progFDInstall     = "vd_hook_fd_install"
	progTracepoint    = "vd_hook_tracepoint"
	progRawTracepoint = "vd_hook_raw_tracepoint"
	progBTFTracepoint = "vd_hook_btf_tracepoint"
	progFentry        = "vd_hook_fentry"
	progFexit         = "vd_hook_fexit"
	progFmodRet       = "vd_hook_fmod_ret"
	progLSM           = "vd_hook_lsm"
	progKprobe        = "vd_hook_kprobe"
	progKretprobe     = "vd_hook_kretprobe"
)

// programsOf are the programs of an attachment: the one for the entry and
// the one for the return, empty where there is none.
func programsOf(a Attachment) (entry, ret string) {
	switch a {
	case AttachFentry:
		return progFentry, progFexit
	case AttachFmodRet:
		return progFmodRet, progFexit
	case AttachLSM:
		return progLSM, ""
	case AttachKprobe, AttachKprobeMulti, AttachUprobe, AttachUprobeMulti:
		return progKprobe, progKretprobe
	case AttachSysEnter:
		return progEnter, progReturn
	case AttachSysExit:
		return progFDInstall, ""
	case AttachTracepoint:
		return progTracepoint, ""
	case AttachBTFTracepoint:
		return progBTFTracepoint, ""
	}
	return progRawTracepoint, ""
}

// program is a hook's program, specialised to a shape and loaded, with the
// tables that it works by. Hooks at kprobe_multi share it if they have the
// same rules.
type program struct {
	key   compile.HookKey
	shape shape
	coll  *ebpf.Collection
	// returnSlot is where its return program goes: one of the hook's two, or
	// at kprobe_multi one of its own.
	returnSlot uint32
	// current is the half that is in force, halves what they hold, nil where
	// a half is not in use. written is what stands in the maps.
	current half
	halves  [2]*tables
	written [2]*tables
	// zeroes are the counters of a rule that has done nothing, for every CPU.
	zeroes any
}

// halfBit is the bit of a string table's state that tells the half.
const halfBit = 31

func (p *program) close() { p.coll.Close() }

// entry is the program for the hook's entry.
func (p *program) entry() *ebpf.Program {
	name, _ := programsOf(p.shape.place)
	return p.coll.Programs[name]
}

// ret is the program for the hook's return, nil if no rule waits for it.
func (p *program) ret() *ebpf.Program {
	_, name := programsOf(p.shape.place)
	return p.coll.Programs[name]
}

// tables are those in force.
func (p *program) tables() *tables { return p.halves[p.current] }

// ownMaps are the maps that each program of each hook has for itself.
var ownMaps = map[string]bool{
	"vd_table": true, "vd_vectors": true, "vd_strings": true, "vd_automata": true, "vd_rules": true, "vd_rule_counters": true,
	"vd_tables": true, "vd_current": true,
}

// memoryBytes is what the kernel holds for the program and its own maps.
func (p *program) memoryBytes() uint64 {
	var sum uint64
	for name, m := range p.coll.Maps {
		if ownMaps[name] {
			sum += mapBytes(m)
		}
	}
	for _, prog := range p.coll.Programs {
		sum += programBytes(prog)
	}
	return sum
}

func mapBytes(m *ebpf.Map) uint64 {
	info, err := m.Info()
	if err != nil {
		return 0
	}
	n, _ := info.Memlock()
	return n
}

func programBytes(p *ebpf.Program) uint64 {
	info, err := p.Info()
	if err != nil {
		return 0
	}
	n, _ := info.Memlock()
	return n
}

// load specialises the programs to a shape and loads them, without tables
// and without anything that leads to them.
func (e *Engine) load(h *compile.Hook, s shape, returnSlot uint32) (*program, error) {
	if err := e.provide(s.config); err != nil {
		return nil, err
	}
	spec := e.spec.Copy()
	entry, ret := programsOf(s.place)
	keep := []string{entry}
	if s.hasReturn && ret != "" {
		keep = append(keep, ret)
	}
	keepPrograms(spec, keep)
	for _, p := range spec.Programs {
		attachTo(p, s.place, s.function)
	}
	cfg := s.config
	cfg.ReturnSlot = returnSlot
	if s.config.Wrapper != 0 && s.place != AttachKprobeMulti {
		cfg.Call = e.callOf(h.Key)
	}
	err := errors.Join(spec.Variables["vd_config"].Set(cfg), spec.Variables["vd_abi"].Set(e.abiConfig(h.Key.Kind)),
		spec.Variables["vd_fd_calls"].Set(fdCallBits(e.abi.Name)), spec.Variables["vd_operands"].Set(s.operands),
		spec.Variables["vd_cgroup_controller"].Set(e.base.cgroupController),
		spec.Variables["vd_sets"].Set(s.writes.sets), spec.Variables["vd_overrides"].Set(s.writes.overrides),
		spec.Variables["vd_steps"].Set(s.steps))
	if err != nil {
		return nil, err
	}
	if err := setExpressions(spec, h.Expressions); err != nil {
		return nil, err
	}
	sizeMaps(spec, s)
	coll, err := e.newCollection(spec, e.shared)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return &program{key: h.Key, shape: s, coll: coll, returnSlot: returnSlot, zeroes: e.zeroCounters}, nil
}

// attachTo tells a program's specification which function of the kernel it
// is for.
func attachTo(p *ebpf.ProgramSpec, a Attachment, function string) {
	switch a {
	case AttachFentry, AttachFmodRet, AttachLSM, AttachBTFTracepoint:
		p.AttachTo = function
	case AttachKprobeMulti:
		p.AttachType = ebpf.AttachTraceKprobeMulti
	case AttachUprobeMulti:
		p.AttachType = ebpf.AttachTraceUprobeMulti
	}
}

// sizeMaps gives the program's own maps room for two halves.
func sizeMaps(spec *ebpf.CollectionSpec, s shape) {
	spec.Maps["vd_table"].ValueSize = rowBytes * s.entries
	vectors := spec.Maps["vd_vectors"]
	vectors.MaxEntries = 2 * s.vectors
	vectors.ValueSize = 8 * s.config.Words
	vectors.Key, vectors.Value = nil, nil // the value is cut: its type no longer fits
	spec.Maps["vd_strings"].MaxEntries = 2 * s.strings
	spec.Maps["vd_automata"].ValueSize = automataBytes(s)
	spec.Maps["vd_rules"].MaxEntries = s.ruleRows()
	spec.Maps["vd_rule_counters"].MaxEntries = s.ruleRows()
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
