// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// signalError is the cause of a context that a signal ended.
type signalError struct{ signal syscall.Signal }

func (e signalError) Error() string { return fmt.Sprintf("received signal %v", e.signal) }

// withSignals returns a context that ends at the first SIGINT, SIGTERM or SIGHUP. The next signal has
// its default effect again, so that a program that hangs can be ended. A closed pipe is reported as
// an error of the write and not by SIGPIPE: whoever runs a command must be able to clean up after it.
func withSignals(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	ending := make(chan os.Signal, 1)
	signal.Notify(ending, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)

	var watcher sync.WaitGroup
	watcher.Go(func() {
		select {
		case s := <-ending:
			signal.Stop(ending)
			if number, ok := s.(syscall.Signal); ok {
				cancel(signalError{number})
			}
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		signal.Stop(ending)
		signal.Stop(pipe)
		cancel(context.Canceled)
		watcher.Wait()
	}
}
