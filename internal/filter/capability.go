// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"fmt"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
)

// condition is what is asked of one capability set, with bit n for capability n.
type condition struct {
	any, all, none uint64
	exactly        uint64
	hasExactly     bool
}

func (c *compiler) capabilities(f *tetragon.Filter) error {
	if f.Capabilities == nil {
		return nil
	}
	if !c.options.ProcessCred {
		return errors.New("capabilities: events carry no capabilities (the agent's option --enable-process-cred)")
	}
	for _, set := range []struct {
		name string
		want *tetragon.CapFilterSet
		of   func(*event.Capabilities) uint64
	}{
		{"permitted", f.Capabilities.Permitted, func(c *event.Capabilities) uint64 { return c.Permitted }},
		{"effective", f.Capabilities.Effective, func(c *event.Capabilities) uint64 { return c.Effective }},
		{"inheritable", f.Capabilities.Inheritable, func(c *event.Capabilities) uint64 { return c.Inheritable }},
	} {
		if set.want == nil {
			continue
		}
		want, err := newCondition(set.want)
		if err != nil {
			return fmt.Errorf("capabilities.%s.%w", set.name, err)
		}
		c.process(func(p *event.Process) bool { return p.Caps != nil && want.holds(set.of(p.Caps)) })
	}
	return nil
}

func newCondition(f *tetragon.CapFilterSet) (condition, error) {
	c := condition{hasExactly: len(f.Exactly) > 0}
	for _, list := range []struct {
		name string
		caps []tetragon.CapabilitiesType
		bits *uint64
	}{
		{"any", f.Any, &c.any}, {"all", f.All, &c.all}, {"exactly", f.Exactly, &c.exactly}, {"none", f.None, &c.none},
	} {
		for i, capability := range list.caps {
			if _, known := tetragon.CapabilitiesType_name[int32(capability)]; !known {
				return condition{}, fmt.Errorf("%s[%d]: %d: not a capability", list.name, i, capability)
			}
			*list.bits |= 1 << capability
		}
	}
	return c, nil
}

func (c condition) holds(set uint64) bool {
	return (c.any == 0 || set&c.any != 0) &&
		set&c.all == c.all &&
		set&c.none == 0 &&
		(!c.hasExactly || set == c.exactly)
}
