// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// Require checks what Vedette cannot do without: the right to load programs,
// BTF, the ring buffer and tracing programs. The error is one sentence about
// the first thing that is missing.
func Require() error {
	if err := Privileged(); err != nil {
		return err
	}
	if _, err := btf.LoadKernelSpec(); err != nil {
		return &MissingError{Feature: "BTF (/sys/kernel/btf/vmlinux)", Since: "5.4", Option: "CONFIG_DEBUG_INFO_BTF", Cause: err}
	}
	if err := features.HaveMapType(ebpf.RingBuf); err != nil {
		return &MissingError{Feature: "the BPF ring buffer", Since: "5.8", Cause: err}
	}
	if err := features.HaveProgramHelper(ebpf.RawTracepoint, asm.FnKtimeGetBootNs); err != nil {
		return &MissingError{Feature: "the BPF helper ktime_get_boot_ns", Since: "5.8", Cause: err}
	}
	return nil
}

// Privileged returns nil if this process may load BPF programs. The error
// tells a missing right from a missing feature. Before Linux 5.11 maps count
// as locked memory, whose limit is lifted.
func Privileged() error {
	if err := rlimit.RemoveMemlock(); err != nil && os.Geteuid() == 0 {
		return fmt.Errorf("lift the limit of locked memory: %w", err)
	}
	err := features.HaveMapType(ebpf.Array)
	if err == nil {
		return nil
	}
	if errors.Is(err, unix.EPERM) || errors.Is(err, os.ErrPermission) {
		if os.Geteuid() != 0 {
			return fmt.Errorf("loading BPF programs needs root (or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE): %w", unix.EPERM)
		}
		return fmt.Errorf("root may not load BPF programs here (a container without the capabilities, or lockdown): %w", err)
	}
	return &MissingError{Feature: "BPF", Option: "CONFIG_BPF_SYSCALL", Cause: err}
}
