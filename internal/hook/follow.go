// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/vedette-io/vedette/bpf"
)

// ReleaseFollow forgets every descriptor that a policy follows and every
// socket that it tracks, so that its follow bit can be given to another policy.
func (e *Engine) ReleaseFollow(bit int) error {
	return e.undisturbed(func() error {
		return errors.Join(e.releaseTracked(bit), e.releaseNotices(bit), e.sweepFollowed(func(_ bpf.FollowedKey, f *bpf.Followed) bool {
			f.Mask &^= 1 << bit
			return true
		}))
	})
}

// ForgetProcess forgets the followed descriptors of a process that has
// ended. Exit records of such processes carry VD_PROCESS_FOLLOWS.
func (e *Engine) ForgetProcess(pid uint32) error {
	return e.undisturbed(func() error { return e.forgetProcess(pid) })
}

func (e *Engine) forgetProcess(pid uint32) error {
	// A process that has the id by now keeps what it follows.
	var now bpf.Process
	if err := e.shared["vd_processes"].Lookup(pid, &now); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("followed descriptors: %w", err)
	}
	return e.sweepFollowed(func(k bpf.FollowedKey, f *bpf.Followed) bool {
		if k.Pid != pid || f.Born == now.Born {
			return false
		}
		f.Mask = 0
		return true
	})
}

// sweepFollowed lets change alter the rows it returns true for; rows without
// any bit left are deleted.
func (e *Engine) sweepFollowed(change func(bpf.FollowedKey, *bpf.Followed) bool) error {
	m := e.shared["vd_followed"]
	type row struct {
		key   bpf.FollowedKey
		value bpf.Followed
	}
	var rows []row
	var r row
	it := m.Iterate()
	for it.Next(&r.key, &r.value) {
		before := r.value
		if change(r.key, &r.value) && r.value.Mask != before.Mask {
			rows = append(rows, r)
		}
	}
	if err := it.Err(); err != nil {
		return fmt.Errorf("followed descriptors: %w", err)
	}
	for _, r := range rows {
		var err error
		if r.value.Mask == 0 {
			err = m.Delete(r.key)
		} else {
			err = m.Update(r.key, r.value, ebpf.UpdateExist)
		}
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("followed descriptors: %w", err)
		}
	}
	return nil
}
