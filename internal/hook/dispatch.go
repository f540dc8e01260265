// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
)

// dispatcher leads the system call tracepoints to the hooks' programs. The
// tracepoints tax every system call of the machine, so each is attached only
// while a hook needs it.
type dispatcher struct {
	coll            *ebpf.Collection
	enters, returns *ebpf.Map
	enter, exit     link.Link
	// compat is what vd_compat_status holds.
	compat uint32
}

// open makes sure that entries, and with withReturn also returns, are seen.
func (d *dispatcher) open(e *Engine, withReturn bool) error {
	if d.coll == nil {
		if err := d.load(e); err != nil {
			return err
		}
	}
	var err error
	if d.enter == nil {
		if d.enter, err = d.attach("vd_sys_enter"); err != nil {
			return err
		}
	}
	if withReturn && d.exit == nil {
		if d.exit, err = d.attach("vd_sys_exit"); err != nil {
			return err
		}
	}
	return nil
}

func (d *dispatcher) load(e *Engine) error {
	spec, err := bpf.LoadSyscall()
	if err != nil {
		return fmt.Errorf("system call dispatchers: %w", err)
	}
	if err := spec.Variables["vd_x32_bit"].Set(e.abi.X32Bit); err != nil {
		return fmt.Errorf("system call dispatchers: %w", err)
	}
	d.coll, err = e.newCollection(spec, e.base.replacements(spec))
	if err != nil {
		return fmt.Errorf("system call dispatchers: %w", err)
	}
	d.enters, d.returns = d.coll.Maps["vd_enter_programs"], d.coll.Maps["vd_return_programs"]
	return nil
}

// tellCompat tells the dispatcher which bits of a thread's status mark 32-bit
// calls, 0 while there are no hooks on such calls: they are told apart only
// where that is needed.
func (d *dispatcher) tellCompat(status uint32) error {
	if d.coll == nil || d.compat == status {
		return nil
	}
	if err := d.coll.Variables["vd_compat_status"].Set(status); err != nil {
		return fmt.Errorf("system call dispatchers: %w", err)
	}
	d.compat = status
	return nil
}

func (d *dispatcher) attach(name string) (link.Link, error) {
	l, err := link.AttachTracing(link.TracingOptions{Program: d.coll.Programs[name]})
	if err != nil {
		return nil, fmt.Errorf("attach %s: %w", name, err)
	}
	return l, nil
}

// closeUnused detaches what no hook needs any more.
func (d *dispatcher) closeUnused(hooks map[compile.HookKey]*installed) error {
	enter, exit, compat := false, false, false
	for _, h := range hooks {
		if h.post.place.attachment == AttachSysEnter {
			enter = true
			exit = exit || h.program.shape.hasReturn
			compat = compat || h.post.entry >= compatEntries
		}
	}
	var errs []error
	if !enter && d.enter != nil {
		errs = append(errs, d.enter.Close())
		d.enter = nil
	}
	if !exit && d.exit != nil {
		errs = append(errs, d.exit.Close())
		d.exit = nil
	}
	if !compat {
		errs = append(errs, d.tellCompat(0))
	}
	return errors.Join(errs...)
}

func (d *dispatcher) close() error {
	errs := []error{d.closeUnused(nil)}
	if d.coll != nil {
		d.coll.Close()
		d.coll = nil
	}
	return errors.Join(errs...)
}
