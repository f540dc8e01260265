// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
)

// Subject is an event that is being filtered and delivered, with its message once somebody needs it.
// It is valid as long as its event is. It is not safe for concurrent use.
type Subject struct {
	event   *event.Event
	message *tetragon.GetEventsResponse
}

// NewSubject returns the subject of an event.
func NewSubject(e *event.Event) *Subject { return &Subject{event: e} }

// Reset makes s the subject of another event.
func (s *Subject) Reset(e *event.Event) { *s = Subject{event: e} }

// Event returns the event.
func (s *Subject) Event() *event.Event { return s.event }

// Message returns the event's message, made at the first call. It shares nothing with the event and must
// not be changed, since others use it too.
func (s *Subject) Message() *tetragon.GetEventsResponse {
	if s.message == nil {
		s.message = event.ToProto(s.event)
	}
	return s.message
}
