// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/vedette-io/vedette/bpf"
)

// releaseTracked forgets every socket that a policy tracks.
func (e *Engine) releaseTracked(bit int) error {
	m := e.shared["vd_sock_owners"]
	var sock uint64
	var owner bpf.SockOwner
	tracked := map[uint64]bpf.SockOwner{}
	it := m.Iterate()
	for it.Next(&sock, &owner) {
		if owner.Trackers>>bit&1 != 0 {
			owner.Trackers &^= 1 << bit
			tracked[sock] = owner
		}
	}
	if err := it.Err(); err != nil {
		return fmt.Errorf("tracked sockets: %w", err)
	}
	for sock, owner := range tracked {
		var err error
		if owner.Trackers == 0 {
			err = m.Delete(sock)
		} else {
			err = m.Update(sock, owner, ebpf.UpdateExist)
		}
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("tracked sockets: %w", err)
		}
	}
	return nil
}
