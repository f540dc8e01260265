// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

func tryUprobe(o *Offer) error { return o.runUprobe(link.UprobeOptions{Address: probed}) }

// tryUSDT tries a uprobe with a counter of its users in the program's memory.
func tryUSDT(o *Offer) error {
	return o.runUprobe(link.UprobeOptions{Address: probed, RefCtrOffset: 2 * probed})
}

// probed is the place of the probe in the executable, in bytes.
const probed = 64

func (o *Offer) runUprobe(options link.UprobeOptions) error {
	if err := checkEventSource("uprobe"); err != nil {
		return err
	}
	return o.runExecutable(ebpf.AttachNone, func(e *link.Executable, p *ebpf.Program) (io.Closer, error) {
		return e.Uprobe("", p, &options)
	})
}

func tryUprobeMulti(o *Offer) error {
	return o.runExecutable(ebpf.AttachTraceUprobeMulti, func(e *link.Executable, p *ebpf.Program) (io.Closer, error) {
		l, err := e.UprobeMulti(nil, p, &link.UprobeMultiOptions{Addresses: []uint64{probed}})
		if errors.Is(err, unix.EINVAL) {
			// All else about the request is right.
			return nil, fmt.Errorf("%w: %w", errUnknownLink, unix.EINVAL)
		}
		return l, err
	})
}

// runExecutable tries a probe on a program that nobody runs: a file in
// memory. What is probed is only registered, no code is changed.
func (o *Offer) runExecutable(kind ebpf.AttachType, attach func(*link.Executable, *ebpf.Program) (io.Closer, error)) error {
	file, target, err := openExecutable()
	if err != nil {
		return err
	}
	defer file.Close()
	return o.run(trial{
		spec:   ebpf.ProgramSpec{Type: ebpf.Kprobe, AttachType: kind},
		attach: func(p *ebpf.Program) (io.Closer, error) { return attach(target, p) },
	})
}

// openExecutable makes an executable that is there until its file is closed.
func openExecutable() (*os.File, *link.Executable, error) {
	file, err := executable()
	if err != nil {
		return nil, nil, err
	}
	target, err := link.OpenExecutable(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, target, nil
}

// noops are instructions that do nothing, by GOARCH.
var noops = map[string][]byte{"amd64": {0x90}, "arm64": {0x1f, 0x20, 0x03, 0xd5}}

// executable makes a file of one page of instructions that do nothing.
func executable() (*os.File, error) {
	fd, err := unix.MemfdCreate(probeName, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("file in memory: %w", err)
	}
	file := os.NewFile(uintptr(fd), probeName)
	noop, ok := noops[runtime.GOARCH]
	if !ok {
		file.Close()
		return nil, fmt.Errorf("instructions of %s are not known", runtime.GOARCH)
	}
	if _, err := file.Write(bytes.Repeat(noop, 4096/len(noop))); err != nil {
		file.Close()
		return nil, fmt.Errorf("file in memory: %w", err)
	}
	return file, nil
}

// tryCookies tries the cookie of a uprobe: kprobes and tracepoints get theirs
// the same way (bpf_perf_link_attach in kernel/bpf/syscall.c).
func tryCookies(o *Offer) error {
	if err := checkEventSource("uprobe"); err != nil {
		return err
	}
	file, target, err := openExecutable()
	if err != nil {
		return err
	}
	defer file.Close()
	return o.runCookie(trial{
		spec: ebpf.ProgramSpec{Type: ebpf.Kprobe},
		attach: func(p *ebpf.Program) (io.Closer, error) {
			return target.Uprobe("", p, &link.UprobeOptions{Address: probed, Cookie: cookie})
		},
	})
}

// tryUprobeRegisters tries a program that writes a register.
func tryUprobeRegisters(o *Offer) error {
	return o.tryLoad(ebpf.ProgramSpec{Type: ebpf.Kprobe}, asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 0, asm.DWord),
		asm.StoreMem(asm.R1, 0, asm.R2, asm.DWord),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	})
}

// tryWriteUser tries the helper that writes into a program's memory, at an
// address where there is none.
func tryWriteUser(o *Offer) error {
	return o.tryLoad(ebpf.ProgramSpec{Type: ebpf.Kprobe}, asm.Instructions{
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -8),
		asm.Mov.Imm(asm.R1, 0),
		asm.StoreMem(asm.R2, 0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R3, 8),
		asm.FnProbeWriteUser.Call(),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	})
}
