// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
)

// post is what stands at a hook: a dispatcher that leads to the hook's
// program, or to none. It stays while programs come and go.
type post struct {
	place place
	id    uint32
	coll  *ebpf.Collection
	links []io.Closer
	// entries and returns hold the programs; entry is this hook's key in
	// entries. System calls by tracepoints share one dispatcher, and so do
	// functions by kprobe_multi.
	entries, returns *ebpf.Map
	entry            uint32
	// returnBase is the hook's first slot in returns.
	returnBase uint32
	// seesReturns says that the dispatcher of returns is attached, by returnLink.
	seesReturns bool
	returnLink  io.Closer
}

// dispatchersOf are the programs of bpf/dispatch.bpf.c for an attachment.
func dispatchersOf(a Attachment) (entry, ret string) {
	switch a {
	case AttachFentry:
		return "vd_at_fentry", "vd_at_fexit"
	case AttachFmodRet:
		return "vd_at_fmod_ret", "vd_at_fexit"
	case AttachLSM:
		return "vd_at_lsm", ""
	case AttachKprobe, AttachUprobe, AttachUprobeMulti:
		return "vd_at_kprobe", "vd_at_kretprobe"
	case AttachTracepoint:
		return "vd_at_tracepoint", ""
	case AttachRawTracepoint:
		return "vd_at_raw_tracepoint", ""
	}
	return "vd_at_btf_tracepoint", ""
}

// hasherOf is the program of bpf/dispatch.bpf.c that hashes the file of an LSM
// hook: that of the program to be executed, or the hook's first argument.
func hasherOf(hook string) string {
	if strings.HasPrefix(hook, "bprm_") {
		return "vd_at_hash_binary"
	}
	return "vd_at_hash_file"
}

// stand puts a dispatcher at a place. It leads nowhere yet.
func (e *Engine) stand(key compile.HookKey, id uint32, p place, withReturn bool) (*post, error) {
	t := &post{place: p, id: id}
	if p.attachment == AttachSysEnter {
		t.entry, t.returnBase = e.entryOf(key), e.returnBase(key, p)
	} else if err := e.loadDispatchers(t); err != nil {
		return nil, err
	}
	if err := e.attachDispatchers(t, withReturn); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

func (e *Engine) loadDispatchers(t *post) error {
	if !t.place.wrapper && t.place.attachment.function() {
		if err := e.provide(bpf.HookConfig{Features: uint32(bpf.ContractVdHookFeatureVD_FEATURE_FRAMES)}); err != nil {
			return err
		}
	}
	spec, err := bpf.LoadDispatch()
	if err != nil {
		return fmt.Errorf("dispatchers: %w", err)
	}
	entry, ret := dispatchersOf(t.place.attachment)
	keep := []string{entry, ret}
	if t.place.hashes {
		if err := e.provide(bpf.HookConfig{Features: uint32(bpf.ContractVdHookFeatureVD_FEATURE_IMA)}); err != nil {
			return err
		}
		keep = append(keep, hasherOf(t.place.function))
	}
	keepPrograms(spec, keep)
	for _, p := range spec.Programs {
		attachTo(p, t.place.attachment, t.place.function)
	}
	cfg := bpf.DispatchVdDispatchConfig{Hook: t.id, Stack: e.abi.Stack, Popped: e.abi.Popped}
	if t.place.wrapper {
		cfg.Wrapper = 1
	}
	if t.place.endsVerdicts() {
		cfg.Verdicts = 1
	}
	if err := spec.Variables["vd_dispatch"].Set(cfg); err != nil {
		return fmt.Errorf("dispatchers: %w", err)
	}
	t.coll, err = e.newCollection(spec, e.base.replacements(spec))
	if err != nil {
		return fmt.Errorf("dispatchers: %w", err)
	}
	t.entries, t.returns = t.coll.Maps["vd_entry_program"], t.coll.Maps["vd_return_program"]
	return nil
}

// attachDispatchers attaches the return before the entry: no entry is to
// wait for a return that is not seen.
func (e *Engine) attachDispatchers(t *post, withReturn bool) error {
	if t.coll == nil {
		if err := e.dispatch.open(e, withReturn); err != nil {
			return err
		}
		t.entries, t.returns = e.dispatch.enters, e.dispatch.returns
		if t.entry >= compatEntries {
			return e.dispatch.tellCompat(e.abi.CompatStatus)
		}
		return nil
	}
	if withReturn {
		if err := e.seeReturns(t); err != nil {
			return err
		}
	}
	// Of the programs at an LSM hook the one attached last is the first.
	if t.place.hashes {
		l, err := link.AttachLSM(link.LSMOptions{Program: t.coll.Programs[hasherOf(t.place.function)]})
		if err != nil {
			return fmt.Errorf("attach: %w", err)
		}
		t.links = append(t.links, l)
	}
	entry, _ := dispatchersOf(t.place.attachment)
	l, err := e.attachEntry(t.place, t.coll.Programs[entry])
	if err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	t.links = append(t.links, l)
	return nil
}

// seeReturns makes sure that the hook's returns are seen.
func (e *Engine) seeReturns(t *post) error {
	if t.coll == nil {
		return e.dispatch.open(e, true)
	}
	_, ret := dispatchersOf(t.place.attachment)
	p := t.coll.Programs[ret]
	if t.seesReturns || p == nil {
		return nil
	}
	if err := e.attachReturn(t, p); err != nil {
		return fmt.Errorf("attach return: %w", err)
	}
	t.seesReturns = true
	return nil
}

func (e *Engine) attachReturn(t *post, p *ebpf.Program) error {
	var l io.Closer
	var err error
	switch t.place.attachment {
	case AttachUprobe, AttachUprobeMulti:
		l, err = t.place.target.attach(&e.files, t.place.attachment, p, true)
	case AttachKprobe:
		l, err = attachKretprobe(t.place.function, p)
	default:
		l, err = link.AttachTracing(link.TracingOptions{Program: p})
	}
	if err != nil {
		return err
	}
	t.links, t.returnLink = append(t.links, l), l
	return nil
}

func (e *Engine) attachEntry(p place, prog *ebpf.Program) (io.Closer, error) {
	switch p.attachment {
	case AttachLSM:
		return link.AttachLSM(link.LSMOptions{Program: prog})
	case AttachKprobe:
		return link.Kprobe(p.function, prog, nil)
	case AttachUprobe, AttachUprobeMulti:
		return p.target.attach(&e.files, p.attachment, prog, false)
	case AttachTracepoint:
		format, err := e.formatOf(p.function)
		if err != nil {
			return nil, err
		}
		return attachPerfTracepoint(format.ID, prog)
	case AttachRawTracepoint:
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: p.function, Program: prog})
	}
	return link.AttachTracing(link.TracingOptions{Program: prog})
}

// lead makes the dispatcher lead to a program: one store, before which the
// one that was there acts, and after which the new one does.
func (t *post) lead(p *program) error {
	if ret := p.ret(); ret != nil {
		if err := t.returns.Put(t.returnKey(p.returnSlot), ret); err != nil {
			return t.wrap(err)
		}
	}
	return t.wrap(t.entries.Put(t.entry, p.entry()))
}

// returnBase is the first of the two slots of the return programs of a hook
// that shares its program with no other: those of system calls by tracepoints
// are in one array.
func (e *Engine) returnBase(key compile.HookKey, p place) uint32 {
	if p.attachment == AttachSysEnter {
		return 2 * e.entryOf(key)
	}
	return 0
}

// returnKey is the key in returns of a program's slot.
func (t *post) returnKey(slot uint32) uint32 {
	if t.place.attachment == AttachKprobeMulti {
		return slot
	}
	return t.returnBase + slot&1
}

// dismiss makes the dispatcher lead nowhere. At kprobe_multi returns are the
// program's, which may have other hooks.
func (t *post) dismiss() error {
	err := ignoreMissing(t.entries.Delete(t.entry))
	if t.place.attachment == AttachKprobeMulti {
		return t.wrap(err)
	}
	for slot := range uint32(2) {
		err = errors.Join(err, ignoreMissing(t.returns.Delete(t.returnKey(slot))))
	}
	return t.wrap(err)
}

func ignoreMissing(err error) error {
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return nil
	}
	return err
}

func (t *post) wrap(err error) error {
	if err != nil {
		return fmt.Errorf("switch at %s: %w", t.place.function, err)
	}
	return nil
}

// close detaches the dispatcher, or leaves one that is shared.
func (t *post) close() error {
	var errs []error
	for i := len(t.links) - 1; i >= 0; i-- {
		errs = append(errs, t.links[i].Close())
	}
	t.links = nil
	if t.coll != nil {
		t.coll.Close()
	} else if t.entries != nil {
		errs = append(errs, t.dismiss())
	}
	return errors.Join(errs...)
}

// memoryBytes is what the kernel holds for the dispatcher.
func (t *post) memoryBytes() uint64 { return dispatcherBytes(t.coll, t.entries, t.returns) }

// dispatcherBytes is what the kernel holds for dispatchers and the maps of
// programs that they lead to; nothing where there are none.
func dispatcherBytes(coll *ebpf.Collection, entries, returns *ebpf.Map) uint64 {
	if coll == nil {
		return 0
	}
	sum := mapBytes(entries) + mapBytes(returns)
	for _, p := range coll.Programs {
		sum += programBytes(p)
	}
	return sum
}
