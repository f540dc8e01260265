// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
)

// Bounds of what a client may ask for.
const (
	maxFilters     = 128  // in a list
	maxValues      = 1024 // in the fields of a list together
	maxExpressions = 16   // in a list
	maxLength      = 4096 // bytes of one value
)

// Options say what the agent is able to filter by.
type Options struct {
	// ProcessCred says that events carry capabilities (--enable-process-cred).
	ProcessCred bool
	// PIDSet says that pid_set may be used; the export lists need --enable-pid-set-filter for it.
	PIDSet bool
	// Ancestors says which kinds of events carry ancestors (--enable-ancestors); nil means none.
	Ancestors func(event.Kind) bool
}

// Set is a compiled allow list and deny list. It is safe for concurrent use.
type Set struct {
	allow, deny []conjunction
	trackers    []*pidSet
}

// matcher decides on one field of a filter.
type matcher func(*Subject) bool

// conjunction is one filter: all its fields must match.
type conjunction []matcher

// Compile compiles the two lists. An error names the list, the filter, the field and the value.
func Compile(allow, deny []*tetragon.Filter, options Options) (*Set, error) {
	s := &Set{}
	var err error
	if s.allow, err = s.compileList("allow_list", allow, options); err != nil {
		return nil, err
	}
	if s.deny, err = s.compileList("deny_list", deny, options); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Set) compileList(name string, list []*tetragon.Filter, options Options) ([]conjunction, error) {
	if len(list) > maxFilters {
		return nil, fmt.Errorf("%s: %d filters: at most %d are possible", name, len(list), maxFilters)
	}
	if err := checkTotal(list); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	compiled := make([]conjunction, len(list))
	for i, f := range list {
		c := compiler{options: options}
		if err := c.compile(f); err != nil {
			return nil, fmt.Errorf("%s[%d].%w", name, i, err)
		}
		compiled[i] = c.matchers
		s.trackers = append(s.trackers, c.trackers...)
	}
	return compiled, nil
}

// checkTotal bounds what one event costs: all filters are evaluated by the reader of events.
func checkTotal(list []*tetragon.Filter) error {
	values, expressions := 0, 0
	for _, f := range list {
		f.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
			if field.IsList() {
				values += value.List().Len()
			}
			return true
		})
		expressions += len(f.GetCelExpression())
	}
	if values > maxValues {
		return fmt.Errorf("%d values: at most %d are possible", values, maxValues)
	}
	if expressions > maxExpressions {
		return fmt.Errorf("%d CEL expressions: at most %d are possible", expressions, maxExpressions)
	}
	return nil
}

// Match says whether an event passes: some allow filter matches it, or there is none, and no deny
// filter does. The report of a loss concerns everyone and needs no allow filter, but it can be denied.
func (s *Set) Match(subject *Subject) bool {
	for _, tracker := range s.trackers {
		tracker.observe(subject.event)
	}
	allowed := len(s.allow) == 0 || subject.event.Kind == event.KindLost || matchAny(s.allow, subject)
	return allowed && !matchAny(s.deny, subject)
}

func matchAny(list []conjunction, subject *Subject) bool {
	return slices.ContainsFunc(list, func(c conjunction) bool { return c.match(subject) })
}

func (c conjunction) match(subject *Subject) bool {
	for _, match := range c {
		if !match(subject) {
			return false
		}
	}
	return true
}
