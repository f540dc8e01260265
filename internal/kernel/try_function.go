// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

func tryFentry(o *Offer) error { return o.run(tracing(ebpf.AttachTraceFEntry, targetFunction)) }
func tryFexit(o *Offer) error  { return o.run(tracing(ebpf.AttachTraceFExit, targetFunction)) }

func tryFmodRet(o *Offer) error { return o.run(tracing(ebpf.AttachModifyReturn, targetFunction)) }

func tryFmodRetSyscall(o *Offer) error {
	return o.run(tracing(ebpf.AttachModifyReturn, syscallFunction("getsid")))
}

func trySleepableSyscall(o *Offer) error {
	t := tracing(ebpf.AttachTraceFEntry, syscallFunction("getsid"))
	t.spec.Flags = unix.BPF_F_SLEEPABLE
	return o.run(t)
}

// tracing is a program on a function.
func tracing(kind ebpf.AttachType, function string) trial {
	return trial{
		spec:    ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: kind, AttachTo: function},
		attach:  attachTracing,
		trigger: callGetsid,
	}
}

// syscallFunction returns the function of a system call.
func syscallFunction(call string) string {
	if runtime.GOARCH == "arm64" {
		return "__arm64_sys_" + call
	}
	return "__x64_sys_" + call
}

// tryTailCall lets one program on a function call another on the same, which
// counts.
func tryTailCall(o *Offer) error {
	counter, err := newCounter()
	if err != nil {
		return err
	}
	defer counter.Close()
	t := tracing(ebpf.AttachTraceFEntry, targetFunction)
	called := t.spec
	called.Instructions = counting(counter, 0)
	second, err := o.load(&called)
	if err != nil {
		return err
	}
	defer second.Close()
	table, err := ebpf.NewMap(&ebpf.MapSpec{Name: probeName, Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		return err
	}
	defer table.Close()
	if err := table.Put(uint32(0), second); err != nil {
		return err
	}
	t.spec.Instructions = asm.Instructions{
		asm.LoadMapPtr(asm.R2, table.FD()),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}
	first, err := o.load(&t.spec)
	if err != nil {
		return err
	}
	defer first.Close()
	return o.fires(t, first, counter)
}

func tryTracingCookies(o *Offer) error {
	t := tracing(ebpf.AttachTraceFEntry, targetFunction)
	t.attach = func(p *ebpf.Program) (io.Closer, error) {
		return link.AttachTracing(link.TracingOptions{Program: p, AttachType: ebpf.AttachTraceFEntry, Cookie: cookie})
	}
	return o.runCookie(t)
}

// cookie is what programs that ask for their cookie must get.
const cookie = 0x5eb1

// runCookie tries a program that runs only with its cookie.
func (o *Offer) runCookie(t trial) error {
	counter, err := newCounter()
	if err != nil {
		return err
	}
	defer counter.Close()
	t.spec.Instructions = append(asm.Instructions{
		asm.FnGetAttachCookie.Call(),
		asm.JNE.Imm(asm.R0, cookie, "exit"),
	}, count(counter)...)
	t.spec.Instructions = append(t.spec.Instructions, asm.Mov.Imm(asm.R0, 0).WithSymbol("exit"), asm.Return())
	program, err := o.load(&t.spec)
	if err != nil {
		return err
	}
	defer program.Close()
	return o.fires(t, program, counter)
}

func tryLSM(o *Offer) error { return o.runLSM("task_getsid", 0, callGetsid) }

// trySleepableLSM tries one of the hooks where programs may sleep.
func trySleepableLSM(o *Offer) error {
	return o.runLSM("sb_statfs", unix.BPF_F_SLEEPABLE, func() error {
		var s unix.Statfs_t
		return unix.Statfs("/", &s)
	})
}

// runLSM tries a program as security module. Where bpf is not one of the
// active modules, it can be attached and is never asked.
func (o *Offer) runLSM(hook string, flags uint32, trigger func() error) error {
	err := o.run(trial{
		spec:    ebpf.ProgramSpec{Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: hook, Flags: flags},
		attach:  func(p *ebpf.Program) (io.Closer, error) { return link.AttachLSM(link.LSMOptions{Program: p}) },
		trigger: trigger,
	})
	if errors.Is(err, errSilent) {
		active, listErr := activeLSMs()
		if listErr == nil && !containsWord(active, "bpf") {
			return fmt.Errorf("%w: bpf is not among the active security modules (%s)", err, active)
		}
	}
	return err
}

// containsWord reports whether a list with commas has a word.
func containsWord(list, word string) bool {
	return strings.Contains(","+list+",", ","+word+",")
}

func tryKprobe(o *Offer) error    { return o.runKprobe(link.Kprobe) }
func tryKretprobe(o *Offer) error { return o.runKprobe(link.Kretprobe) }

// runKprobe tries the two kinds of probes that are perf events.
func (o *Offer) runKprobe(attach func(string, *ebpf.Program, *link.KprobeOptions) (link.Link, error)) error {
	if err := checkEventSource("kprobe"); err != nil {
		return err
	}
	return o.run(trial{
		spec: ebpf.ProgramSpec{Type: ebpf.Kprobe},
		attach: func(p *ebpf.Program) (io.Closer, error) {
			return attach(targetFunction, p, nil)
		},
		trigger: callGetsid,
	})
}

// checkEventSource checks that perf has events of a kind.
func checkEventSource(name string) error {
	if _, err := os.Stat("/sys/bus/event_source/devices/" + name + "/type"); err != nil {
		return fmt.Errorf("perf has no events of the kind %s: %w", name, err)
	}
	return nil
}

func tryKprobeMulti(o *Offer) error {
	return o.runMulti(ebpf.AttachTraceKprobeMulti, func(p *ebpf.Program, options link.KprobeMultiOptions) (io.Closer, error) {
		return link.KprobeMulti(p, options)
	})
}

func tryKretprobeMulti(o *Offer) error {
	return o.runMulti(ebpf.AttachTraceKprobeMulti, func(p *ebpf.Program, options link.KprobeMultiOptions) (io.Closer, error) {
		return link.KretprobeMulti(p, options)
	})
}

func tryKprobeSession(o *Offer) error {
	return o.runMulti(ebpf.AttachTraceKprobeSession, func(p *ebpf.Program, options link.KprobeMultiOptions) (io.Closer, error) {
		options.Session = true
		return link.KprobeMulti(p, options)
	})
}

// runMulti tries probes on several functions at once.
func (o *Offer) runMulti(kind ebpf.AttachType, attach func(*ebpf.Program, link.KprobeMultiOptions) (io.Closer, error)) error {
	return o.run(trial{
		spec: ebpf.ProgramSpec{Type: ebpf.Kprobe, AttachType: kind},
		attach: func(p *ebpf.Program) (io.Closer, error) {
			return attach(p, link.KprobeMultiOptions{Symbols: []string{targetFunction}})
		},
		trigger: callGetsid,
	})
}

// tryOverride loads a program that could override a return. Whether a function lets that
// happen is for [Offer.CheckOverride] to say.
func tryOverride(o *Offer) error {
	program, err := o.load(&ebpf.ProgramSpec{Type: ebpf.Kprobe, Instructions: overriding()})
	if err != nil {
		return err
	}
	return program.Close()
}

// overriding is a program with a call of bpf_override_return that it never
// makes, which the verifier cannot know: the time since boot is not 0.
func overriding() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.FnKtimeGetNs.Call(),
		asm.JNE.Imm(asm.R0, 0, "exit"),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnOverrideReturn.Call(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("exit"),
		asm.Return(),
	}
}

// tryIMA tries the helper bpf_ima_file_hash, which is there also where what it
// asks is not.
func tryIMA(o *Offer) error {
	has, err := o.HasSymbol("ima_file_hash")
	if err != nil {
		return err
	}
	if !has {
		return errors.New("there is no function ima_file_hash")
	}
	if err := o.Check(FeatureSleepableLSM); err != nil {
		return err
	}
	return o.tryLoad(ebpf.ProgramSpec{Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "file_open", Flags: unix.BPF_F_SLEEPABLE}, asm.Instructions{
		asm.LoadMem(asm.R1, asm.R1, 0, asm.DWord),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -64),
		asm.Mov.Imm(asm.R3, 64),
		asm.FnImaFileHash.Call(),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	})
}
