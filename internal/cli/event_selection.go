// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/filter"
)

// localSelection does to events from standard input what an agent does to those it sends.
type localSelection struct {
	set    *filter.Set
	fields *filter.FieldFilters
}

func newLocalSelection(request *tetragon.GetEventsRequest) (*localSelection, error) {
	set, err := filter.Compile(request.GetAllowList(), request.GetDenyList(), filter.Options{
		// What the events carry is not known before they are read.
		ProcessCred: true,
		PIDSet:      true,
		Ancestors:   func(event.Kind) bool { return true },
	})
	if err != nil {
		return nil, err
	}
	fields, err := filter.CompileFieldFilters(request.GetFieldFilters())
	if err != nil {
		return nil, err
	}
	return &localSelection{set, fields}, nil
}

// apply returns the message with the selected fields, or nil where the event is not selected.
func (s *localSelection) apply(m *tetragon.GetEventsResponse) *tetragon.GetEventsResponse {
	if !s.set.Match(filter.NewSubject(event.FromProto(m))) {
		return nil
	}
	return s.fields.Apply(m)
}
