// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"

	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/ocsf"
)

// Format is how events are encoded. The zero value is the compatible JSON.
type Format uint8

// The formats.
const (
	FormatJSON Format = iota
	// FormatOCSF is the Open Cybersecurity Schema Framework.
	FormatOCSF

	formats // their number
)

// formatNames are the names of the formats in configurations.
var formatNames = [formats]string{FormatJSON: "json", FormatOCSF: "ocsf"}

// appendEvent has the encoder of each format: one line without its end.
var appendEvent = [formats]func([]byte, *event.Event) []byte{FormatJSON: event.AppendJSON, FormatOCSF: ocsf.Append}

// ParseFormat returns the format of the name, JSON where that is empty.
func ParseFormat(name string) (Format, error) {
	if name == "" {
		return FormatJSON, nil
	}
	for format, known := range formatNames {
		if known == name {
			return Format(format), nil
		}
	}
	return 0, fmt.Errorf("format: %q is not one of %q", name, formatNames)
}

// String returns the name of the format.
func (f Format) String() string { return formatNames[f] }

// encoded is an event in the formats that were asked for.
type encoded struct {
	lines [formats][]byte // reused
	done  [formats]bool
}

// reset is for the next event.
func (c *encoded) reset() { c.done = [formats]bool{} }

// line returns the event in a format. It is valid until reset.
func (c *encoded) line(f Format, e *event.Event) []byte {
	if !c.done[f] {
		c.lines[f], c.done[f] = appendEvent[f](c.lines[f][:0], e), true
	}
	return c.lines[f]
}
