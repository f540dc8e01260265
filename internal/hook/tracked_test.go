// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/vedette-io/vedette/bpf"
)

// TestReleaseTracked gives the number of a policy that tracks sockets free.
func TestReleaseTracked(t *testing.T) {
	_, e := mustEngine(t, Options{})
	mustNil(t, e.provide(bpf.HookConfig{Features: uint32(bpf.ContractVdHookFeatureVD_FEATURE_SOCK_TRACK)}))
	m := e.shared["vd_sock_owners"]
	for sock, trackers := range map[uint64]uint64{1: 1 << 3, 2: 1<<3 | 1<<4, 3: 1 << 4} {
		mustNil(t, m.Put(sock, bpf.SockOwner{Trackers: trackers, Pid: 7}))
	}
	mustNil(t, e.ReleaseFollow(3))
	var owner bpf.SockOwner
	if err := m.Lookup(uint64(1), &owner); !errors.Is(err, ebpf.ErrKeyNotExist) {
		t.Errorf("a socket that nobody tracks any more is kept: %v", err)
	}
	for _, sock := range []uint64{2, 3} {
		mustNil(t, m.Lookup(sock, &owner))
		if owner.Trackers != 1<<4 || owner.Pid != 7 {
			t.Errorf("socket %d: %+v", sock, owner)
		}
	}
}
