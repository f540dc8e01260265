// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"
	"slices"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
)

// compiler turns one filter into matchers, the cheap ones first.
type compiler struct {
	options  Options
	matchers conjunction
	trackers []*pidSet
}

func (c *compiler) compile(f *tetragon.Filter) error {
	if f == nil {
		return nil
	}
	c.flags(f)
	c.names(f)
	for _, step := range []func(*tetragon.Filter) error{
		c.eventSet, c.pids, c.capabilities, c.labels, c.processRegexes, c.podRegexes, c.ancestors, c.expressions,
	} {
		if err := step(f); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) add(m matcher) { c.matchers = append(c.matchers, m) }

func (c *compiler) eventSet(f *tetragon.Filter) error {
	if len(f.EventSet) == 0 {
		return nil
	}
	kinds, err := checkKinds("event_set", f.EventSet)
	if err != nil {
		return err
	}
	c.add(func(s *Subject) bool { return slices.Contains(kinds, s.event.Kind) })
	return nil
}

// checkKinds refuses numbers that are no kind of event.
func checkKinds(field string, kinds []event.Kind) ([]event.Kind, error) {
	for i, kind := range kinds {
		if _, known := tetragon.EventType_name[int32(kind)]; !known || kind == tetragon.EventType_UNDEF {
			return nil, fmt.Errorf("%s[%d]: %v: not a type of event", field, i, kind)
		}
	}
	return slices.Clone(kinds), nil
}

func (c *compiler) pids(f *tetragon.Filter) error {
	if len(f.Pid) > 0 {
		given := pids(slices.Clone(f.Pid))
		c.process(given.has)
	}
	if len(f.PidSet) > 0 {
		if !c.options.PIDSet {
			return fmt.Errorf("pid_set: %v: needs the agent's option --enable-pid-set-filter", f.PidSet)
		}
		tracker := newPIDSet(slices.Clone(f.PidSet))
		c.trackers = append(c.trackers, tracker)
		c.add(tracker.match)
	}
	return nil
}

func (c *compiler) flags(f *tetragon.Filter) {
	if f.HealthCheck != nil {
		want := f.HealthCheck.Value
		c.add(func(s *Subject) bool {
			return s.event.Process != nil && want == (isProbe(s.event.Process) || isProbe(s.event.Parent))
		})
	}
	if f.InInitTree != nil {
		want := f.InInitTree.Value
		c.process(func(p *event.Process) bool { return p.InInitTree == want })
	}
}

func isProbe(p *event.Process) bool {
	return p != nil && p.Pod != nil && p.Pod.Container != nil && p.Pod.Container.MaybeExecProbe
}

func (c *compiler) names(f *tetragon.Filter) {
	if len(f.Namespace) > 0 {
		namespaces := slices.Clone(f.Namespace)
		c.process(func(p *event.Process) bool { return slices.Contains(namespaces, namespace(p)) })
	}
	if len(f.PolicyNames) > 0 {
		names := slices.Clone(f.PolicyNames)
		c.add(func(s *Subject) bool {
			return fromPolicy(s.event.Kind) && slices.Contains(names, s.event.Hook.PolicyName)
		})
	}
}

// namespace returns the Kubernetes namespace of a process, "" for one that is in no pod.
func namespace(p *event.Process) string {
	if p.Pod == nil {
		return ""
	}
	return p.Pod.Namespace
}

func fromPolicy(kind event.Kind) bool {
	switch kind {
	case event.KindKprobe, event.KindTracepoint, event.KindUprobe, event.KindUsdt, event.KindLSM:
		return true
	}
	return false
}

func (c *compiler) labels(f *tetragon.Filter) error {
	if len(f.Labels) == 0 {
		return nil
	}
	selectors := make([]selector, len(f.Labels))
	for i, text := range f.Labels {
		var err error
		if selectors[i], err = parseSelector(text); err != nil {
			return fmt.Errorf("labels[%d]: %q: %w", i, text, err)
		}
	}
	c.pod(func(p *event.Pod) bool {
		return slices.ContainsFunc(selectors, func(s selector) bool { return s.matches(p.Labels) })
	})
	return nil
}

// process adds a matcher on the process of an event; events without one do not match.
func (c *compiler) process(match func(*event.Process) bool) {
	c.add(func(s *Subject) bool { return s.event.Process != nil && match(s.event.Process) })
}

// pod adds a matcher on the pod of an event's process; events without one do not match.
func (c *compiler) pod(match func(*event.Pod) bool) {
	c.process(func(p *event.Process) bool { return p.Pod != nil && match(p.Pod) })
}
