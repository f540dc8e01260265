// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"sync"
	"syscall"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// dialer remembers why a connection failed: the text that gRPC makes of it is not for users.
type dialer struct {
	target target

	mu  sync.Mutex
	err error
}

func (d *dialer) dial(ctx context.Context, _ string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, d.target.network, d.target.host)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
	return conn, err
}

func (d *dialer) lastError() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// explain returns the error of a call in words for the user: why the agent cannot be reached, or what
// it answered.
func (c *connection) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	dial := c.dialer.lastError()
	switch {
	case errors.Is(context.Cause(ctx), context.Canceled) || errors.As(context.Cause(ctx), new(signalError)):
		return context.Canceled
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded) && dial == nil:
		return noAnswer(c.address)
	case dial != nil && errors.Is(dial, fs.ErrPermission):
		return fmt.Errorf("permission denied for %s: run as root, or as a user that may open the socket", c.address)
	case dial != nil && (errors.Is(dial, fs.ErrNotExist) || errors.Is(dial, syscall.ECONNREFUSED)):
		return fmt.Errorf("no agent listens at %s: start one with \"vedette agent\", or give --server-address", c.address)
	case dial != nil && status.Code(err) == codes.Unavailable:
		return fmt.Errorf("connect to %s: %w", c.address, dial)
	}
	answer, ok := status.FromError(err)
	if !ok {
		return err
	}
	switch answer.Code() {
	case codes.DeadlineExceeded:
		return noAnswer(c.address)
	case codes.Unimplemented:
		return fmt.Errorf("the agent at %s does not support this: %s", c.address, answer.Message())
	case codes.Unavailable:
		return fmt.Errorf("the agent at %s cannot be reached: %s", c.address, answer.Message())
	}
	return &answerError{answer}
}

func noAnswer(address string) error {
	return fmt.Errorf("no answer from the agent at %s within the time of --timeout", address)
}

// answerError is the agent's refusal.
type answerError struct{ status *status.Status }

func (e *answerError) Error() string { return e.status.Message() }
