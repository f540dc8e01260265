package event

import "github.com/vedette-io/vedette/api/tetragon"

// CompactOptions chooses what AppendCompact prints.
type CompactOptions struct {
	// Color adds ANSI colours.
	Color bool
	// Timestamps begins each line with the time of the event.
	Timestamps bool
	// StackTraces adds stack traces.
	StackTraces bool
	// ImaHash adds the hash of the file.
	ImaHash bool
}

// AppendJSON appends the compatible JSON of e.
func AppendJSON(dst []byte, e *Event) []byte { return dst }

// AppendCompact appends one line for people.
func AppendCompact(dst []byte, e *Event, opts CompactOptions) ([]byte, error) { return dst, nil }

// ToProto returns e as a message.
func ToProto(e *Event) *tetragon.GetEventsResponse { return nil }

// FromProto returns the message as an event.
func FromProto(m *tetragon.GetEventsResponse) *Event { return nil }

// Clone returns a deep copy.
func (e *Event) Clone() *Event { return nil }
