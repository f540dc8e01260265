// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
)

// noReclassify is struct vd_process_policy.reclassify for "none".
const noReclassify = 2

// reclassifyPasses is how often all processes are gone through. Membership in
// process sets is passed from parents to children in the order of pids: each
// further pass completes one more wrap-around of pids in a lineage, and
// classifies what was forked during the pass before.
const reclassifyPasses = 4

// processClasses keeps the tables by which fork and exec classify processes.
// There are two generations, one of which the programs in force use; the
// other is free to be filled.
type processClasses struct {
	base *Base
	// wait waits for programs that still use what is to be filled.
	wait       func() error
	tables     compile.ProcessTables
	generation uint32
	policy     bpf.ProcessPolicy
	lineage    Lineage // nil: nothing is known of images that run no more
}

// prepare fills the free generation, gives all processes their classes in
// it, and returns it. If the tables are those in force, that generation is
// returned.
func (c *processClasses) prepare(t compile.ProcessTables) (uint32, error) {
	if reflect.DeepEqual(t, c.tables) {
		return c.generation, nil
	}
	g := 1 - c.generation
	if err := c.wait(); err != nil {
		return 0, fmt.Errorf("process classes: %w", err)
	}
	if err := c.clear(g); err != nil {
		return 0, fmt.Errorf("process classes: %w", err)
	}
	if err := c.fill(t, g); err != nil {
		return 0, fmt.Errorf("process classes: %w", errors.Join(err, c.clear(g)))
	}
	if err := c.reclassify(&t); err != nil {
		return 0, fmt.Errorf("process classes: %w", err)
	}
	return g, nil
}

// reclassify gives all processes their classes in the generation that has been
// filled.
func (c *processClasses) reclassify(t *compile.ProcessTables) error {
	if err := c.tellOrigins(t); err != nil {
		return errors.Join(err, c.forgetOrigins())
	}
	for range reclassifyPasses {
		if err := c.base.Tasks(func([]byte) {}); err != nil {
			return errors.Join(err, c.forgetOrigins())
		}
	}
	c.policy.Reclassify = noReclassify
	return errors.Join(c.store(), c.forgetOrigins())
}

// commit notes that the programs in force use the tables.
func (c *processClasses) commit(t compile.ProcessTables, generation uint32) {
	c.tables, c.generation = t, generation
}

func (c *processClasses) store() error {
	if err := c.base.process.Maps["vd_process_policy"].Put(uint32(0), c.policy); err != nil {
		return fmt.Errorf("process policy: %w", err)
	}
	return nil
}

// clear empties a generation that no program uses.
func (c *processClasses) clear(g uint32) error {
	c.policy.Binaries[g], c.policy.PidSets[g], c.policy.InitSets[g] = 0, 0, 0
	c.policy.Reclassify = noReclassify
	if err := c.store(); err != nil {
		return err
	}
	var key bpf.StringKey
	var keys []bpf.StringKey
	var value bpf.StringValue
	it := c.base.process.Maps["vd_binaries"].Iterate()
	for it.Next(&key, &value) {
		if generationOf(key) == g {
			keys = append(keys, key)
		}
	}
	if err := it.Err(); err != nil {
		return err
	}
	for _, k := range keys {
		if err := c.base.process.Maps["vd_binaries"].Delete(k); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return err
		}
	}
	return c.clearPIDs(g)
}

func (c *processClasses) clearPIDs(g uint32) error {
	var key bpf.PIDSetKey
	var keys []bpf.PIDSetKey
	var sets uint64
	it := c.base.process.Maps["vd_pid_sets"].Iterate()
	for it.Next(&key, &sets) {
		if uint32(key.Generation) == g {
			keys = append(keys, key)
		}
	}
	if err := it.Err(); err != nil {
		return err
	}
	for _, k := range keys {
		if err := c.base.process.Maps["vd_pid_sets"].Delete(k); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return err
		}
	}
	return nil
}

func (c *processClasses) fill(t compile.ProcessTables, g uint32) error {
	for _, e := range t.Strings {
		if err := c.base.process.Maps["vd_binaries"].Put(stringKey(e, g), stringValue(e, g)); err != nil {
			return fmt.Errorf("binary %q: %w", e.Data, err)
		}
	}
	for _, s := range t.PIDSets {
		key := bpf.PIDSetKey{Pid: s.PID, Generation: uint16(g)}
		if s.Namespace {
			key.IsNamespace = 1
			if s.PID == 1 {
				c.policy.InitSets[g] |= s.Sets
			}
		}
		if err := c.base.process.Maps["vd_pid_sets"].Put(key, s.Sets); err != nil {
			return fmt.Errorf("pid %d: %w", s.PID, err)
		}
	}
	if len(t.Strings) != 0 {
		c.policy.Binaries[g] = 1
	}
	if len(t.PIDSets) != 0 {
		c.policy.PidSets[g] = 1
	}
	c.policy.Reclassify = g
	for bit, name := range c.tables.Sets {
		c.policy.Carry[bit] = 0
		if i := slices.Index(t.Sets, name); i >= 0 {
			c.policy.Carry[bit] = 1 << i
		}
	}
	return c.store()
}

// generationOf is the generation in the highest bit of a key's state, which
// is big-endian.
func generationOf(k bpf.StringKey) uint32 {
	return k.State & 0xff >> 7
}
