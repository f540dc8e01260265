// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// errSilent says that a program was attached and did not run.
var errSilent = errors.New("a program can be attached but never runs")

// refusedUnseen is the answer of kernels that forbid a kind of program as
// such: no program of that kind gets as far as the verifier.
type refusedUnseen struct{}

func (refusedUnseen) Error() string { return "trampolines are refused with EPERM before the verifier" }

func (refusedUnseen) Unwrap() error { return unix.EPERM }

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
		return attachFailure(err)
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

// errUnknownLink is the answer of kernels that cannot attach programs of a
// kind, although they may load them.
var errUnknownLink = errors.New("the kernel does not know this way of attaching")

// attachFailure replaces what the library tells of a missing feature, which is a
// version and not the kernel's answer.
func attachFailure(err error) error {
	if errors.Is(err, ebpf.ErrNotSupported) {
		return errUnknownLink
	}
	return err
}

func newCounter() (*ebpf.Map, error) {
	return ebpf.NewMap(&ebpf.MapSpec{Name: probeName, Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
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

// probeName is the name of all programs and maps that are tried.
const probeName = "vedette_probe"

// load loads a program, and puts what the kernel answers in order.
func (o *Offer) load(spec *ebpf.ProgramSpec) (*ebpf.Program, error) {
	spec.Name, spec.License = probeName, "GPL"
	collection, err := ebpf.NewCollectionWithOptions(
		&ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{probeName: spec}},
		ebpf.CollectionOptions{Cache: o.types.cache()},
	)
	if err != nil {
		return nil, loadError(spec, err)
	}
	defer collection.Close()
	return collection.DetachProgram(probeName), nil
}

// loadError tells a kind of program that is refused as such from a program
// that is.
func loadError(spec *ebpf.ProgramSpec, err error) error {
	var verifier *ebpf.VerifierError
	if errors.As(err, &verifier) {
		if words := lastWords(verifier.Log); words != "" {
			return fmt.Errorf("the verifier says %q: %w", words, verifier.Cause)
		}
	}
	if onTrampoline(spec) && errors.Is(err, unix.EPERM) {
		return refusedUnseen{}
	}
	return err
}

// lastWords returns the reason at the end of the verifier's log. Statistics
// can follow it, and since Linux 7.3 an explanation in many lines.
func lastWords(log []string) string {
	if i := slices.IndexFunc(log, func(line string) bool { return strings.HasPrefix(line, "Verification failed:") }); i >= 0 {
		log = log[:i]
	}
	for _, line := range slices.Backward(log) {
		line = strings.TrimSpace(line)
		switch {
		case line == "", strings.HasPrefix(line, "processed "), strings.HasPrefix(line, "verification time "),
			strings.HasPrefix(line, "stack depth "):
		default:
			return line
		}
	}
	return ""
}

// onTrampoline reports whether a program of that kind runs on a trampoline.
func onTrampoline(spec *ebpf.ProgramSpec) bool {
	switch spec.AttachType {
	case ebpf.AttachTraceFEntry, ebpf.AttachTraceFExit, ebpf.AttachModifyReturn, ebpf.AttachLSMMac:
		return true
	}
	return false
}

// targetFunction is what most programs are tried on. It is on the way of
// getsid of a process that is named: a call that hardly anybody makes.
const targetFunction = "security_task_getsid"

// callGetsid runs through the target function.
func callGetsid() error {
	_, err := unix.Getsid(os.Getpid())
	return err
}

// attachTracing attaches programs that know their target from loading.
func attachTracing(program *ebpf.Program) (io.Closer, error) {
	return link.AttachTracing(link.TracingOptions{Program: program})
}
