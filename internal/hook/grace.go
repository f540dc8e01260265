// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"fmt"

	"github.com/cilium/ebpf"
)

// barrier waits for programs. It is an array of maps of which nothing but an
// update is wanted: that returns only when every program that had begun has
// ended, on any machine (kernel/bpf/syscall.c, maybe_wait_bpf_programs, which
// calls synchronize_rcu; programs run as readers of RCU).
type barrier struct {
	outer, inner *ebpf.Map
}

func (b *barrier) open() error {
	spec := &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	var err error
	if b.inner, err = ebpf.NewMap(spec); err != nil {
		return fmt.Errorf("barrier: %w", err)
	}
	b.outer, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.ArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, InnerMap: spec})
	if err != nil {
		return fmt.Errorf("barrier: %w", err)
	}
	return nil
}

// wait returns when every run of a program that had begun has ended.
func (b *barrier) wait() error {
	if err := b.outer.Put(uint32(0), b.inner); err != nil {
		return fmt.Errorf("wait for programs: %w", err)
	}
	return nil
}

func (b *barrier) close() error {
	for _, m := range []*ebpf.Map{b.outer, b.inner} {
		if m == nil {
			continue
		}
		if err := m.Close(); err != nil {
			return fmt.Errorf("barrier: %w", err)
		}
	}
	return nil
}
