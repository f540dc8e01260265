// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// errSilent says that a program was attached and did not run.
var errSilent = errors.New("a program can be attached but never runs")

// errRefusedUnseen is the answer of kernels that forbid a kind of program as
// such: no program of that kind gets as far as the verifier.
var errRefusedUnseen = errors.New("trampolines are refused with EPERM before the verifier")

// trial is one program, attached and run once, and taken away again.
type trial struct {
	spec   ebpf.ProgramSpec
	attach func(*ebpf.Program) (io.Closer, error)
	// trigger makes the program run.
	trigger func() error
}

// run tries it. The program counts its runs; it changes nothing else.
func (o *Offer) run(t trial) error {
	counter, err := newCounter()
	if err != nil {
		return err
	}
	defer counter.Close()
	if t.spec.Instructions == nil {
		t.spec.Instructions = counting(counter, 0)
	}
	program, err := o.load(&t.spec)
	if err != nil {
		return err
	}
	defer program.Close()
	return o.fires(t, program, counter)
}

// fires attaches a program and reports whether it ran.
func (o *Offer) fires(t trial, program *ebpf.Program, counter *ebpf.Map) error {
	l, err := t.attach(program)
	if err != nil {
		return err
	}
	if t.trigger != nil {
		err = t.trigger()
	}
	if closeErr := l.Close(); err == nil {
		err = closeErr
	}
	if err != nil || t.trigger == nil {
		return err
	}
	var runs uint64
	if err := counter.Lookup(uint32(0), &runs); err != nil {
		return err
	}
	if runs == 0 {
		return errSilent
	}
	return nil
}

func newCounter() (*ebpf.Map, error) {
	return ebpf.NewMap(&ebpf.MapSpec{Name: "vedette_probe", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
}

// counting is a program that counts its runs and returns a value.
func counting(counter *ebpf.Map, result int32) asm.Instructions {
	return append(count(counter), asm.Mov.Imm(asm.R0, result), asm.Return())
}

// count counts one run. It uses R1 and R2.
func count(counter *ebpf.Map) asm.Instructions {
	return asm.Instructions{
		asm.LoadMapValue(asm.R1, counter.FD(), 0),
		asm.Mov.Imm(asm.R2, 1),
		asm.StoreXAdd(asm.R1, asm.R2, asm.DWord),
	}
}

// load loads a program, and puts what the kernel answers in order.
func (o *Offer) load(spec *ebpf.ProgramSpec) (*ebpf.Program, error) {
	const name = "vedette_probe"
	spec.Name, spec.License = name, "GPL"
	collection, err := ebpf.NewCollectionWithOptions(
		&ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{name: spec}},
		ebpf.CollectionOptions{Cache: o.types.cache()},
	)
	if err != nil {
		return nil, loadError(spec, err)
	}
	defer collection.Close()
	return collection.DetachProgram(name), nil
}

// loadError tells a kind of program that is refused as such from a program
// that is.
func loadError(spec *ebpf.ProgramSpec, err error) error {
	var verifier *ebpf.VerifierError
	seen := errors.As(err, &verifier) && len(verifier.Log) > 0
	if onTrampoline(spec) && errors.Is(err, unix.EPERM) && !seen {
		return fmt.Errorf("%w: %w", errRefusedUnseen, unix.EPERM)
	}
	if seen {
		return fmt.Errorf("the verifier refuses the program: %w", err)
	}
	return err
}

// onTrampoline reports whether a program of that kind runs on a trampoline.
func onTrampoline(spec *ebpf.ProgramSpec) bool {
	switch spec.AttachType {
	case ebpf.AttachTraceFEntry, ebpf.AttachTraceFExit, ebpf.AttachModifyReturn, ebpf.AttachLSMMac:
		return true
	}
	return false
}

// Every function that is tried is on the way of getsid of a process that is
// named: a call that hardly anybody makes.
const (
	targetFunction = "security_task_getsid"
	targetLSMHook  = "task_getsid"
)

// callGetsid runs through the target function.
func callGetsid() error {
	_, err := unix.Getsid(os.Getpid())
	return err
}

// attachTracing attaches programs that know their target from loading.
func attachTracing(program *ebpf.Program) (io.Closer, error) {
	return link.AttachTracing(link.TracingOptions{Program: program})
}
