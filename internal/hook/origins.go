// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
)

// Lineage tells the resolved paths of the binaries of an image and of those
// that it comes from, its own first, as far as they are known.
type Lineage func(bpf.ProcessID) []string

// SetLineage has classes for new policies found also for what processes come
// from that runs no more: without it filters on parents match only those that
// live. It must be called before the first [Engine.Apply].
func (e *Engine) SetLineage(l Lineage) { e.process.lineage = l }

// tellOrigins tells the task iterator what the images were that processes
// come from. Those that still run it asks themselves; but they can end
// meanwhile.
func (c *processClasses) tellOrigins(t *compile.ProcessTables) error {
	if c.lineage == nil || len(t.Strings) == 0 {
		return nil
	}
	ids, err := c.parents()
	if err != nil {
		return err
	}
	for _, id := range ids {
		origin, ok := c.origin(t, id)
		if !ok {
			continue
		}
		err := c.base.process.Maps["vd_origins"].Put(id, origin)
		if errors.Is(err, unix.E2BIG) {
			return nil // the map is full: what is left are parents that run
		}
		if err != nil {
			return fmt.Errorf("parents of processes: %w", err)
		}
	}
	return nil
}

// parents are the images that the processes come from, first those that run no
// more.
func (c *processClasses) parents() ([]bpf.ProcessID, error) {
	runs := map[bpf.ProcessID]bool{}
	parents := map[bpf.ProcessID]bool{}
	var pid uint32
	var p bpf.Process
	it := c.base.shared["vd_processes"].Iterate()
	for it.Next(&pid, &p) {
		runs[bpf.ProcessID{Pid: pid, Start: p.Start}] = true
		parents[bpf.ProcessID{Pid: p.ParentPid, Start: p.ParentStart}] = true
	}
	// The processes change while they are gone through.
	if err := it.Err(); err != nil && !errors.Is(err, ebpf.ErrIterationAborted) {
		return nil, fmt.Errorf("parents of processes: %w", err)
	}
	var gone, running []bpf.ProcessID
	for id := range parents {
		if runs[id] {
			running = append(running, id)
		} else {
			gone = append(gone, id)
		}
	}
	return append(gone, running...), nil
}

// origin is the class of an image, false if it is not known.
func (c *processClasses) origin(t *compile.ProcessTables, id bpf.ProcessID) (bpf.Origin, bool) {
	paths := c.lineage(id)
	if len(paths) == 0 {
		return bpf.Origin{}, false
	}
	var o bpf.Origin
	o.Binary, o.BinaryEnd, _ = t.Classify(paths[0])
	for _, path := range paths {
		_, _, sets := t.Classify(path)
		o.Sets |= sets
	}
	return o, true
}

// forgetOrigins empties the map: the classes are those of one change only.
func (c *processClasses) forgetOrigins() error {
	m := c.base.process.Maps["vd_origins"]
	var ids []bpf.ProcessID
	var id bpf.ProcessID
	var o bpf.Origin
	it := m.Iterate()
	for it.Next(&id, &o) {
		ids = append(ids, id)
	}
	if err := it.Err(); err != nil {
		return fmt.Errorf("parents of processes: %w", err)
	}
	for _, id := range ids {
		if err := m.Delete(id); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("parents of processes: %w", err)
		}
	}
	return nil
}
