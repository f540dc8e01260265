// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// perfTracepoint attaches a program to a tracepoint by its id. One perf
// event suffices: the program is called for the events of all CPUs
// (kernel/trace/bpf_trace.c, perf_event_attach_bpf_prog).
type perfTracepoint struct {
	fd int
}

func attachPerfTracepoint(id uint64, prog *ebpf.Program) (*perfTracepoint, error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_TRACEPOINT, Size: uint32(unix.PERF_ATTR_SIZE_VER1), Config: id,
		Sample_type: unix.PERF_SAMPLE_RAW, Sample: 1, Wakeup: 1,
	}
	fd, err := unix.PerfEventOpen(&attr, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("perf event: %w", err)
	}
	p := &perfTracepoint{fd: fd}
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, prog.FD()); err != nil {
		return nil, errors.Join(fmt.Errorf("perf event: set program: %w", err), p.Close())
	}
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0); err != nil {
		return nil, errors.Join(fmt.Errorf("perf event: enable: %w", err), p.Close())
	}
	return p, nil
}

// Close detaches the program.
func (p *perfTracepoint) Close() error { return unix.Close(p.fd) }
