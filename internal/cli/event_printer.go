// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
)

// The values of --output of commands that print events.
const (
	formatJSON    = "json"
	formatCompact = "compact"
)

// eventFormat is how events are printed.
type eventFormat struct {
	output, color          string
	timestamps             bool
	stackTraces, imaHashes bool
}

// addFlags defines the flags that say how events are printed.
func (f *eventFormat) addFlags(cmd *cobra.Command, output string) {
	flags := cmd.Flags()
	f.output = output
	flags.VarP(newChoice(&f.output, formatJSON, formatCompact), "output", "o", "how to print events: json, one object a line, or compact, one line for people")
	addColorFlag(flags, &f.color)
	flags.BoolVar(&f.timestamps, "timestamps", false, "begin compact lines with the time, e.g. 2026-01-31T12:00:00.000000000Z")
	flags.BoolVar(&f.stackTraces, "stack-traces", true, "show stack traces below compact lines")
	flags.BoolVar(&f.imaHashes, "ima-hash", true, "show file hashes below compact lines")
	completeChoices(cmd, "output", "color")
}

// eventPrinter prints events.
type eventPrinter struct {
	out       *bufio.Writer
	options   event.CompactOptions
	compact   bool
	line      []byte
	blankless bytes.Buffer
	// tty, if not empty, is the terminal whose output is printed instead of events.
	tty string
	// skipped counts the events that cannot be printed.
	skipped uint64
}

func newEventPrinter(w io.Writer, f eventFormat) *eventPrinter {
	return &eventPrinter{
		out:     bufio.NewWriterSize(w, 64<<10),
		compact: f.output == formatCompact,
		options: event.CompactOptions{
			Color:       useColor(w, f.color),
			Timestamps:  f.timestamps,
			StackTraces: f.stackTraces,
			ImaHash:     f.imaHashes,
		},
	}
}

// PrintMessage prints an event as it was received.
func (p *eventPrinter) PrintMessage(m *tetragon.GetEventsResponse) error {
	switch {
	case p.tty != "":
		_, err := p.out.Write(terminalOutput(m, p.tty))
		return err
	case p.compact:
		return p.Print(event.FromProto(m))
	}
	// The message is printed by its own description and not by way of an event: what a newer or other
	// agent put into it must not get lost here.
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		p.skipped++
		return nil
	}
	// protojson inserts blanks at random, to keep its users from comparing texts.
	p.blankless.Reset()
	if err := json.Compact(&p.blankless, text); err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	p.blankless.WriteByte('\n')
	_, err = p.out.Write(p.blankless.Bytes())
	return err
}

// Print prints an event. One that lacks what its line needs is counted instead.
func (p *eventPrinter) Print(e *event.Event) error {
	if !p.compact {
		p.line = append(event.AppendJSON(p.line[:0], e), '\n')
	} else {
		line, err := event.AppendCompact(p.line[:0], e, p.options)
		if err != nil {
			p.skipped++
			return nil
		}
		p.line = append(line, '\n')
	}
	_, err := p.out.Write(p.line)
	return err
}

// Flush writes what is buffered.
func (p *eventPrinter) Flush() error { return p.out.Flush() }

// terminalOutput returns what a process wrote to a terminal, where the event tells that: a call with
// the terminal as one argument and the bytes as another.
func terminalOutput(m *tetragon.GetEventsResponse, tty string) []byte {
	var data []byte
	found := false
	for _, argument := range m.GetProcessKprobe().GetArgs() {
		switch {
		case argument.GetFileArg().GetPath() == tty, argument.GetPathArg().GetPath() == tty:
			found = true
		case argument.GetBytesArg() != nil:
			data = argument.GetBytesArg()
		case argument.GetTruncatedBytesArg() != nil:
			data = argument.GetTruncatedBytesArg().GetBytesArg()
		}
	}
	if !found {
		return nil
	}
	return data
}
