// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/workload"
)

// NoteContainers enters the cgroups of containers that were there before the
// base. New ones are entered in the kernel when they are made, so that no
// process runs in one that is not known.
func (b *Base) NoteContainers() error {
	hierarchy, err := kernel.OpenCgroups(b.cgroupController)
	if err != nil {
		return fmt.Errorf("containers: %w", err)
	}
	defer hierarchy.Close()
	class := bpf.Workload{Classes: [2]uint32{compile.WorkloadContainer, compile.WorkloadContainer}}
	return kernel.Cgroups(hierarchy, func(id uint64, path string) error {
		if workload.ContainerID([]byte(path)) == nil {
			return nil
		}
		err := b.shared["vd_workloads"].Update(id, class, ebpf.UpdateNoExist)
		if err != nil && !errors.Is(err, ebpf.ErrKeyExist) {
			return fmt.Errorf("containers: cgroup %s: %w", path, err)
		}
		return nil
	})
}
