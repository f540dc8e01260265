// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/vedette-io/vedette/api/tetragon"
)

// eventSource is where events come from. Next returns io.EOF after the last one. Stop makes a Next
// that waits return, and reports whether it can do that.
type eventSource interface {
	Next() (*tetragon.GetEventsResponse, error)
	Stop() bool
}

// streamSource is the stream of events of an agent. Its context is ended by cancel.
type streamSource struct {
	stream tetragon.FineGuidanceSensors_GetEventsClient
	cancel func(error)
}

func (s streamSource) Next() (*tetragon.GetEventsResponse, error) { return s.stream.Recv() }

func (s streamSource) Stop() bool {
	s.cancel(context.Canceled)
	return true
}

// maxLine is the longest line of JSON that is kept in memory, in bytes. The longest event is far
// shorter; what exceeds it is no event.
const maxLine = 256 << 20

// lineSource reads events from lines of JSON.
type lineSource struct {
	reader *bufio.Reader
	line   []byte
	limit  int
	// lines counts the lines that are not empty, invalid those of them that are no event.
	lines, invalid uint64
}

func newLineSource(r io.Reader) *lineSource {
	return &lineSource{reader: bufio.NewReaderSize(r, 64<<10), limit: maxLine}
}

func (s *lineSource) Next() (*tetragon.GetEventsResponse, error) {
	for {
		line, tooLong, err := s.readLine()
		if text := bytes.TrimSpace(line); len(text) > 0 || tooLong {
			s.lines++
			if event, ok := parseEvent(text); ok && !tooLong {
				return event, nil
			}
			s.invalid++
		}
		if err != nil {
			return nil, err
		}
	}
}

// Stop cannot do anything about a read of a pipe. The read ends with the program.
func (s *lineSource) Stop() bool { return false }

// readLine returns the next line, which may end with the input instead of a line break. It is valid
// until the next call.
func (s *lineSource) readLine() (line []byte, tooLong bool, err error) {
	s.line = s.line[:0]
	for {
		part, err := s.reader.ReadSlice('\n')
		if tooLong = tooLong || len(s.line)+len(part) > s.limit; !tooLong {
			s.line = append(s.line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return s.line, tooLong, err
		}
	}
}

// parseEvent parses the JSON of an event. Fields that it does not know are from a newer agent, and
// are left out; without any event in it the text is something else.
func parseEvent(text []byte) (*tetragon.GetEventsResponse, bool) {
	event := new(tetragon.GetEventsResponse)
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, event); err != nil {
		return nil, false
	}
	return event, event.GetEvent() != nil
}

// hasEvents reports whether a standard input is to be read for events: a file, a pipe or a socket,
// but neither a terminal nor /dev/null nor nothing at all.
func hasEvents(stdin *os.File) bool {
	if stdin == nil {
		return false
	}
	info, err := stdin.Stat()
	if err != nil {
		return false
	}
	return info.Mode()&os.ModeCharDevice == 0 && !info.IsDir()
}

// received is an event or the error that ended a source.
type received struct {
	event *tetragon.GetEventsResponse
	err   error
}

// readAhead is how many events are received before they are printed.
const readAhead = 256

// startPump reads a source ahead, so that the printer knows when nothing more is waiting. The returned
// function stops it.
func startPump(source eventSource) (<-chan received, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	queue := make(chan received, readAhead)
	done := make(chan struct{})
	go func() {
		defer close(done)
		pump(ctx, source, queue)
	}()
	return queue, func() {
		cancel()
		if source.Stop() {
			<-done
		}
	}
}

func pump(ctx context.Context, source eventSource, queue chan<- received) {
	for {
		event, err := source.Next()
		select {
		case queue <- received{event, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}
