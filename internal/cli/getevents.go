// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/vedette-io/vedette/api/tetragon"
)

const getEventsHelp = `Print the events that the agent sees, as they happen, until interrupted.

When standard input is a pipe or a file, events are read from there instead, as lines of JSON such as the agent's
export file has them: no agent is needed, and the same filters apply. Lines that are no event are skipped and
counted. With --server-address the agent is asked, whatever standard input is.

Conditions of different flags must all be met; of the values of one flag, any.`

const getEventsExample = `  # Everything, one line for people
  vedette getevents -o compact

  # What runs in the pods of one namespace, without exits
  vedette getevents -o compact -n shop -e PROCESS_EXEC,PROCESS_KPROBE

  # What a policy saw, as JSON with few fields
  vedette getevents --policy-names protect-secret -f process.binary,process.arguments,action

  # Yesterday's events of one program
  zcat vedette-export.log.gz | vedette getevents -o compact --timestamps --process /usr/bin/curl`

// getEvents is the command getevents.
type getEvents struct {
	program       Program
	client        *client
	selection     eventSelection
	format        eventFormat
	tty           string
	reconnect     bool
	reconnectWait time.Duration
}

func newGetEventsCommand(p Program, c *client) *cobra.Command {
	g := &getEvents{program: p, client: c}
	cmd := &cobra.Command{
		Use:               "getevents",
		Short:             "Print events as they happen",
		Long:              getEventsHelp,
		Example:           getEventsExample,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return g.run(cmd) },
	}
	flags := cmd.Flags()
	g.format.addFlags(cmd, formatJSON)
	g.selection.addFlags(flags)
	flags.StringVarP(&g.tty, "tty-encode", "t", "", "print only what was written to a terminal, a `file` such as /dev/pts/1, as it was written")
	flags.BoolVar(&g.reconnect, "reconnect", false, "when the connection is lost, connect again")
	flags.DurationVar(&g.reconnectWait, "reconnect-wait", 2*time.Second, "how long to wait before connecting again")
	c.addFlags(flags)
	completeFlag(cmd, "event-types", completeList(eventTypeNames()))
	completeFlag(cmd, "policy-names", completePolicies(c))
	return cmd
}

func (g *getEvents) run(cmd *cobra.Command) error {
	request, err := g.selection.request()
	if err != nil {
		return usageErrorf(cmd, "%w", err)
	}
	// What is wrong with a filter is told before an agent is asked.
	selected, err := newLocalSelection(request)
	if err != nil {
		return usageErrorf(cmd, "%w", err)
	}
	printer := newEventPrinter(g.program.Stdout, g.format)
	printer.tty = g.tty
	if !cmd.Flags().Changed("server-address") && hasEvents(g.program.Stdin) {
		err = g.printInput(cmd.Context(), selected, printer)
	} else {
		err = g.printStreams(cmd.Context(), request, printer)
	}
	if flushErr := printer.Flush(); err == nil {
		err = flushErr
	}
	if printer.skipped > 0 {
		errorf(g.program.Stderr, "%s left out: without a process, or of a kind that cannot be printed so", count(printer.skipped, "event"))
	}
	// To interrupt it is how this command ends.
	if errors.Is(err, context.Canceled) && cmd.Context().Err() != nil {
		return nil
	}
	return err
}

// printInput prints the selected events of standard input.
func (g *getEvents) printInput(ctx context.Context, selected *localSelection, printer *eventPrinter) error {
	source := newLineSource(g.program.Stdin)
	err := printEvents(ctx, source, func(m *tetragon.GetEventsResponse) error {
		if m = selected.apply(m); m == nil {
			return nil
		}
		return printer.PrintMessage(m)
	}, printer.Flush)
	if err != nil && !errors.Is(err, io.EOF) {
		if ctx.Err() != nil {
			return context.Canceled
		}
		return fmt.Errorf("read events from standard input: %w", err)
	}
	if source.invalid > 0 {
		errorf(g.program.Stderr, "%d of %s skipped: not an event", source.invalid, count(source.lines, "line"))
	}
	if source.lines == 0 {
		errorf(g.program.Stderr, "standard input is empty; to ask the agent, use </dev/null or --server-address")
	}
	return nil
}

// printStreams prints the events of the agent, with --reconnect of one connection after another.
func (g *getEvents) printStreams(ctx context.Context, request *tetragon.GetEventsRequest, printer *eventPrinter) error {
	for {
		err := g.printStream(ctx, request, printer)
		var output *outputError
		if !g.reconnect || ctx.Err() != nil || errors.As(err, &output) || errors.As(err, new(*answerError)) {
			return err
		}
		reason := "the agent ended it"
		if err != nil {
			reason = err.Error()
		}
		errorf(g.program.Stderr, "connection lost, next attempt in %s: %s", g.reconnectWait, reason)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(g.reconnectWait):
		}
	}
}

// printStream prints the events of one connection. It returns nil when the agent ends the stream.
func (g *getEvents) printStream(ctx context.Context, request *tetragon.GetEventsRequest, printer *eventPrinter) error {
	conn, err := g.client.connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	source, err := g.client.openStream(ctx, conn, request)
	if err != nil {
		return err
	}
	err = printEvents(ctx, source, printer.PrintMessage, printer.Flush)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case errors.As(err, new(*outputError)):
		return err
	}
	return conn.explain(ctx, err)
}

// openStream asks for events. Only the answer has to come within the time of --timeout, the stream
// lasts as long as the context.
func (c *client) openStream(ctx context.Context, conn *connection, request *tetragon.GetEventsRequest) (streamSource, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	timeout := time.AfterFunc(c.timeout, func() { cancel(context.DeadlineExceeded) })
	defer timeout.Stop()
	var stream tetragon.FineGuidanceSensors_GetEventsClient
	err := c.retry(ctx, conn, func() (err error) {
		stream, err = conn.GetEvents(ctx, request)
		return err
	})
	if err != nil {
		cancel(context.Canceled)
		return streamSource{}, err
	}
	return streamSource{stream, cancel}, nil
}

// outputError is an error of what is written, not of what is read.
type outputError struct{ err error }

func (e *outputError) Error() string { return fmt.Sprintf("write events: %v", e.err) }
func (e *outputError) Unwrap() error { return e.err }

// printEvents prints the events of a source until one side ends, and flushes what was printed whenever
// no further event is waiting. The error is that of the source, or an [outputError].
func printEvents(ctx context.Context, source eventSource, show func(*tetragon.GetEventsResponse) error, flush func() error) error {
	queue, stop := startPump(source)
	defer stop()
	for {
		next, err := receive(ctx, queue, flush)
		if err != nil {
			return err
		}
		if next.err != nil {
			if err := flush(); err != nil {
				return &outputError{err}
			}
			return next.err
		}
		if err := show(next.event); err != nil {
			return &outputError{err}
		}
	}
}

// receive returns what is next in the queue. Before it waits, it flushes the output.
func receive(ctx context.Context, queue <-chan received, flush func() error) (received, error) {
	select {
	case next := <-queue:
		return next, nil
	default:
	}
	if err := flush(); err != nil {
		return received{}, &outputError{err}
	}
	select {
	case next := <-queue:
		return next, nil
	case <-ctx.Done():
		return received{}, ctx.Err()
	}
}
