// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
)

// FieldFilters remove fields from the messages of events. They are safe for concurrent use.
type FieldFilters struct {
	kinds map[event.Kind]*selection
}

// selection is what filters make of one type of event.
type selection struct {
	include *fieldTree // nil: everything
	exclude *fieldTree // nil: nothing
}

// fieldTree is a set of paths of fields. A node without children stands for all below it.
type fieldTree struct {
	children map[protoreflect.FieldNumber]*fieldTree
}

// CompileFieldFilters compiles field filters. An event that an INCLUDE applies to keeps only what some
// INCLUDE names; what an EXCLUDE names is then removed. The result is nil when nothing is filtered. An
// error names the filter and the path, with a suggestion where a field has a similar name.
func CompileFieldFilters(list []*tetragon.FieldFilter) (*FieldFilters, error) {
	if len(list) > maxFilters {
		return nil, fmt.Errorf("field_filters: %d filters: at most %d are possible", len(list), maxFilters)
	}
	filters := &FieldFilters{kinds: make(map[event.Kind]*selection)}
	for i, f := range list {
		if err := filters.add(f); err != nil {
			return nil, fmt.Errorf("field_filters[%d].%w", i, err)
		}
	}
	if len(filters.kinds) == 0 {
		return nil, nil
	}
	return filters, nil
}

func (f *FieldFilters) add(filter *tetragon.FieldFilter) error {
	paths := filter.GetFields().GetPaths()
	if len(paths) == 0 {
		return errors.New("fields: no field is named")
	}
	if len(paths) > maxValues {
		return fmt.Errorf("fields: %d paths: at most %d are possible", len(paths), maxValues)
	}
	if _, known := tetragon.FieldFilterAction_name[int32(filter.GetAction())]; !known {
		return fmt.Errorf("action: %d: neither INCLUDE nor EXCLUDE", filter.GetAction())
	}
	kinds, err := appliesTo(filter)
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := f.addPath(path, kinds, filter.GetAction()); err != nil {
			return fmt.Errorf("fields: %w", err)
		}
	}
	return nil
}

// appliesTo returns the members of the message that a filter applies to.
func appliesTo(filter *tetragon.FieldFilter) ([]protoreflect.FieldDescriptor, error) {
	set, err := checkKinds("event_set", filter.GetEventSet())
	if err != nil {
		return nil, err
	}
	invert := filter.GetInvertEventSet().GetValue()
	var applies []protoreflect.FieldDescriptor
	for i := range members.Len() {
		member := members.Get(i)
		if len(set) == 0 || slices.Contains(set, event.Kind(member.Number())) != invert {
			applies = append(applies, member)
		}
	}
	return applies, nil
}

// addPath adds a path to every type of event that has it. Types that do not have it still lose
// everything else when the path is to be included.
func (f *FieldFilters) addPath(path string, kinds []protoreflect.FieldDescriptor, action tetragon.FieldFilterAction) error {
	if len(path) > maxLength {
		return fmt.Errorf("path of %d bytes: at most %d are possible", len(path), maxLength)
	}
	var firstErr error
	found := len(kinds) == 0
	for _, member := range kinds {
		tree := f.tree(event.Kind(member.Number()), action)
		fields, err := resolve(member.Message(), path)
		if err != nil {
			firstErr = moreTelling(firstErr, err)
			continue
		}
		tree.add(fields)
		found = true
	}
	if !found {
		return firstErr
	}
	return nil
}

// moreTelling returns the more telling of two errors: one about a longer part of the path.
func moreTelling(a, b error) error {
	var x, y *unknownFieldError
	if a == nil || errors.As(a, &x) && errors.As(b, &y) && y.better(x) {
		return b
	}
	return a
}

func (f *FieldFilters) tree(kind event.Kind, action tetragon.FieldFilterAction) *fieldTree {
	s := f.kinds[kind]
	if s == nil {
		s = &selection{}
		f.kinds[kind] = s
	}
	tree := &s.include
	if action == tetragon.FieldFilterAction_EXCLUDE {
		tree = &s.exclude
	}
	if *tree == nil {
		*tree = &fieldTree{children: make(map[protoreflect.FieldNumber]*fieldTree)}
	}
	return *tree
}

// add adds a path unless a part of it that stands for everything below is there already.
func (t *fieldTree) add(path []protoreflect.FieldDescriptor) {
	for i, field := range path {
		if t.children == nil {
			return
		}
		child := t.children[field.Number()]
		if child == nil {
			child = &fieldTree{children: make(map[protoreflect.FieldNumber]*fieldTree)}
			t.children[field.Number()] = child
		}
		if i == len(path)-1 {
			child.children = nil
		}
		t = child
	}
}

// Apply returns the message without the fields that the filters remove: a copy, or m itself when none
// applies to it. Node, cluster, labels and time always stay. It may be called on nil.
func (f *FieldFilters) Apply(m *tetragon.GetEventsResponse) *tetragon.GetEventsResponse {
	if f == nil {
		return m
	}
	field := m.ProtoReflect().WhichOneof(members.Get(0).ContainingOneof())
	if field == nil || f.kinds[event.Kind(field.Number())] == nil {
		return m
	}
	s := f.kinds[event.Kind(field.Number())]
	pruned := proto.Clone(m).(*tetragon.GetEventsResponse)
	inner := pruned.ProtoReflect().Mutable(field).Message()
	if s.include != nil {
		s.include.keep(inner)
	}
	if s.exclude != nil {
		s.exclude.remove(inner)
	}
	return pruned
}

// keep clears every field of m that is not in t.
func (t *fieldTree) keep(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		child := t.children[field.Number()]
		switch {
		case child == nil:
			m.Clear(field)
		case child.children != nil:
			eachMessage(field, value, child.keep)
		}
		return true
	})
}

// remove clears every field of m that is in t.
func (t *fieldTree) remove(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		child := t.children[field.Number()]
		switch {
		case child == nil:
		case child.children == nil:
			m.Clear(field)
		default:
			eachMessage(field, value, child.remove)
		}
		return true
	})
}

// eachMessage calls do with the message, or the messages of the list, that a field holds.
func eachMessage(field protoreflect.FieldDescriptor, value protoreflect.Value, do func(protoreflect.Message)) {
	if !field.IsList() {
		do(value.Message())
		return
	}
	list := value.List()
	for i := range list.Len() {
		do(list.Get(i).Message())
	}
}
