// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

func tryBTF(o *Offer) error {
	_, err := o.types.kernel()
	return err
}

func tryRingBuffer(*Offer) error {
	return tryMap(&ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: uint32(unix.Getpagesize())})
}

func tryMap(spec *ebpf.MapSpec) error {
	spec.Name = probeName
	m, err := ebpf.NewMap(spec)
	if err != nil {
		return err
	}
	return m.Close()
}

func tryBTFTracepoint(o *Offer) error {
	return o.run(trial{
		spec:    ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "sys_enter"},
		attach:  attachTracing,
		trigger: callGetsid,
	})
}

func tryRawTracepoint(o *Offer) error {
	return o.run(trial{
		spec: ebpf.ProgramSpec{Type: ebpf.RawTracepoint},
		attach: func(p *ebpf.Program) (io.Closer, error) {
			return link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sys_enter", Program: p})
		},
		trigger: callGetsid,
	})
}

func tryTracepoint(o *Offer) error {
	fs, err := OpenTracefs()
	if err != nil {
		return err
	}
	defer fs.Close()
	format, err := fs.Format("raw_syscalls", "sys_enter")
	if err != nil {
		return err
	}
	return o.run(trial{
		spec:    ebpf.ProgramSpec{Type: ebpf.TracePoint},
		attach:  func(p *ebpf.Program) (io.Closer, error) { return attachTracepoint(format.ID, p) },
		trigger: callGetsid,
	})
}

// perfEvent is a tracepoint's perf event with a program.
type perfEvent int

func attachTracepoint(id uint64, program *ebpf.Program) (io.Closer, error) {
	fd, err := unix.PerfEventOpen(&unix.PerfEventAttr{
		Type: unix.PERF_TYPE_TRACEPOINT, Size: unix.PERF_ATTR_SIZE_VER1, Config: id,
		Sample_type: unix.PERF_SAMPLE_RAW, Sample: 1, Wakeup: 1,
	}, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("perf event: %w", err)
	}
	if err = unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, program.FD()); err == nil {
		err = unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("perf event: %w", err)
	}
	return perfEvent(fd), nil
}

// Close ends the event and detaches its program.
func (p perfEvent) Close() error { return unix.Close(int(p)) }

func tryIterTask(o *Offer) error {
	var iterator *link.Iter
	return o.run(trial{
		spec: ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceIter, AttachTo: "task"},
		attach: func(p *ebpf.Program) (_ io.Closer, err error) {
			iterator, err = link.AttachIter(link.IterOptions{Program: p})
			return iterator, err
		},
		trigger: func() error {
			r, err := iterator.Open()
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.Copy(io.Discard, r)
			return err
		},
	})
}

func tryCgroupConnect(o *Offer) error {
	root, err := mount("cgroup2")
	if err != nil {
		return err
	}
	defer root.Close()
	counter, err := newCounter()
	if err != nil {
		return err
	}
	defer counter.Close()
	const allow = 1
	t := trial{
		spec: ebpf.ProgramSpec{
			Type: ebpf.CGroupSockAddr, AttachType: ebpf.AttachCGroupInet4Connect, Instructions: counting(counter, allow),
		},
		attach: func(p *ebpf.Program) (io.Closer, error) {
			return link.AttachCgroup(link.CgroupOptions{
				Path: fmt.Sprintf("/proc/self/fd/%d", root.Fd()), Attach: ebpf.AttachCGroupInet4Connect, Program: p,
			})
		},
		trigger: connect,
	}
	program, err := o.load(&t.spec)
	if err != nil {
		return err
	}
	defer program.Close()
	return o.fires(t, program, counter)
}

// connect connects a datagram socket to the discard port of this machine:
// nothing is sent.
func connect() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	// Without a route the call fails, behind the program.
	_ = unix.Connect(fd, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}})
	return nil
}

// tryTaskStorage loads a program that uses storage of the current task.
func tryTaskStorage(o *Offer) error {
	storage, err := ebpf.NewMap(&ebpf.MapSpec{
		Name: probeName, Type: ebpf.TaskStorage, KeySize: 4, ValueSize: 8, Flags: unix.BPF_F_NO_PREALLOC,
		Key: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}, Value: &btf.Int{Name: "long", Size: 8, Encoding: btf.Signed},
	})
	if err != nil {
		return err
	}
	defer storage.Close()
	const create = 1 // BPF_LOCAL_STORAGE_GET_F_CREATE
	return o.tryLoad(ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "sys_enter"}, asm.Instructions{
		asm.FnGetCurrentTaskBtf.Call(),
		asm.Mov.Reg(asm.R2, asm.R0),
		asm.LoadMapPtr(asm.R1, storage.FD()),
		asm.Mov.Imm(asm.R3, 0),
		asm.Mov.Imm(asm.R4, create),
		asm.FnTaskStorageGet.Call(),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	})
}

// tryLoad loads a program and lets it go.
func (o *Offer) tryLoad(spec ebpf.ProgramSpec, code asm.Instructions) error {
	spec.Instructions = code
	program, err := o.load(&spec)
	if err != nil {
		return err
	}
	return program.Close()
}

// tryInnerMap puts an array into an array of arrays of another size.
func tryInnerMap(*Offer) error {
	inner := func(entries uint32) *ebpf.MapSpec {
		return &ebpf.MapSpec{
			Name: probeName, Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: entries, Flags: unix.BPF_F_INNER_MAP,
		}
	}
	outer, err := ebpf.NewMap(&ebpf.MapSpec{
		Name: probeName, Type: ebpf.ArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, InnerMap: inner(1),
	})
	if err != nil {
		return err
	}
	defer outer.Close()
	other, err := ebpf.NewMap(inner(4))
	if err != nil {
		return err
	}
	defer other.Close()
	return outer.Put(uint32(0), other)
}

func trySendSignal(o *Offer) error {
	return o.tryLoad(ebpf.ProgramSpec{Type: ebpf.RawTracepoint}, asm.Instructions{
		asm.Mov.Imm(asm.R1, 0),
		asm.FnSendSignal.Call(),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	})
}
