// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Clock turns the kernel's time since boot into wall clock time. It is safe for concurrent use.
type Clock struct{ offset atomic.Int64 }

// NewClock returns a clock for which the machine booted at boot, in nanoseconds since the Unix epoch.
func NewClock(boot int64) *Clock {
	c := &Clock{}
	c.offset.Store(boot)
	return c
}

// Sync sets the clock by the kernel's CLOCK_REALTIME and CLOCK_BOOTTIME. The difference changes
// when the wall clock is set.
func (c *Clock) Sync() error {
	boot, err := now(unix.CLOCK_BOOTTIME)
	if err != nil {
		return fmt.Errorf("time since boot: %w", err)
	}
	wall, err := now(unix.CLOCK_REALTIME)
	if err != nil {
		return fmt.Errorf("wall clock time: %w", err)
	}
	c.offset.Store(wall - boot)
	return nil
}

// Wall returns the wall clock time, in nanoseconds since the Unix epoch, of a time in nanoseconds
// since boot.
func (c *Clock) Wall(sinceBoot uint64) int64 { return c.offset.Load() + int64(sinceBoot) }

// SinceBoot returns the time now in nanoseconds since boot (CLOCK_BOOTTIME, as records have it).
func SinceBoot() (uint64, error) {
	t, err := now(unix.CLOCK_BOOTTIME)
	if err != nil {
		return 0, fmt.Errorf("time since boot: %w", err)
	}
	return uint64(t), nil
}

func now(clock int32) (int64, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0, err
	}
	return t.Nano(), nil
}
