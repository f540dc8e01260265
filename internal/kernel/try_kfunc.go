// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// tryPathDPath loads an LSM program that makes a path into text.
func tryPathDPath(o *Offer) error {
	call, err := o.kfuncs("bpf_path_d_path")
	if err != nil {
		return err
	}
	path, err := o.fileOffset("f_path")
	if err != nil {
		return err
	}
	return o.tryLoad(fileOpen(), asm.Instructions{
		asm.Mov.Imm(asm.R2, 0),
		asm.StoreMem(asm.R10, -8, asm.R2, asm.DWord),
		asm.StoreMem(asm.R10, -16, asm.R2, asm.DWord),
		asm.LoadMem(asm.R1, asm.R1, 0, asm.DWord),
		asm.Add.Imm(asm.R1, path),
		asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, -16),
		asm.Mov.Imm(asm.R3, 16),
		call[0],
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	})
}

// tryTaskExeFile loads an LSM program that takes and gives back the
// executable of the current task.
func tryTaskExeFile(o *Offer) error {
	calls, err := o.kfuncs("bpf_get_task_exe_file", "bpf_put_file")
	if err != nil {
		return err
	}
	return o.tryLoad(fileOpen(), asm.Instructions{
		asm.FnGetCurrentTaskBtf.Call(),
		asm.Mov.Reg(asm.R1, asm.R0),
		calls[0],
		asm.JEq.Imm(asm.R0, 0, "exit"),
		asm.Mov.Reg(asm.R1, asm.R0),
		calls[1],
		asm.Mov.Imm(asm.R0, 0).WithSymbol("exit"),
		asm.Return(),
	})
}

// tryKfuncIterTask loads a tracing program that begins to walk all processes.
func tryKfuncIterTask(o *Offer) error {
	calls, err := o.kfuncs("bpf_iter_task_new", "bpf_iter_task_destroy")
	if err != nil {
		return err
	}
	spec := ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "sys_enter"}
	return o.tryLoad(spec, asm.Instructions{
		asm.Mov.Reg(asm.R1, asm.R10),
		asm.Add.Imm(asm.R1, -24), // struct bpf_iter_task is 24 bytes
		asm.Mov.Imm(asm.R2, 0),
		asm.Mov.Imm(asm.R3, 0), // BPF_TASK_ITER_ALL_PROCS
		calls[0],
		asm.Mov.Reg(asm.R1, asm.R10),
		asm.Add.Imm(asm.R1, -24),
		calls[1],
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	})
}

// fileOpen is an LSM program that sees files being opened.
func fileOpen() ebpf.ProgramSpec {
	return ebpf.ProgramSpec{Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "file_open"}
}

// kfuncs returns calls of functions of the kernel.
func (o *Offer) kfuncs(names ...string) (asm.Instructions, error) {
	spec, err := o.types.kernel()
	if err != nil {
		return nil, err
	}
	var calls asm.Instructions
	for _, name := range names {
		var f *btf.Func
		if err := spec.TypeByName(name, &f); err != nil {
			return nil, fmt.Errorf("there is no function %s", name)
		}
		id, err := spec.TypeID(f)
		if err != nil {
			return nil, err
		}
		calls = append(calls, asm.Instruction{
			OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall, Constant: int64(id),
		})
	}
	return calls, nil
}

// fileOffset returns where a member of struct file is, in bytes.
func (o *Offer) fileOffset(member string) (int32, error) {
	spec, err := o.types.kernel()
	if err != nil {
		return 0, err
	}
	var file *btf.Struct
	if err := spec.TypeByName("file", &file); err != nil {
		return 0, err
	}
	if at, ok := memberOffset(file.Members, member); ok {
		return int32(at), nil
	}
	return 0, errors.New("struct file has no member " + member)
}

// memberOffset finds a member also in members without a name.
func memberOffset(members []btf.Member, name string) (uint32, bool) {
	for _, m := range members {
		if m.Name == name {
			return m.Offset.Bytes(), true
		}
		if m.Name != "" {
			continue
		}
		var inner []btf.Member
		switch t := btf.UnderlyingType(m.Type).(type) {
		case *btf.Struct:
			inner = t.Members
		case *btf.Union:
			inner = t.Members
		}
		if at, ok := memberOffset(inner, name); ok {
			return m.Offset.Bytes() + at, true
		}
	}
	return 0, false
}
